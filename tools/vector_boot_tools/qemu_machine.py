"""A machine with an IOMMU, a keyboard and QEMU's "edu" device, under TCG, and what is seen of it from outside."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

from .failure import Failure

QEMU = "qemu-system-x86_64"
# In the order of their dependencies.
MODULES = (
    *("irqbypass", "vfio", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci"),
    *("uio", "uio_pci_generic", "virtio_input", "evdev"),
)
SECONDS = 120


def _kernels() -> list[Path]:
    return sorted(Path("/boot").glob("vmlinuz-*-cloud-amd64"))


def is_available() -> bool:
    return bool(_kernels()) and shutil.which(QEMU) is not None


def kernel() -> tuple[Path, Path]:
    """The kernel of Debian for clouds, and its modules."""
    if not is_available():
        raise Failure("QEMU or its kernel is not installed: qemu-system-x86, linux-image-cloud-amd64")
    image = _kernels()[-1]
    return image, Path("/usr/lib/modules", image.name.removeprefix("vmlinuz-"))


def modules(folder: Path) -> dict[str, bytes]:
    files = {}
    for number, name in enumerate(MODULES, 1):
        [path] = folder.rglob(f"{name}.ko*")
        files[f"modules/module{number}"] = path.read_bytes()
    return files


class Machine:
    def __init__(self, image: Path, archive: Path, folder: Path, memory: str = "256M") -> None:
        self._console = folder / "console"
        control = folder / "qmp"
        self._process = subprocess.Popen(
            [
                *(QEMU, "-nodefaults", "-no-reboot", "-display", "none", "-m", memory, "-machine", "q35"),
                *("-accel", "tcg", "-cpu", "max", "-device", "intel-iommu"), # /dev/kvm may be there and hang
                *("-device", "pcie-root-port,id=slot1,chassis=1,slot=1", "-device", "edu,id=edu,bus=slot1"),
                *("-device", "virtio-keyboard-pci"),
                *("-kernel", image, "-initrd", archive),
                *("-append", "console=ttyS0 quiet panic=-1 intel_iommu=on"),
                *("-serial", f"file:{self._console}", "-qmp", f"unix:{control},server=on,wait=off"),
            ],
            stdin=subprocess.DEVNULL,
        )
        self._control = control

    def console(self) -> str:
        return self._console.read_text(errors="replace") if self._console.exists() else ""

    def running(self) -> bool:
        return self._process.poll() is None

    def wait_for(self, text: str) -> str:
        end = time.monotonic() + SECONDS
        while text not in (console := self.console()):
            assert self.running() and time.monotonic() < end, f"no '{text}' on the console:\n{console}"
            time.sleep(0.02)
        return console

    def control(self, *commands: tuple[str, object]) -> None:
        """By QMP, which answers each command with one line, events aside."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            connection.connect(str(self._control))
            with connection.makefile("rw") as lines:
                for name, arguments in (("qmp_capabilities", {}), *commands):
                    lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                    lines.flush()
                    while "return" not in (answer := json.loads(lines.readline())):
                        assert "error" not in answer, answer

    def unplug(self, device: str) -> None:
        self.control(("device_del", {"id": device}))

    def press(self, *keys: str, held: tuple[str, ...] = (), said: str = "hardware: press {}\n") -> None:
        """One after the other has been seen, as the device drops what the driver has no room for; held ones stay down."""
        for number, key in enumerate((*keys, *held), 1):
            states = (True,) if number > len(keys) else (True, False)
            events = [{"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}} for down in states]
            self.control(*(("input-send-event", {"events": [event]}) for event in events))
            self.wait_for(said.format(number))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
