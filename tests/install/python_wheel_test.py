"""The Python package as a wheel in a virtual environment, and as CMake installs it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VB_BUILD_DIR", SOURCE / "build" / "release"))
MODEL = BUILD / "models" / "tiny.gguf"
SCRIPT = """
import sys, vector_boot
with vector_boot.Model(sys.argv[1]) as model:
    print(vector_boot.__file__, model.chat("Hi", max_tokens=4).usage.completion_tokens)
"""


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of what it needs, where a build may write."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("src", "python", "include", "cmake", "docs", "third_party"):
        shutil.copytree(SOURCE / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CMakeLists.txt", "pyproject.toml", "LICENSE"):
        shutil.copy(SOURCE / name, folder / "source" / name)
    (folder / "source" / ".cache").symlink_to(SOURCE / ".cache")  # the crates of llguidance are there, built
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--wheel-dir", folder]
    run(sys.executable, "-m", "pip", "wheel", *options, folder / "source", env={**os.environ, "CMAKE_BUILD_PARALLEL_LEVEL": "2"})
    (built,) = folder.glob("*.whl")
    return built


def test_what_is_in_the_wheel(wheel):
    assert wheel.name.startswith("vector_boot-0.1.0-cp311-abi3-linux_")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read("vector_boot-0.1.0.dist-info/METADATA").decode()
    code = {name for name in names if not name.startswith("vector_boot-0.1.0.dist-info/")}
    package = {f"vector_boot/{path.name}" for path in (SOURCE / "python" / "vector_boot").glob("*.py*")}
    assert code == package | {"vector_boot/py.typed", "vector_boot/_vector_boot.abi3.so"}
    assert "vector_boot-0.1.0.dist-info/licenses/LICENSE" in names
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    assert "\n# vector_boot in Python\n" in metadata


def test_the_wheel_in_a_virtual_environment(wheel, tmp_path):
    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where, tokens = run(python, "-c", SCRIPT, MODEL, env=clean, cwd=tmp_path).split()
    assert Path(where).is_relative_to(environment)
    assert tokens == "4"
    run(python, "-m", "vector_boot", MODEL, "--once", "Hi", "--max-tokens", "2", env=clean, cwd=tmp_path)


def test_cmake_installs_it(tmp_path):
    run("cmake", "--install", BUILD, "--prefix", tmp_path, "--component", "python")
    (folder,) = tmp_path.glob("**/dist-packages")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    where, tokens = run(sys.executable, "-c", SCRIPT, MODEL, env=environment, cwd=tmp_path).split()
    assert Path(where).is_relative_to(tmp_path)
    assert tokens == "4"
    files = {path.name for path in (folder / "vector_boot").iterdir() if path.is_file()}
    assert files == {path.name for path in (SOURCE / "python" / "vector_boot").glob("*.*")} | {"_vector_boot.abi3.so"}
