"""One run of an init, seen from outside: its processes in /proc, its signals, its output and its end."""

import contextlib
import ctypes
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE = 10.0  # for what takes much less: reached only when it never comes
LAST = int(signal.SIGRTMAX)  # ends a listening child, after all other signals

libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Programs:
    launch: str
    child: str


def compile_programs(folder: Path) -> Programs:
    """Static, so that they run in whatever an init makes of its surroundings."""
    sources = Path(__file__).parent / "programs"
    folder.chmod(0o755)  # some children are not root
    for name in ("launch", "child"):
        subprocess.run(
            ["cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-static", "-pthread", "-o", folder / name, sources / f"{name}.c"],
            check=True,
        )
    return Programs(str(folder / "launch"), str(folder / "child"))


def eventually[Value](condition: Callable[[], Value], what: str, seconds: float = DEADLINE) -> Value:
    """The first true value of the condition."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.002)
    return value


def children_of(process: int) -> list[int]:
    """Oldest first. Orphans may belong to any thread of an init."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    except OSError:
        pass
    return found


def descendants_of(process: int) -> Iterator[int]:
    for child in children_of(process):
        yield child
        yield from descendants_of(child)


def status_of(process: int) -> dict[str, str]:
    """/proc/PID/status; nothing when the process has gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def state_of(process: int) -> str:
    """The letter of proc(5): R, S, T, Z, ...; ? for a process that has gone."""
    return status_of(process).get("State", "?")[0]


def signals_of(process: int, line: str) -> set[int]:
    mask = int(status_of(process).get(line, "0"), 16)
    return {number for number in range(1, signal.NSIG) if mask >> (number - 1) & 1}


def switches_of(process: int) -> int:
    status = status_of(process)
    return int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])


def kilobytes_of(process: int, pattern: str) -> int:
    """The sum of the lines of /proc/PID/smaps_rollup that are so called."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(count) for count in re.findall(rf"^{pattern}:\s+(\d+) kB", text, re.M))


def descriptors_of(process: int) -> dict[int, str]:
    folder = Path(f"/proc/{process}/fd")
    found = {}
    for entry in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in between
            found[int(entry.name)] = os.readlink(entry)
    return found


def send_value(process: int, number: int, value: int) -> None:
    """sigqueue(3)"""
    if libc.sigqueue(process, int(number), ctypes.c_void_p(value)) != 0:
        raise OSError(ctypes.get_errno(), f"sigqueue to {process}")


@dataclass(frozen=True)
class Ending:
    status: int  # the exit status as the parent of the init sees it; -N: the init itself died of signal N
    out: str
    err: str
    left: bool  # processes were there after an init that was not PID 1


