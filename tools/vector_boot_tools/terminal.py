"""The boot log and the answer on one terminal: the log dimmed on standard error, the answer on standard output.

While an answer is being written, lines of the log wait, so that they do not cut it in two.
"""

import os
import sys
import threading


class Terminal:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[str] | None = None
        dimmed = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        self._before, self._after = ("\x1b[2m", "\x1b[0m") if dimmed else ("", "")

    def log(self, line: str) -> None:
        with self._lock:
            if self._held is not None:
                self._held.append(line)
            else:
                self._write_log(line)

    def _write_log(self, line: str) -> None:
        sys.stderr.write(f"{self._before}{line}{self._after}\n")
        sys.stderr.flush()

    def say(self, text: str) -> None:
        """A line of the tool's own, between the log's."""
        with self._lock:
            sys.stderr.flush()
            print(text, flush=True)

    def begin_answer(self) -> None:
        with self._lock:
            self._held = []

    def answer(self, piece: str) -> None:
        sys.stdout.write(piece)
        sys.stdout.flush()

    def end_answer(self) -> None:
        with self._lock:
            print(flush=True)
            held, self._held = self._held or [], None
            for line in held:
                self._write_log(line)


class LogReader(threading.Thread):
    """Shows what a started system writes, line by line, until nobody can write any more."""

    def __init__(self, descriptor: int, terminal: Terminal) -> None:
        super().__init__(name="log", daemon=True)
        self._stream = os.fdopen(os.dup(descriptor), "rb")
        self._terminal = terminal
        self.start()

    def run(self) -> None:
        with self._stream:
            for line in self._stream:
                self._terminal.log(line.decode(errors="replace").rstrip("\r\n"))
