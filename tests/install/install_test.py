"""The installed library, used the ways that programs find libraries, by the examples."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VB_BUILD_DIR", SOURCE / "build" / "release"))
EXAMPLES = SOURCE / "examples"
MODEL = BUILD / "models" / "tiny.gguf"


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", path)
    return path


@pytest.fixture(scope="module")
def environment(prefix) -> dict[str, str]:
    """What an installation into a directory of one's own needs; nothing more."""
    (library,) = prefix.glob("lib*/**/libvector_boot.so.0")
    return {
        **os.environ,
        "PKG_CONFIG_PATH": str(library.parent / "pkgconfig"),
        "CMAKE_PREFIX_PATH": str(prefix),
        "LD_LIBRARY_PATH": str(library.parent),
    }


def build_c(folder: Path, environment: dict[str, str]) -> Path:
    flags = run("pkg-config", "--cflags", "--libs", "vector_boot", env=environment).split()
    warnings = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    for name in ("chat", "epoll"):
        run("cc", *warnings, f"{name}.c", "-o", name, *flags, cwd=folder)
    return folder / "chat"


def build_cpp(folder: Path, environment: dict[str, str]) -> Path:
    run("cmake", "-G", "Ninja", "-B", "build", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror", cwd=folder, env=environment)
    run("cmake", "--build", "build", cwd=folder, env=environment)
    return folder / "build" / "chat"


def build_rust(folder: Path, environment: dict[str, str]) -> Path:
    settings = {"CARGO_HOME": str(folder / "cargo"), "RUSTFLAGS": "-D warnings"}
    run("cargo", "build", "--offline", cwd=folder, env={**environment, **settings})
    return folder / "target" / "debug" / "chat"


def build_go(folder: Path, environment: dict[str, str]) -> Path:
    cache = {"GOCACHE": str(folder / "cache"), "GOPATH": str(folder / "path"), "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    run("go", "vet", ".", cwd=folder, env={**environment, **cache})
    run("go", "build", "-o", "chat", ".", cwd=folder, env={**environment, **cache})
    return folder / "chat"


BUILDS: dict[str, Callable[[Path, dict[str, str]], Path]] = {
    "c": build_c,
    "cpp": build_cpp,
    "rust": build_rust,
    "go": build_go,
}


@pytest.fixture(scope="module")
def program(environment, tmp_path_factory) -> Callable[[str], Path]:
    """The example of a language, built once, where a build may write."""
    built: dict[str, Path] = {}

    def build(language: str) -> Path:
        if language not in built:
            folder = tmp_path_factory.mktemp(language) / "example"
            shutil.copytree(EXAMPLES / language, folder)
            built[language] = BUILDS[language](folder, environment)
        return built[language]

    return build


def chat(executable: Path, environment: dict[str, str]) -> str:
    return run(executable, MODEL, env=environment, input='Hello\nWhy is the "sky" blue?\n')


def test_binaries_are_installed_together(prefix):
    assert run(prefix / "bin" / "vector_boot", "--version").startswith("vector_boot ")
    assert (prefix / "bin" / "vector_boot-runtime").exists()


@pytest.mark.parametrize("language", BUILDS)
def test_each_language_gets_the_same_answers(program, environment, language):
    answers = chat(program(language), environment)
    assert len(answers.strip()) > 10
    assert answers == chat(program("c"), environment)


@pytest.mark.parametrize("language", BUILDS)
def test_each_language_says_why_it_failed(program, environment, language):
    command = [program(language), "/nonexistent.gguf"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode not in (0, -6, -11)
    assert "/nonexistent.gguf" in done.stderr
    assert done.stdout == ""


def test_an_event_loop_in_c_answers_many_at_once(program, environment):
    questions = ["One", "Two", "Three"]
    together = run(program("c").with_name("epoll"), MODEL, *questions, env=environment)
    assert together == "".join(run(program("c").with_name("epoll"), MODEL, one, env=environment) for one in questions)
    assert all(f"{one}\n  " in together for one in questions)


@pytest.mark.parametrize(("header", "standard"), [("vector_boot.h", "c++17"), ("vector_boot.hpp", "c++23")])
def test_the_header_alone_is_enough(prefix, header, standard):
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run("c++", f"-std={standard}", "-fsyntax-only", *warnings, "-include", prefix / "include" / header, "-x", "c++",
        "/dev/null")