class Run:
    """An init that runs a command, as PID 1 of a PID namespace or as an ordinary process of one."""

    def __init__(
        self,
        programs: Programs,
        command: list[str],
        *,
        place: str = "pid1",
        words: tuple[str, ...] = (),
        terminal: bool = False,
        err: int | None = None,
        **options: Any,
    ) -> None:
        self.programs = programs
        self.place = place
        self._read = b""
        self._report = b""
        self._err = tempfile.TemporaryFile()
        self._report_fd, report = os.pipe()
        self.controller = -1
        ends: dict[str, Any]
        if terminal:
            self.controller, slave = pty.openpty()
            ends = {"stdin": slave, "stdout": slave, "stderr": slave}
            words = (*words, "terminal")
        else:
            ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._err if err is None else err}
        ends.update(options)
        passed = [*ends.pop("pass_fds", ()), report]
        self.outer: subprocess.Popen[bytes] = subprocess.Popen(
            [programs.launch, "namespace", str(report), place, *words, "--", *command], pass_fds=passed, **ends
        )
        os.close(report)
        if terminal:
            os.close(slave)
        self.output = self.controller if self.outer.stdout is None else self.outer.stdout.fileno()
        self._pid = 0

    # --- its processes ---

    @property
    def pid(self) -> int:
        """Out here."""
        if self._pid == 0:
            first = int(self._told("started")[1])
            self._pid = first
            if self.place == "process":
                self._pid = eventually(lambda: children_of(first), "the init as a child of PID 1")[0]
        return self._pid

    def main(self) -> int:
        """The process of the main child, where that is one of the suite's own programs."""

        def is_it(process: int) -> bool:
            try:
                return os.readlink(f"/proc/{process}/exe") == self.programs.child
            except OSError:
                return False

        return eventually(lambda: next(filter(is_it, descendants_of(self.pid)), 0), "the main child")

    def orphans(self) -> list[int]:
        return [child for child in children_of(self.pid) if status_of(child).get("Name") == "orphan"]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    # --- what it says and is told ---

    def line(self) -> str | None:
        """The next line of output; None at the end of it."""
        end = time.monotonic() + DEADLINE
        while b"\n" not in self._read:
            assert select.select([self.output], [], [], max(0.0, end - time.monotonic()))[0], (
                f"no line came, only {self._read!r}; {self.err()}"
            )
            if not (piece := self._piece()):
                return None
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def _piece(self) -> bytes:
        try:
            return os.read(self.output, 65536)
        except OSError:  # EIO: nobody has the terminal any more
            return b""

    def has_said_something(self) -> bool:
        return bool(self._read or select.select([self.output], [], [], 0)[0])

    def expect(self, line: str) -> None:
        """Reads up to the line."""
        while (said := self.line()) != line:
            assert said is not None, f"it ended without saying {line!r}: {self.err()}"

    def is_settled(self) -> bool:
        """The init sleeps and has taken every signal that came."""
        status = status_of(self.pid)
        return status["State"][0] == "S" and int(status["SigPnd"], 16) == int(status["ShdPnd"], 16) == 0

    def heard(self) -> list[tuple[int, int]]:
        """The signals that a listening child got, with their values. It ends."""
        eventually(self.is_settled, "an init that has nothing more to do")
        os.kill(self.main(), LAST)
        signals: list[tuple[int, int]] = []
        while True:
            line = self.line()
            assert line is not None, f"the child ended before it was told to, after {signals}"
            if line.startswith("signal"):
                _, number, value = line.split()
                if int(number) == LAST:
                    return signals
                signals.append((int(number), int(value)))

    def say(self, text: str = "") -> None:
        data = f"{text}\n".encode()
        os.write(self.controller if self.outer.stdin is None else self.outer.stdin.fileno(), data)

    def err(self) -> str:
        return os.pread(self._err.fileno(), 1 << 20, 0).decode(errors="replace")

    # --- its end ---

    def _told(self, word: str) -> list[str]:
        end = time.monotonic() + DEADLINE
        while True:
            for line in self._report.decode().splitlines():
                if line.startswith(word):
                    return line.split()
            ready = select.select([self._report_fd], [], [], max(0.0, end - time.monotonic()))[0]
            piece = os.read(self._report_fd, 4096) if ready else b""
            assert piece, f"the init has not {word}; it wrote: {self.err()}"
            self._report += piece

    def finish(self) -> Ending:
        _, status, left = self._told("ended")
        out = self._read
        while self.output >= 0 and select.select([self.output], [], [], 0)[0] and (piece := self._piece()):
            out += piece
        self._read = b""
        return Ending(os.waitstatus_to_exitcode(int(status)), out.decode(errors="replace"), self.err(), left == "1")

    def executed_at(self) -> int:
        """When the init was executed, in nanoseconds of the monotonic clock."""
        return int(self._told("executed")[1])

    def close(self) -> None:
        if self.outer.poll() is None:
            for child in children_of(self.outer.pid):  # a change of the user has cleared what would end it with its parent
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        self.outer.kill()
        self.outer.wait()
        for stream in (self.outer.stdin, self.outer.stdout, self._err):
            if stream is not None:
                stream.close()
        os.close(self._report_fd)
        self.close_terminal()

    def close_terminal(self) -> None:
        if self.controller >= 0:
            os.close(self.controller)
            self.controller = self.output = -1
