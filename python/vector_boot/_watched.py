"""What is waited for by a descriptor, in any event loop."""

from __future__ import annotations

from . import _vector_boot
from ._closing import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Self


class Watched(Closing):
    """An asynchronous iterator over what a descriptor says."""

    __slots__ = ("_handle",)
    _handle: (
        _vector_boot.Interrupt | _vector_boot.Poll | _vector_boot.Gpio | _vector_boot.Input | _vector_boot.Uevents
    )

    def fileno(self) -> int:
        """The descriptor, for other event loops than asyncio's."""
        return self._handle.fileno()

    async def _wait(self) -> None:
        """Until the descriptor is readable. Nobody is watched while nobody waits."""
        import asyncio

        from ._events import _finish

        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        descriptor = self._handle.fileno()
        loop.add_reader(descriptor, _finish, readable)
        try:
            await readable
        finally:
            loop.remove_reader(descriptor)

    def close(self) -> None:
        """Ends it."""
        self._handle.close()

    def __aiter__(self) -> Self:
        return self
