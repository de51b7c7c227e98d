"""GPIO lines, keys, buttons, switches and axes."""

from __future__ import annotations

from . import _vector_boot
from ._watched import Watched

Edge = _vector_boot.Edge
InputEvent = _vector_boot.InputEvent


class Gpio(Watched):
    """A GPIO line, which is the program's until it is closed. Its edges come as they are:
    ``async for edge in vector_boot.Gpio("gpio:gpiochip0:17?edges=both")``.

    Args:
        what: ``"gpio:CHIP:LINE"``, the chip by its name or label, the line by its number or name; ``"gpio::LINE"``, the line of
            that name on whichever chip. Options follow a ``?``, with ``&`` between them: ``direction=output``,
            ``active_low=1``, ``bias=off``, ``pull_up`` or ``pull_down``; of an input ``edges=rising``, ``falling`` or
            ``both``, and ``debounce=MICROSECONDS``; of an output ``value=1`` and ``drive=open_drain`` or ``open_source``.
            Any other word is a name, as for Device.

    Raises:
        DeviceError: there is none, or it cannot be opened: what is there instead, and who uses it.
    """

    __slots__ = ()
    _handle: _vector_boot.Gpio

    def __init__(self, what: str) -> None:
        self._handle = _vector_boot.Gpio(what)

    @property
    def name(self) -> str:
        """How it is found again, such as ``"gpio:gpiochip0:17"``."""
        return self._handle.name()

    def read(self) -> bool:
        """Whether it is active."""
        return self._handle.read()

    def write(self, is_active: bool) -> None:
        """Makes it active or inactive, an output."""
        self._handle.write(is_active)

    def take(self) -> Edge | None:
        """The next edge; None where there is none yet. Does not wait."""
        return self._handle.take()

    async def __anext__(self) -> Edge:
        while (edge := self._handle.take()) is None:
            await self._wait()
        return edge

    def __repr__(self) -> str:
        return f"<vector_boot.Gpio {self.name!r}>"


class Input(Watched):
    """Keys, buttons, switches and axes, as the kernel has them: ``async for event in vector_boot.Input("keys")``.

    Where the kernel had to drop events, because nobody took them in time, what has changed meanwhile comes as if it were
    an event: no key stays pressed for ever.

    Args:
        what: ``"input:event3"``, or ``"input:"`` and what the device calls itself. Any other word is a name, as for Device.

    Raises:
        DeviceError: there is none, or it cannot be opened: what is there instead.
    """

    __slots__ = ()
    _handle: _vector_boot.Input

    def __init__(self, what: str) -> None:
        self._handle = _vector_boot.Input(what)

    @property
    def name(self) -> str:
        """How it is found again, such as ``"input:event3"``."""
        return self._handle.name()

    def is_pressed(self, code: int) -> bool:
        """Whether a key or button is pressed, as far as the events that have come say.

        Args:
            code: the number of ``KEY_`` or ``BTN_``.
        """
        return self._handle.is_pressed(code)

    def is_on(self, code: int) -> bool:
        """Whether a switch is on, as far as the events that have come say.

        Args:
            code: the number of ``SW_``.
        """
        return self._handle.is_on(code)

    def take(self) -> InputEvent | None:
        """The next event; None where there is none yet. Does not wait."""
        return self._handle.take()

    async def __anext__(self) -> InputEvent:
        while (event := self._handle.take()) is None:
            await self._wait()
        return event

    def __repr__(self) -> str:
        return f"<vector_boot.Input {self.name!r}>"
