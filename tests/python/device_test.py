"""Devices through the package, with a plain file that stands for one and a FIFO for its interrupts."""

import asyncio
import os

import pytest
import vector_boot

SIZE = 4096


@pytest.fixture
def registers(tmp_path):
    path = tmp_path / "registers"
    path.write_bytes(bytes(SIZE))
    return path


@pytest.fixture
def device(registers):
    fifo = registers.with_suffix(".interrupt")
    os.mkfifo(fifo)
    with vector_boot.Device(f"file:{registers}?interrupt={fifo}") as one:
        yield one


def signal(device, count=1):
    """As a simulator: each byte is one."""
    descriptor = os.open(device.name.partition("file:")[2].partition("?")[0] + ".interrupt", os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, bytes(count))
    os.close(descriptor)


def test_accesses_have_their_width(device, registers):
    region = device.region()
    assert len(region) == SIZE and len(device.regions) == 1
    region.write8(0, 0x11)
    region.write16(2, 0x3322)
    region.write32(4, 0x77665544)
    region.write64(8, 0xFFEEDDCCBBAA9988)
    assert registers.read_bytes()[:16] == bytes.fromhex("110022334455667788 99aabbccddeeff".replace(" ", ""))
    assert (region.read8(0), region.read16(2), region.read32(4), region.read64(8)) == (
        0x11, 0x3322, 0x77665544, 0xFFEEDDCCBBAA9988)
    region.write(16, b"abcdefgh", width=2)
    assert region.read(16, 8, width=8) == b"abcdefgh"
    vector_boot.barrier()


@pytest.mark.parametrize("access", [
    lambda region: region.read32(SIZE), lambda region: region.read32(2), lambda region: region.write64(SIZE - 4, 0),
    lambda region: region.read(0, 6), lambda region: region.read32(-4), lambda region: region.read(4, SIZE)])
def test_what_is_out_of_bounds_or_not_aligned_is_refused(device, access):
    with pytest.raises(vector_boot.DeviceError) as caught:
        access(device.region())
    assert isinstance(caught.value, OSError) and "registers" in str(caught.value)


def test_a_width_that_there_is_not(device):
    with pytest.raises(vector_boot.RequestError, match="expected 1, 2, 4 or 8"):
        device.region().read(0, 6, width=3)


def test_a_device_that_vanishes_is_an_error_and_not_the_end(device, registers):
    region = device.region()
    os.truncate(registers, 0)
    with pytest.raises(vector_boot.DeviceError):
        region.read32(0)
    with pytest.raises(vector_boot.DeviceError):
        region.write32(0, 1)
    registers.write_bytes(bytes(SIZE))
    assert region.read32(0) == 0


def test_names(registers, monkeypatch):
    monkeypatch.setenv("VECTOR_BOOT_DEVICE_MY_SENSOR", f"file:{registers}")
    assert vector_boot.Device("my-sensor").name == f"file:{registers}"
    for what in ("other", "", "file:/nonexistent", "pci:zz:1", "nonsense:1"):
        with pytest.raises(vector_boot.DeviceError) as caught:
            vector_boot.Device(what)
        assert what.removeprefix("file:") in str(caught.value)


def test_interrupts_are_counted_and_none_is_lost(device):
    async def count(wanted: int) -> int:
        seen = 0
        async for some in interrupts:
            seen += some
            if seen >= wanted:
                return seen
        return seen

    async def main() -> int:
        counting = asyncio.create_task(count(10_000))
        for _ in range(200):
            signal(device, 50)
            await asyncio.sleep(0)
        return await asyncio.wait_for(counting, 30)

    interrupts = device.interrupts()
    assert asyncio.run(main()) == 10_000
    assert interrupts.take() == 0
    signal(device, 3)
    assert interrupts.take() == 3
    interrupts.close()
    with pytest.raises(vector_boot.RequestError, match="closed"):
        interrupts.take()


def test_changes_wake_for_changes_only(device):
    region = device.region()

    async def main() -> list[int]:
        found = []
        changes = region.changes(0x20, mask=0xF0, period=0.002)
        for value in (0x10, 0x1F, 0x25):  # the second one changes no bit that matters
            region.write32(0x20, value)
            if value != 0x1F:
                found.append(await asyncio.wait_for(anext(changes), 30))
            else:
                await asyncio.sleep(0.02)
        return found

    assert asyncio.run(main()) == [0x10, 0x20]


