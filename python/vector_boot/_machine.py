"""The machine under the program, where vector_boot booted one for it; elsewhere these do nothing."""

from __future__ import annotations

from . import _vector_boot


class Span:
    """A part of the boot. Times are milliseconds since the machine began; a point in time begins and ends at once."""

    __slots__ = ("begin", "end", "name", "process", "thread")

    def __init__(self, name: str, begin: float, end: float, process: int, thread: int) -> None:
        """boot_timeline() makes spans."""
        self.name, self.begin, self.end, self.process, self.thread = name, begin, end, process, thread

    def __repr__(self) -> str:
        return f"<vector_boot.Span {self.name!r} {self.begin:.3f} to {self.end:.3f} ms>"


def is_booted() -> bool:
    """Whether vector_boot booted for this program: it is the runtime's, and Model() is the engine that is there."""
    return _vector_boot.is_booted()


def ready() -> None:
    """The program is up: what waits for ``[handoff] ready = "app"``. Does nothing where nobody waits."""
    _vector_boot.ready()


def status(text: str) -> None:
    """What ``vbctl status`` shows of the program.

    Args:
        text: a line.
    """
    _vector_boot.status(text)


def watchdog(seconds: float) -> None:
    """The program lives: unless this is called again in time, it is killed and started anew.

    Args:
        seconds: how long until the next call at the latest; 0: no call comes any more.
    """
    if not 0 <= seconds <= 86400:
        raise ValueError(f"seconds is {seconds!r}, expected 0 to 86400")
    _vector_boot.watchdog(max(int(seconds * 1000), 1) if seconds else 0)


def boot_timeline() -> list[Span]:
    """How the boot went, part by part; empty where nothing booted."""
    import json

    events = json.loads(_vector_boot.timeline())["traceEvents"]
    return [
        Span(one["name"], one["ts"] / 1000, (one["ts"] + one.get("dur", 0)) / 1000, one["pid"], one["tid"])
        for one in events
    ]


def serve() -> None:
    """Serves the HTTP API of vector_boot-runtime on the machine's sockets, beside the program. Returns at once.

    Raises:
        RequestError: nothing booted here; ``vector_boot-runtime --model FILE`` serves a model by itself.
        ResourceError: a socket cannot be used.
    """
    _vector_boot.serve()
