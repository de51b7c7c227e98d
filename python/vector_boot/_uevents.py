"""Devices that come and go."""

from __future__ import annotations

from . import _vector_boot
from ._device import Device
from ._watched import Watched

Uevent = _vector_boot.Uevent

ARRIVALS = ("add", "bind", "lost")
# Whoever makes the device's node, or lets us open it, hears of the device when we do, and takes a moment.
MOMENT = 0.1


class Uevents(Watched):
    """What the kernel says of its devices. What is lost, because nobody took it in time, is one event whose action is ``lost``:
    then look at what is there.
    """

    __slots__ = ()
    _handle: _vector_boot.Uevents

    def __init__(self) -> None:
        """uevents() makes it."""
        self._handle = _vector_boot.Uevents()

    def take(self) -> Uevent | None:
        """The next one; None where there is none yet. Does not wait."""
        return self._handle.take()

    async def __anext__(self) -> Uevent:
        while (event := self._handle.take()) is None:
            await self._wait()
        return event


def uevents() -> Uevents:
    """Which devices come and go, from now on: ``async for event in vector_boot.uevents()``. The kernel is believed, and nobody
    else.

    Raises:
        DeviceError: the kernel does not tell.
    """
    return Uevents()


async def attached(what: str) -> Device:
    """The device as soon as it is there and can be opened: ``device = await vector_boot.attached("sensor")``. Waits for the kernel
    to say that one came, for as long as it takes; asyncio.timeout() is a bound. Nobody says so of a plain file.

    Args:
        what: as for Device.

    Raises:
        DeviceError: the text is none of a device, or nobody knows the name.
    """
    import asyncio

    _vector_boot.Device.check(what)
    with uevents() as events:  # from before the first look: what comes after it is not missed
        patience = None
        while True:
            try:
                return Device(what)
            except _vector_boot.DeviceError:
                pass  # not yet
            try:
                async with asyncio.timeout(patience):
                    await _arrival(events)
                patience = MOMENT
            except TimeoutError:
                patience = None


async def _arrival(events: Uevents) -> None:
    async for event in events:
        if event.action in ARRIVALS:
            return
