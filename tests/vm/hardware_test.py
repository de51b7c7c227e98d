"""vb_hardware in a machine with an IOMMU, a keyboard and QEMU's "edu" device, which is unplugged while it is used
(hardware_init.cpp)."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vector_boot_tools import initramfs
from vector_boot_tools.places import BINARIES

QEMU = "qemu-system-x86_64"
# In the order of their dependencies.
MODULES = (
    *("irqbypass", "vfio", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci"),
    *("uio", "uio_pci_generic", "virtio_input", "evdev"),
)
SECONDS = 120
PRESSES = 60  # more events than the kernel keeps for a reader


def kernel() -> tuple[Path, Path]:
    """The kernel of Debian for clouds, and its modules."""
    images = sorted(Path("/boot").glob("vmlinuz-*-cloud-amd64"))
    if not images or shutil.which(QEMU) is None:
        pytest.skip("QEMU or its kernel is not installed")
    return images[-1], Path("/usr/lib/modules", images[-1].name.removeprefix("vmlinuz-"))


def modules(folder: Path) -> dict[str, bytes]:
    files = {}
    for number, name in enumerate(MODULES, 1):
        [path] = folder.rglob(f"{name}.ko*")
        files[f"modules/module{number}"] = path.read_bytes()
    return files


class Machine:
    def __init__(self, image: Path, archive: Path, folder: Path) -> None:
        self._console = folder / "console"
        control = folder / "qmp"
        self._process = subprocess.Popen(
            [
                *(QEMU, "-nodefaults", "-no-reboot", "-display", "none", "-m", "256M", "-machine", "q35"),
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

    def press(self, *keys: str, held: tuple[str, ...] = ()) -> None:
        """One after the other has been seen, as the device drops what the driver has no room for; held ones stay down."""
        for number, key in enumerate((*keys, *held), 1):
            states = (True,) if number > len(keys) else (True, False)
            events = [{"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}} for down in states]
            self.control(*(("input-send-event", {"events": [event]}) for event in events))
            self.wait_for(f"hardware: press {number}\n")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the machine said in all its life, in the middle of which the device was unplugged."""
    image, modules_folder = kernel()
    folder = tmp_path_factory.mktemp("hardware")
    archive = folder / "initramfs"
    init = BINARIES.parent / "tests" / "bin" / "hardware_init"
    archive.write_bytes(initramfs.pack(init, modules(modules_folder)))
    machine = Machine(image, archive, folder)
    try:
        machine.wait_for("hardware: in use")
        machine.unplug("edu")
        machine.wait_for("hardware: waiting for keys")
        machine.press(*["a"] * PRESSES, held=("b", "ret"))
        text = machine.wait_for("hardware: done")
        assert "FAILED" not in text, text
        yield text
    finally:
        machine.close()


def test_the_device_is_read_by_sysfs_and_by_vfio(console: str) -> None:
    assert console.count("hardware: identification 10000ed") == 2, console
    assert console.count("hardware: liveness edcba987") == 2, console
    assert console.count("hardware: factorial 3628800") == 2, console


def test_interrupts_of_uio_are_counted(console: str) -> None:
    assert "hardware: uio:uio0: 100 of 100 interrupts" in console


def test_messages_by_vfio_are_counted(console: str) -> None:
    assert re.search(r"hardware: vfio:\S+ MSI 0: 100 of 100 interrupts", console), console


def test_none_of_ten_thousand_interrupts_is_lost(console: str) -> None:
    assert "hardware: at full speed: 10000 of 10000 interrupts" in console


def test_dma_goes_there_and_back_and_nowhere_else(console: str) -> None:
    assert "hardware: DMA there and back: the same" in console
    assert "hardware: DMA to nowhere: nothing happened" in console


def test_the_device_may_be_unplugged_while_it_is_used(console: str) -> None:
    assert re.search(r"hardware: asked for after [1-9]\d* reads and 0 errors", console), console
    assert "hardware: gone, a read is an error: " in console  # of a mapping with nothing behind it any more


def test_keys_are_read(console: str) -> None:
    assert f"hardware: keys: {PRESSES + 2} presses, 0 losses" in console


def test_after_a_loss_the_keys_are_those_that_are_pressed(console: str) -> None:
    assert re.search(r"hardware: keys after 1 loss: \d+ events, the same are pressed", console), console
