"""Answers: whole ones, and ones that come piece by piece."""

from __future__ import annotations

from . import _log
from ._closing import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, Literal, Self

    from . import _vector_boot
    from ._model import Engine
    from ._vector_boot import Token, Usage


class Reply:
    """A complete answer. ``str(reply)`` is its text.

    Attributes:
        text: the text.
        usage: tokens and seconds.
        finish_reason: "stop": the model ended the answer, or a stop text did; "length": max_tokens, or the context is
            full.
        logprobs: with the option `logprobs`, a Token for each token of the answer; else None.
    """

    __slots__ = ("finish_reason", "logprobs", "text", "usage")

    text: str
    usage: Usage
    finish_reason: Literal["stop", "length"]
    logprobs: tuple[Token, ...] | None

    def __init__(
        self,
        text: str,
        usage: Usage,
        finish_reason: Literal["stop", "length"],
        logprobs: tuple[Token, ...] | None = None,
    ) -> None:
        self.text = text
        self.usage = usage
        self.finish_reason = finish_reason
        self.logprobs = logprobs

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Reply({self.text!r}, finish_reason={self.finish_reason!r})"


def reply_of(request: _vector_boot.Request, text: str, *, with_logprobs: bool) -> Reply:
    ended = request.result()
    assert ended is not None, "the answer is complete"
    usage, reason, tokens = ended
    return Reply(text, usage, reason, tokens if with_logprobs else None)


class Stream(Closing):
    """An answer that comes piece by piece: an iterator and an asynchronous iterator of str.

    The request begins with the first piece that is asked for. Leaving the loop and dropping the stream, close(), and
    cancelling the task that waits all cancel the request. ``await stream`` takes the rest and gives the Reply.

    One thread or one event loop reads a stream; any may close it.
    """

    __slots__ = ("_engine", "_is_over", "_pieces", "_reply", "_request", "_with_logprobs")

    def __init__(self, engine: Engine, request: _vector_boot.Request, *, with_logprobs: bool) -> None:
        """Model.stream() and the like make streams."""
        self._engine = engine
        self._request = request
        self._with_logprobs = with_logprobs
        self._pieces: list[str] = []
        self._reply: Reply | None = None
        self._is_over = False

    @property
    def reply(self) -> Reply:
        """The whole answer, once it has come to its end; a RuntimeError before that."""
        if self._reply is None:
            raise RuntimeError("there is no reply: the answer did not come to its end")
        return self._reply

    def close(self) -> None:
        """Cancels the request, unless it is over. Any thread may; what waits for a piece gets a CancelledError."""
        self._is_over = True
        self._request.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self._is_over:
            raise StopIteration
        try:
            piece = self._request.next()
        except BaseException:
            self._end()
            raise
        if not self._took(piece):
            raise StopIteration
        return piece

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._is_over:
            raise StopAsyncIteration
        try:
            piece = await self._engine.waiting.next(self._request)
        except BaseException:
            self._end()
            raise
        if not self._took(piece):
            raise StopAsyncIteration
        return piece

    def __await__(self) -> Generator[Any, None, Reply]:
        return self._rest().__await__()

    async def _rest(self) -> Reply:
        async for _ in self:
            pass
        return self.reply

    def _took(self, piece: str) -> bool:
        if piece:
            self._pieces.append(piece)
            return True
        self._reply = reply_of(self._request, "".join(self._pieces), with_logprobs=self._with_logprobs)
        self._end()
        return False

    def _end(self) -> None:
        self.close()
        _log.deliver(self._engine.handle)
