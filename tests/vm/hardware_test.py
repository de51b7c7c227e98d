"""vb_hardware in a machine with an IOMMU, a keyboard and QEMU's "edu" device, which is unplugged while it is used
(hardware_init.cpp)."""

import re
from collections.abc import Iterator

import pytest
from vector_boot_tools import initramfs, qemu_machine
from vector_boot_tools.places import BINARIES
from vector_boot_tools.qemu_machine import Machine, kernel, modules

pytestmark = pytest.mark.skipif(not qemu_machine.is_available(), reason="QEMU or its kernel is not installed")
PRESSES = 60  # more events than the kernel keeps for a reader


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
