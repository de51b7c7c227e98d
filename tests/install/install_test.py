"""The installed library, used the two ways that C programs find libraries."""

import os
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VB_BUILD_DIR", SOURCE / "build" / "release"))
CONSUMER = Path(__file__).parent / "consumer"


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", path)
    return path


def library_directory(prefix: Path) -> Path:
    (found,) = prefix.glob("lib*/**/libvector_boot.so.0")
    return found.parent


def ask(program: Path, prefix: Path) -> str:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library_directory(prefix))}
    return run(program, BUILD / "models" / "tiny.gguf", env=environment)


def test_binaries_are_installed_together(prefix):
    assert run(prefix / "bin" / "vector_boot", "--version").startswith("vector_boot ")
    assert (prefix / "bin" / "vector_boot-runtime").exists()


def test_cmake_package(prefix, tmp_path):
    run("cmake", "-G", "Ninja", "-S", CONSUMER, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path)
    assert ask(tmp_path / "consumer", prefix)


def test_pkg_config(prefix, tmp_path):
    search = {**os.environ, "PKG_CONFIG_PATH": str(library_directory(prefix) / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", f"--define-variable=prefix={prefix}", "vector_boot", env=search)
    program = tmp_path / "consumer"
    run("cc", CONSUMER / "consumer.c", "-o", program, *flags.split())
    assert ask(program, prefix)


def test_the_header_alone_is_enough(prefix):
    run("c++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++",
        prefix / "include" / "vector_boot.h")