def test_a_poll_outlives_its_region(device):
    region = device.region()
    changes = region.changes(0x20, period=0.002)
    region.close()

    async def main() -> int:
        with open(device.name.partition("file:")[2].partition("?")[0], "r+b") as file:
            file.seek(0x20)
            file.write(b"\1")
        return await asyncio.wait_for(anext(changes), 30)

    assert asyncio.run(main()) == 1


def test_there_is_no_dma_without_vfio(device):
    with pytest.raises(vector_boot.DeviceError, match="vfio|VFIO"):
        device.allocate(4096)


def test_what_stays_when_the_device_is_closed(device):
    region, interrupts = device.region(), device.interrupts()
    signal(device)
    assert region.read32(0) == 0
    device.close()
    assert interrupts.take() == 1
    with pytest.raises(vector_boot.RequestError, match="closed"):
        region.read32(0)
    with pytest.raises(vector_boot.RequestError, match="closed"):
        device.interrupts()


def announce(action: str) -> None:
    """The kernel says of /dev/null what it is told to."""
    try:
        with open("/sys/class/mem/null/uevent", "w") as file:
            file.write(action)
    except OSError as error:
        pytest.skip(f"uevents cannot be caused: {error}")


@pytest.mark.parametrize(("kind", "text"), [
    (vector_boot.Gpio, "gpio:no-such-chip:1?direction=output"), (vector_boot.Input, "input:no such keyboard")])
def test_lines_and_input_devices_have_names_too(kind, text, monkeypatch):
    monkeypatch.setenv("VECTOR_BOOT_DEVICE_LED", text)
    for what in ("led", text):
        with pytest.raises(vector_boot.DeviceError, match="no.such"):
            kind(what)
    with pytest.raises(vector_boot.DeviceError, match=f'such as "{text.partition(":")[0]}:'):
        kind("nobody")


@pytest.mark.parametrize(("kind", "what", "said"), [
    (vector_boot.Gpio, "gpio:a:1?edges=some", 'edges is "some", expected none, rising, falling or both'),
    (vector_boot.Gpio, "input:event0", r"Input\(\) in Python"),
    (vector_boot.Input, "gpio:a:1", r"Gpio\(\) in Python"),
    (vector_boot.Input, "file:/x", r"Device\(\) in Python"),
    (vector_boot.Device, "gpio:a:1", r"Gpio\(\) in Python")])
def test_what_is_something_else_says_how_it_is_opened(kind, what, said):
    with pytest.raises(vector_boot.DeviceError, match=said):
        kind(what)


def test_uevents_come_as_they_are():
    async def main() -> vector_boot.Uevent:
        async for event in uevents:
            if event.path == "/devices/virtual/mem/null":
                return event

    with vector_boot.uevents() as uevents:
        announce("change")
        event = asyncio.run(asyncio.wait_for(main(), 30))
    assert event == ("change", "/devices/virtual/mem/null", "mem", "null")
    assert (event.action, event.subsystem, event.name) == ("change", "mem", "null")
    with pytest.raises(vector_boot.RequestError, match="closed"):
        uevents.take()


def test_a_device_that_is_there_is_attached_at_once(registers):
    with asyncio.run(asyncio.wait_for(vector_boot.attached(f"file:{registers}"), 30)) as device:
        assert device.name == f"file:{registers}"


@pytest.mark.parametrize("delay", [0, 0.03])  # the node may come a moment after the event
def test_a_device_is_attached_when_it_comes(registers, delay):
    async def main() -> vector_boot.Device:
        coming = asyncio.create_task(vector_boot.attached(f"file:{absent}"))
        await asyncio.sleep(0.02)
        announce("change")  # of something else
        await asyncio.sleep(0.02)
        assert not coming.done()
        if not delay:
            registers.rename(absent)
        announce("add")
        await asyncio.sleep(delay)
        if delay:
            registers.rename(absent)
        return await asyncio.wait_for(coming, 30)

    absent = registers.with_suffix(".absent")
    with asyncio.run(main()) as device:
        assert device.region().read32(0) == 0


def test_nobody_waits_for_what_cannot_come(registers):
    for what in ("nobody", "pci:1", "input:event0"):
        with pytest.raises(vector_boot.DeviceError, match=what):
            asyncio.run(asyncio.wait_for(vector_boot.attached(what), 30))
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(vector_boot.attached(f"file:{registers}.absent"), 0.05))
