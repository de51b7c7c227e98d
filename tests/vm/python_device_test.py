"""A machine of QEMU whose PID 1 is vector_boot and whose program, in Python, drives a PCI device, which comes after it and goes
before it, and reads a keyboard (edu.py and keys.py in examples/machine)."""

import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from qemu_machine import Machine, kernel, modules
from vector_boot_tools import initramfs
from vector_boot_tools.places import BINARIES, CHECKOUT, PACKAGE

EXAMPLES = [CHECKOUT / "examples" / "machine" / name for name in ("edu.py", "keys.py")]
TINY_MODEL = BINARIES.parent / "models" / "tiny.gguf"
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
# Not what a machine has: tests, installers, editors, what compiles.
LEFT_OUT = {"test", "idlelib", "ensurepip", "tkinter", "turtledemo", "pydoc_data", "_pyrepl", "dist-packages", "lib2to3", "venv"}
# Binds the device, which is for whoever sets up the machine: a service that runs once, and may come after the program, which
# waits for its device.
BIND = """#!/bin/busybox sh
for module in /modules/module*; do
  /bin/busybox echo "$module"
done | /bin/busybox sort -V | while read -r module; do
  /bin/busybox insmod "$module"
done
for device in /sys/bus/pci/devices/*; do
  read -r vendor <"$device/vendor"
  [ "$vendor" = 0x1234 ] || continue
  echo vfio-pci >"$device/driver_override"
  echo "${device##*/}" >/sys/bus/pci/drivers_probe
done
"""
CONFIGURATION = """
[engine]
model = "/models/model.gguf"
cache = ""
[handoff]
mode = "python"
app = "/app/main.py"
[failure]
policy = "poweroff"
limit = 1
[[service]]
name = "bind"
type = "oneshot"
command = ["/bin/bind"]
[[device]]
name = "edu"
vfio = "1234:11e8"
[[device]]
name = "keys"
input = "QEMU Virtio Keyboard"
"""


def libraries(programs: list[Path]) -> set[Path]:
    listed = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}


def standard_library() -> list[Path]:
    chosen = []
    for path in STANDARD_LIBRARY.rglob("*"):
        parts = path.relative_to(STANDARD_LIBRARY).parts
        is_left_out = parts[0] in LEFT_OUT or parts[0].startswith("config-")
        if path.is_file() and not is_left_out and path.suffix in (".py", ".pyc", ".so", ".json"):
            chosen.append(path)
    return chosen


def contents() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Files, and those that are executed."""
    backends = list(Path("/usr/lib/x86_64-linux-gnu/ggml").rglob("libggml-cpu*.so"))
    modules_of_python = [path for path in standard_library() if path.suffix == ".so"]
    programs = [BINARIES / "vector_boot-runtime", BINARIES / "vector_boot_python.so", *backends, *modules_of_python]
    files = {str(path)[1:]: path.read_bytes() for path in (*standard_library(), *backends, *libraries(programs))}
    for path in PACKAGE.joinpath("vector_boot").glob("*.py"):
        files[f"python/vector_boot/{path.name}"] = path.read_bytes()
    files["vector_boot_python.so"] = (BINARIES / "vector_boot_python.so").read_bytes()
    files["app/main.py"] = b"".join(path.read_bytes() for path in EXAMPLES)
    files["models/model.gguf"] = TINY_MODEL.read_bytes()
    files["etc/vector_boot/config.toml"] = CONFIGURATION.encode()
    executables = {
        "vector_boot-runtime": (BINARIES / "vector_boot-runtime").read_bytes(),
        "bin/busybox": Path("/usr/bin/busybox").read_bytes(),
        "bin/bind": BIND.encode(),
        "lib64/ld-linux-x86-64.so.2": Path("/lib64/ld-linux-x86-64.so.2").read_bytes(),
    }
    return files, executables


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the machine said in all its life, in the middle of which the device was unplugged."""
    image, modules_folder = kernel()
    folder = tmp_path_factory.mktemp("machine")
    archive = folder / "initramfs"
    files, executables = contents()
    archive.write_bytes(initramfs.pack(BINARIES / "vector_boot", files | modules(modules_folder), executables))
    machine = Machine(image, archive, folder, memory="1G")
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


def test_keys_are_read(console: str) -> None:
    assert re.findall(r"runtime: press \d: (.*)", console) == [
        "key 30, shift is up",
        "key 42, shift is down",
        "key 1, shift is down",
    ], console
