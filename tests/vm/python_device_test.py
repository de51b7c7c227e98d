"""A machine of QEMU whose PID 1 is vector_boot and whose program, in Python, drives a PCI device, which comes after it and goes
before it, and reads a keyboard (edu.py and keys.py in examples/machine)."""

import re
from collections.abc import Iterator

import pytest
from vector_boot_tools import python_machine, qemu_machine
from vector_boot_tools.places import CHECKOUT

EXAMPLES = [CHECKOUT / "examples" / "machine" / name for name in ("edu.py", "keys.py")]
pytestmark = pytest.mark.skipif(not qemu_machine.is_available(), reason="QEMU or its kernel is not installed")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the machine said in all its life, in the middle of which the device was unplugged."""
    program = b"".join(path.read_bytes() for path in EXAMPLES)
    machine = python_machine.start(program, tmp_path_factory.mktemp("machine"))
    try:
        machine.wait_for("runtime: in use")
        machine.unplug("edu")
        machine.wait_for("runtime: waiting for keys")
        machine.press("a", held=("shift", "esc"), said="runtime: press {}: ")
        yield machine.wait_for("reboot: Power down")
    finally:
        machine.close()


def test_the_program_drives_the_device(console: str) -> None:
    assert "runtime: identification 10000ed" in console, console
    assert "runtime: factorial of 10: 3628800" in console, console


def test_its_interrupt_and_its_dma(console: str) -> None:
    assert "runtime: interrupt 42" in console, console
    assert "runtime: DMA there and back: the same" in console, console


def test_unplugging_is_survived_and_the_model_answers(console: str) -> None:
    assert "runtime: unplugged" in console, console
    assert "runtime: the model: 3 tokens" in console, console
    assert "Kernel panic" not in console


def test_a_key_is_a_question_to_the_model_as_well(console: str) -> None:
    assert re.search(r'runtime: key: value 1, before 0: "heard" after \d+ ms', console), console


def test_keys_are_read(console: str) -> None:
    assert re.findall(r"runtime: press \d: (.*)", console) == [
        "key 30, shift is up",
        "key 42, shift is down",
        "key 1, shift is down",
    ], console
