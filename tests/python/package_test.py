"""The package as packages are judged: its types, its stub, its ABI, what it documents."""

import inspect
import re
import subprocess
import sys
import sysconfig

import vector_boot
from conftest import ENVIRONMENT, PACKAGE, SOURCE

EXTENSION = PACKAGE / "vector_boot" / "_vector_boot.abi3.so"


def run(*command: object, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=ENVIRONMENT, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_stub_is_what_the_module_is(tmp_path):
    run(sys.executable, "-m", "mypy.stubtest", "vector_boot", cwd=tmp_path)


def test_types_of_the_package(tmp_path):
    for version in ("3.11", "3.14"):
        run("mypy", "--strict", "--no-incremental", "--python-version", version, SOURCE / "python" / "vector_boot")


def test_types_of_programs(tmp_path):
    examples = sorted((SOURCE / "examples" / "python").glob("*.py"))
    run("mypy", "--strict", "--no-incremental", *examples, cwd=tmp_path)
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import vector_boot\nvector_boot.Model('a').chat('b', temprature=1)\n")
    done = subprocess.run(["mypy", "--strict", wrong], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert 'Unexpected keyword argument "temprature"' in done.stdout


def test_only_the_stable_abi_is_used(tmp_path):
    """Every symbol of Python that it needs is declared by Python.h for the limited API of 3.11."""
    listing = run("nm", "--dynamic", "--undefined-only", "--format=just-symbols", EXTENSION)
    needed = {name for name in listing.split() if re.match(r"_?Py", name)}
    assert len(needed) > 30
    source = tmp_path / "limited.c"
    source.write_text("#define Py_LIMITED_API 0x030b0000\n#include <Python.h>\n")
    headers = run("cc", "-E", "-P", "-I", sysconfig.get_path("include"), source)
    assert needed <= set(re.findall(r"\b_?Py\w+", headers)), "not of the limited API"
    assert not needed & {"PyUnicode_AsUTF8", "PyDict_GetItemRef"}  # that one is newer than 3.11
    exported = run("nm", "--dynamic", "--defined-only", "--format=just-symbols", EXTENSION).split()
    assert exported == ["PyInit__vector_boot"]


def test_what_it_needs_is_there(tmp_path):
    needed = re.findall(r"NEEDED.*\[(.*?)\.so", run("readelf", "--dynamic", EXTENSION))
    assert not [name for name in needed if name.startswith(("libpython", "libvector_boot"))]


def test_everything_public_is_documented():
    for name in vector_boot.__all__:
        if name in ("__version__", "Message"):
            continue
        one = getattr(vector_boot, name)
        assert inspect.getdoc(one), name
        if inspect.isclass(one) and one.__module__ != "typing":
            for member, value in vars(one).items():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    assert inspect.getdoc(value), f"{name}.{member}"


def test_names_say_where_they_are():
    assert vector_boot.Error.__module__ == "vector_boot"
    assert vector_boot.Embeddings.__module__ == "vector_boot"
    assert re.fullmatch(r"\d+\.\d+\.\d+", vector_boot.__version__)


def test_errors_can_be_pickled():
    import pickle

    try:
        vector_boot.Model("/nonexistent.gguf")
    except vector_boot.ModelError as error:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.status, again.path) == (type(error), str(error), -2, "/nonexistent.gguf")
