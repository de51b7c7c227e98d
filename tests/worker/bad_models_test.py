"""A model that cannot be loaded: one clear line that names the file and the fault, and exit status 2."""

from collections.abc import Callable
from pathlib import Path

import pytest
from vector_boot_tools.places import INNER_MODEL
from vector_boot_tools.testing import Started


def cut(length: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:length]


# What is done to the real model, and what the line has to say.
FAULTS = {
    "empty": (cut(0), "magic"),
    "half a magic": (cut(2), "magic"),
    "no counts": (cut(10), "offset"),
    "cut in the metadata": (cut(5000), "offset"),
    "cut in the vocabulary": (cut(500_000), "offset"),
    "cut in the last tensor": (lambda content: content[:-100], "offset"),
    "wrong magic": (lambda content: b"GGML" + content[4:], "magic"),
    "wrong version": (lambda content: content[:4] + b"\xff\0\0\0" + content[8:], "version"),
    "absurd tensor count": (lambda content: content[:8] + b"\xff" * 8 + content[16:], "tensor"),
    "absurd metadata count": (lambda content: content[:16] + b"\xff" * 8 + content[24:], "offset"),
}


def fault_lines(started: Started) -> list[str]:
    assert started.sandbox.wait(30) == 2, started.log()
    return [line for line in started.log().splitlines() if INNER_MODEL in line]


@pytest.mark.parametrize("name", FAULTS)
def test_broken_model(model: Path, tmp_path: Path, name: str) -> None:
    damage, said = FAULTS[name]
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(damage(model.read_bytes()))
    with Started.vector_boot(broken) as started:
        (line,) = fault_lines(started)
        assert "error" in line and said in line


def test_missing_model() -> None:
    with Started.vector_boot(None) as started:
        (line,) = fault_lines(started)
        assert "No such file" in line
