"""The built package, with the tiny model for most and the default model where the answer has to make sense."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VB_BUILD_DIR", SOURCE / "build" / "release"))
PACKAGE = BUILD / "python"
TINY = BUILD / "models" / "tiny.gguf"

# Before libgomp is loaded: its threads do not spin away the time of what runs beside the tests.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
# Nothing of an earlier run, and nothing of the user's.
CACHE = tempfile.TemporaryDirectory()
os.environ["XDG_CACHE_HOME"] = CACHE.name
sys.path.insert(0, str(PACKAGE))

import vector_boot
from vector_boot_tools.model import default_model


@pytest.fixture(scope="session")
def tiny() -> Path:
    return TINY


@pytest.fixture(scope="session")
def smollm2() -> Path:
    return default_model()


@pytest.fixture(scope="module")
def model() -> Iterator[vector_boot.Model]:
    with vector_boot.Model(TINY) as one:
        yield one


@pytest.fixture(scope="module")
def sensible(smollm2: Path) -> Iterator[vector_boot.Model]:
    with vector_boot.Model(smollm2) as one:
        yield one


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE), "TINY": str(TINY)}


@pytest.fixture
def start():
    """Starts `python3 -c SCRIPT` (or with other arguments); what is still there at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, **options) -> subprocess.Popen[str]:
        pipes = {name: options.pop(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
        environment = {**ENVIRONMENT, **options.pop("env", {})}
        command = [sys.executable, *(["-c"] if len(arguments) == 1 else []), *map(str, arguments)]
        started.append(subprocess.Popen(command, env=environment, text=True, **pipes, **options))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def run(start):
    """Runs it to its end."""

    def complete(*arguments: object, input: str = "", **options) -> SimpleNamespace:
        process = start(*arguments, **options)
        output, errors = process.communicate(input, timeout=120)
        return SimpleNamespace(status=process.returncode, output=output, errors=errors)

    return complete
