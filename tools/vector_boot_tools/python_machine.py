"""A machine of QEMU whose PID 1 is vector_boot, with nothing in it but Python, what the runtime needs, and the program that it
hands over to, which drives QEMU's "edu" device by VFIO and reads a keyboard."""

import re
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from . import initramfs
from .places import BINARIES, PACKAGE
from .qemu_machine import Machine, kernel, modules

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
[[on]]
name = "key"
device = "keys"
event = "input"
code = 30
equal = 1
prompt = "Key {code} is {value}."
answers = ["heard"]
"""


def _libraries(programs: list[Path]) -> set[Path]:
    listed = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", listed)}


def _standard_library() -> list[Path]:
    chosen = []
    for path in STANDARD_LIBRARY.rglob("*"):
        parts = path.relative_to(STANDARD_LIBRARY).parts
        is_left_out = parts[0] in LEFT_OUT or parts[0].startswith("config-")
        if path.is_file() and not is_left_out and path.suffix in (".py", ".pyc", ".so", ".json"):
            chosen.append(path)
    return chosen


def _contents(program: bytes) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Files, and those that are executed."""
    backends = list(Path("/usr/lib/x86_64-linux-gnu/ggml").rglob("libggml-cpu*.so"))
    library = _standard_library()
    modules_of_python = [path for path in library if path.suffix == ".so"]
    programs = [BINARIES / "vector_boot-runtime", BINARIES / "vector_boot_python.so", *backends, *modules_of_python]
    files = {str(path)[1:]: path.read_bytes() for path in (*library, *backends, *_libraries(programs))}
    for path in PACKAGE.joinpath("vector_boot").glob("*.py"):
        files[f"python/vector_boot/{path.name}"] = path.read_bytes()
    files["vector_boot_python.so"] = (BINARIES / "vector_boot_python.so").read_bytes()
    files["app/main.py"] = program
    files["models/model.gguf"] = TINY_MODEL.read_bytes()
    files["etc/vector_boot/config.toml"] = CONFIGURATION.encode()
    executables = {
        "vector_boot-runtime": (BINARIES / "vector_boot-runtime").read_bytes(),
        "bin/busybox": Path("/usr/bin/busybox").read_bytes(),
        "bin/bind": BIND.encode(),
        "lib64/ld-linux-x86-64.so.2": Path("/lib64/ld-linux-x86-64.so.2").read_bytes(),
    }
    return files, executables


def start(program: bytes, folder: Path, more: Mapping[str, bytes] = MappingProxyType({})) -> Machine:
    """`more`: executables by their paths without the first slash."""
    image, modules_folder = kernel()
    archive = folder / "initramfs"
    files, executables = _contents(program)
    packed = initramfs.pack(BINARIES / "vector_boot", files | modules(modules_folder), executables | dict(more))
    archive.write_bytes(packed)
    return Machine(image, archive, folder, memory="1G")
