"""Streams in asyncio: one descriptor a model, watched by each event loop in which somebody waits for an answer.

No thread is made. While nobody waits nothing is watched, so a stream that is not read costs nothing.
"""

import asyncio

from . import _vector_boot


class Waiting:
    """Who waits for news of one model's answers, in any event loop."""

    def __init__(self, handle: _vector_boot.Model) -> None:
        self._handle = handle
        self._futures: dict[int, asyncio.Future[None]] = {}
        self._watched: dict[asyncio.AbstractEventLoop, tuple[int, int]] = {}  # descriptor, how many wait

    async def next(self, request: _vector_boot.Request) -> str:
        """What came of the answer, "" at its end."""
        piece = request.poll()
        if piece is not None:
            return piece
        loop = asyncio.get_running_loop()
        while True:
            future: asyncio.Future[None] = loop.create_future()
            self._futures[request.number] = future
            self._watch(loop)
            try:
                piece = request.poll()  # another loop may have taken the news before we were there
                if piece is None:
                    await future
                    piece = request.poll()
            finally:
                self._unwatch(loop)
                self._futures.pop(request.number, None)
            if piece is not None:
                return piece

    def close(self) -> None:
        """The model's descriptor is about to be closed."""
        here = asyncio._get_running_loop()
        for loop, (descriptor, _) in list(self._watched.items()):
            _on_loop(loop, here, loop.remove_reader, descriptor)
        self._watched.clear()

    def wake(self) -> None:
        """All of them look again: the model is closed."""
        here = asyncio._get_running_loop()
        for future in list(self._futures.values()):
            _on_loop(future.get_loop(), here, _finish, future)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        watched = self._watched.get(loop)
        if watched is None:
            descriptor = self._handle.fileno()
            loop.add_reader(descriptor, self._on_readable)
            watched = (descriptor, 0)
        self._watched[loop] = (watched[0], watched[1] + 1)

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        watched = self._watched.get(loop)
        if watched is None:
            return  # close() was faster
        descriptor, count = watched
        if count > 1:
            self._watched[loop] = (descriptor, count - 1)
        else:
            del self._watched[loop]
            loop.remove_reader(descriptor)

    def _on_readable(self) -> None:
        here = asyncio.get_running_loop()
        try:
            numbers = self._handle.dispatch()
        except _vector_boot.Error:  # closed by another thread: who waits will be told the same
            self.wake()
            return
        for number in numbers:
            future = self._futures.get(number)
            if future is not None:
                _on_loop(future.get_loop(), here, _finish, future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _on_loop(
    loop: asyncio.AbstractEventLoop, here: asyncio.AbstractEventLoop | None, function: object, argument: object
) -> None:
    if loop is here:
        function(argument)  # type: ignore[operator]
    elif not loop.is_closed():
        loop.call_soon_threadsafe(function, argument)  # type: ignore[arg-type]
