"""What devices cost a program: an interrupt to a callback in C++ and to a coroutine in Python, in a machine of QEMU's whose "edu"
device raises one when it is told to, and an access to a register. Everything of that machine is emulated (TCG): its
numbers stand beside each other, not beside those of hardware."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from vector_boot_tools import python_machine
from vector_boot_tools.failure import Failure
from vector_boot_tools.places import BINARIES, CHECKOUT, PACKAGE

BENCH = CHECKOUT / "bench"


def numbers(said: str, prefix: str, names: tuple[str, ...]) -> dict[str, list[int]]:
    """Those of each line that begins with one of the names."""
    found = {}
    for name in names:
        line = re.search(rf"{prefix}{name} (.*)", said)
        if line is None:
            raise Failure(f"nothing was said of '{name}':\n{said}")
        found[name] = [int(number) for number in re.findall(r"\b\d+\b", line[1])]
    return found


def measure_interrupts() -> dict[str, list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        program = (BENCH / "device_app.py").read_bytes()
        more = {"bin/device_latency": (BINARIES / "device_latency").read_bytes()}
        machine = python_machine.start(program, Path(folder), more)
        try:
            console = machine.wait_for("reboot: Power down")
        finally:
            machine.close()
    return numbers(console, "runtime: ", ("callback", "coroutine", "flood"))


def measure_accesses() -> dict[str, list[int]]:
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as registers:
        registers.truncate(4096)
        said = subprocess.run(
            [sys.executable, BENCH / "device_accesses.py", registers.name],
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
    return numbers(said, "", ("read", "write"))


def table() -> str:
    interrupts, accesses = measure_interrupts(), measure_accesses()
    lines = [f"{'in QEMU, microseconds':30}{'p50':>14}{'p99':>8}"]
    for name, what in (("callback", "interrupt to a C++ callback"), ("coroutine", "interrupt to a coroutine")):
        p50, p99 = interrupts[name]
        lines.append(f"{what:30}{p50 / 1000:14.0f}{p99 / 1000:8.0f}")
    counted, raised, grown = interrupts["flood"]
    lines.append(f"{counted} of {raised} interrupts at full speed were counted; the memory grew by {grown} kB")
    lines.append("")
    lines.append(f"{'one access from Python, ns':30}{'vector_boot':>14}{'mmap + struct':>16}{'ratio':>8}")
    for name, (own, other) in accesses.items():
        lines.append(f"{f'{name} 32 bits':30}{own:14}{other:16}{own / other:8.2f}")
    return "\n".join(lines)
