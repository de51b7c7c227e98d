"""Devices that the program drives itself."""

from __future__ import annotations

from . import _vector_boot
from ._closing import Closing
from ._watched import Watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

Dma = _vector_boot.Dma
EVERY_BIT = (1 << 64) - 1


class Device(Closing):
    """A device: its regions, its interrupt, memory that it reads by itself.

    Args:
        what: ``"pci:1234:11e8"`` or ``"pci:0000:00:04.0"``, ``"vfio:..."`` for the same with message-signaled interrupts and
            DMA, ``"uio:NAME"``, ``"path:/sys/devices/..."``, or ``"file:/path?interrupt=/fifo"``, a plain file that stands for
            one. Any other word is the name of a ``[[device]]`` in config.toml, or, where nothing booted, of the
            environment variable VECTOR_BOOT_DEVICE_NAME that holds such a text.

    Raises:
        DeviceError: there is none, or it cannot be opened: what is there instead, and what to do.
    """

    __slots__ = ("_handle", "_regions")

    def __init__(self, what: str) -> None:
        self._handle = _vector_boot.Device(what)
        self._regions: dict[int, Region] = {}

    @property
    def name(self) -> str:
        """How it is found again, such as ``"pci:0000:00:04.0"``."""
        return self._handle.name()

    @property
    def regions(self) -> list[str]:
        """What its driver calls its regions."""
        return self._handle.regions()

    @property
    def is_present(self) -> bool:
        """Whether the kernel still knows it."""
        return self._handle.is_present()

    def region(self, index: int = 0) -> Region:
        """One of its regions, mapped.

        Args:
            index: which of `regions`.
        """
        if index not in self._regions:
            self._regions[index] = Region(self._handle.map(index))
        return self._regions[index]

    def interrupts(self) -> Interrupts:
        """Its interrupts, as they come: ``async for count in device.interrupts()``."""
        return Interrupts(self._handle.interrupt())

    def removal(self) -> Interrupts:
        """Counts once the kernel wants the device back, as it is to be unplugged: ``await anext(device.removal())``. Then
        close() it, and its interrupts, and let go of its memory: until that is done it stays. Only with ``vfio:``.
        """
        return Interrupts(self._handle.removal())

    def allocate(self, size: int, mask: int = EVERY_BIT) -> Dma:
        """Memory that the device reads and writes by itself, within the bounds of the IOMMU: a buffer, whose `address()` the
        device is told. Only with ``vfio:``.

        Args:
            size: bytes, at least.
            mask: the bits that the device's addresses have.
        """
        return self._handle.allocate(size, mask)

    def close(self) -> None:
        """Closes it and its regions. Its interrupts stay until they are closed."""
        for region in self._regions.values():
            region.close()
        self._handle.close()

    def __repr__(self) -> str:
        return f"<vector_boot.Device {self.name!r}>"


class Region:
    """Registers or memory of a device. Every access is checked and happens in its whole width, never more or less.

    A device that is gone is a DeviceError of that access.
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: _vector_boot.Region) -> None:
        """Device.region() makes regions."""
        self._handle = handle

    def __len__(self) -> int:
        return self._handle.size()

    def close(self) -> None:
        """Unmaps it."""
        self._handle.close()

    def read8(self, offset: int) -> int:
        """One byte."""
        return self._handle.read(1, offset)

    def read16(self, offset: int) -> int:
        """Two bytes."""
        return self._handle.read(2, offset)

    def read32(self, offset: int) -> int:
        """Four bytes."""
        return self._handle.read(4, offset)

    def read64(self, offset: int) -> int:
        """Eight bytes."""
        return self._handle.read(8, offset)

    def write8(self, offset: int, value: int) -> None:
        """One byte."""
        self._handle.write(1, offset, value)

    def write16(self, offset: int, value: int) -> None:
        """Two bytes."""
        self._handle.write(2, offset, value)

    def write32(self, offset: int, value: int) -> None:
        """Four bytes."""
        self._handle.write(4, offset, value)

    def write64(self, offset: int, value: int) -> None:
        """Eight bytes."""
        self._handle.write(8, offset, value)

    def read(self, offset: int, size: int, width: int = 4) -> bytes:
        """Many accesses, upwards.

        Args:
            offset: where, a multiple of `width`.
            size: bytes, a multiple of `width`.
            width: of each access: 1, 2, 4 or 8 bytes.
        """
        return self._handle.read_block(width, offset, size)

    def write(self, offset: int, content: Buffer, width: int = 4) -> None:
        """Many accesses, upwards.

        Args:
            offset: where, a multiple of `width`.
            content: bytes, a multiple of `width`.
            width: of each access: 1, 2, 4 or 8 bytes.
        """
        self._handle.write_block(width, offset, content)

    def changes(self, offset: int, *, width: int = 4, mask: int = EVERY_BIT, period: float = 0.1) -> Changes:
        """A register that is read again and again, in C++: Python wakes for changes only.
        ``async for value in region.changes(0x20, mask=0x80)``.

        Args:
            offset: where it is.
            width: 1, 2, 4 or 8 bytes.
            mask: the bits that matter.
            period: seconds from one reading to the next; by default the heartbeat.
        """
        return Changes(self._handle.poll(width, offset, mask, round(period * 1e6)))


class Interrupts(Watched):
    """The interrupts of a device. Each step of ``async for`` is how many came since the last one: none is lost.

    Where the device has to be told that it was heard, do that in the loop's body: the next one is let through when the
    loop comes back.
    """

    __slots__ = ()
    _handle: _vector_boot.Interrupt

    def __init__(self, handle: _vector_boot.Interrupt) -> None:
        """Device.interrupts() makes it."""
        self._handle = handle

    def take(self) -> int:
        """How many came since the last time; does not wait."""
        return self._handle.take()

    async def __anext__(self) -> int:
        self._handle.arm()
        while not (count := self._handle.take()):
            await self._wait()
        return count


class Changes(Watched):
    """The values of a register, each when it has changed."""

    __slots__ = ()
    _handle: _vector_boot.Poll

    def __init__(self, handle: _vector_boot.Poll) -> None:
        """Region.changes() makes it."""
        self._handle = handle

    async def __anext__(self) -> int:
        while (value := self._handle.take()) is None:
            await self._wait()
        return value


def barrier() -> None:
    """What was read and written before is so for every device before what comes after."""
    _vector_boot.barrier()
