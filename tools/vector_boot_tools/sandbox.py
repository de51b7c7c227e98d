"""Starts a program in namespaces of its own with bubblewrap: PID 1 of a container, or a User-Mode Linux kernel.

Everything is prepared first (namespaces, mounts); the program is then executed by one write to a pipe. Time zero
of every measurement is taken right before that execve, in the same way for all that are compared.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .failure import Failure
from .places import BINARIES, INNER_BINARIES, INNER_CACHE, INNER_MODEL, INNER_PACKAGE, PACKAGE

# What container runtimes give by default.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP SETFCAP "
    "NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE"
).split()

# Waits for the write, tells the time (of the clock that all namespaces share), executes.
STAMP = 'read -r -u "$1" _; echo "$EPOCHREALTIME" >&"$2"; eval "exec $1<&- $2>&-"; shift 2; exec "$@"'
# The same for a program that is handed a socket, which has to be descriptor 3.
STAMP_AND_PASS = STAMP.replace("shift 2;", 'exec 3<&"$3"; shift 3;')


@dataclass
class Root:
    """A minimal root file system: /usr of the platform read-only, the rest empty, and what is added to it."""

    model: Path | None = None
    binaries: Path | None = BINARIES
    cache: Path | None = None  # a directory outside that stays: what one start keeps, the next one finds
    files: Mapping[str, str] = field(default_factory=dict)  # path inside -> content
    executables: Mapping[str, str] = field(default_factory=dict)  # the same, mode 0755
    links: Mapping[str, str] = field(default_factory=dict)  # path inside -> target

    def arguments(self, descriptors: list[int], *, at: str = "", mounts: bool = True) -> list[str]:
        """Words for bubblewrap that build the tree below `at`; opens what they refer to into `descriptors`.

        mounts: with /proc, /sys, /dev and empty file systems to write to, as a container has them; else the
        empty directories that a machine's init mounts them on.
        """
        # Those that bubblewrap makes by itself, for what is bound in them, are only for root.
        inside = [INNER_BINARIES, INNER_PACKAGE, INNER_MODEL, INNER_CACHE, *self.files, *self.executables]
        directories = {str(parent) for path in inside for parent in PurePosixPath(path).parents if parent.name}
        words = []
        for directory in ["", *sorted(directories)] if at else sorted(directories):
            words += ["--perms", "0755", "--dir", f"{at}{directory}"]
        words += ["--ro-bind", "/usr", f"{at}/usr"]
        for name in ("bin", "sbin", "lib", "lib64"):
            words += ["--symlink", f"usr/{name}", f"{at}/{name}"]
        if mounts:
            words += ["--proc", f"{at}/proc", "--ro-bind", "/sys", f"{at}/sys", "--dev", f"{at}/dev"]
            words += ["--tmpfs", f"{at}/run", "--tmpfs", f"{at}/tmp"]
        for name in ("proc", "sys", "dev", "run", "tmp", "etc", "var", "root"):
            words += ["--dir", f"{at}/{name}"]
        words += ["--ro-bind-try", "/etc/ld.so.cache", f"{at}/etc/ld.so.cache"]
        if self.binaries is not None:
            words += ["--ro-bind", str(self.binaries), f"{at}{INNER_BINARIES}"]
            words += ["--ro-bind-try", str(PACKAGE), f"{at}{INNER_PACKAGE}"]
        if self.model is not None:
            words += ["--ro-bind", str(self.model), f"{at}{INNER_MODEL}"]
        if self.cache is not None:
            self.cache.mkdir(parents=True, exist_ok=True)
            words += ["--bind", str(self.cache), f"{at}{INNER_CACHE}"]
        for mode, files in (("0644", self.files), ("0755", self.executables)):
            for path, content in files.items():
                words += ["--perms", mode, "--ro-bind-data", str(_file_of(content, descriptors)), f"{at}{path}"]
        for path, target in self.links.items():
            words += ["--symlink", target, f"{at}{path}"]
        return words


def _file_of(content: str, descriptors: list[int]) -> int:
    descriptor = os.memfd_create("content")
    descriptors.append(descriptor)
    os.write(descriptor, content.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class Sandbox:
    """One started program. It dies with the thread that made it; `close` ends it whatever state it is in."""

    def __init__(
        self,
        root: Root,
        command: Sequence[str],
        *,
        at: str = "",  # where the root is; bubblewrap's words in `more` then make one to start the command in
        more: Sequence[str] = (),
        as_pid_1: bool = True,
        capabilities: Sequence[str] | None = CAPABILITIES,  # None: all that we have
        environment: Mapping[str, str] | None = None,
        output: int | None = None,
        stamped: bool = False,  # a shell in between tells the time right before the program's execve
        listening: socket.socket | None = None,  # passed by the protocol of sd_listen_fds(3); only if stamped
    ) -> None:
        descriptors: list[int] = []
        self._stamp_read = -1
        block_read, self._block_write = os.pipe2(os.O_CLOEXEC)
        information_read, information_write = os.pipe2(os.O_CLOEXEC)
        descriptors += [block_read, information_write]
        words = ["bwrap", "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--die-with-parent", "--clearenv"]
        words += ["--hostname", "vector-boot"]
        if as_pid_1:
            words.append("--as-pid-1")
        if capabilities is not None:
            words += ["--cap-drop", "ALL"]
            for capability in capabilities:
                words += ["--cap-add", f"CAP_{capability}"]
        if listening is not None:
            environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", **(environment or {})}
        variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(environment or {})}
        for name, value in variables.items():
            words += ["--setenv", name, value]
        words += ["--info-fd", str(information_write)]
        if stamped:
            self._stamp_read, stamp_write = os.pipe2(os.O_CLOEXEC)
            descriptors.append(stamp_write)
            own = [str(block_read), str(stamp_write)]
            script = STAMP
            if listening is not None:
                passed = os.dup(listening.fileno())
                descriptors.append(passed)
                own.append(str(passed))
                script = STAMP_AND_PASS
            command = ["/usr/bin/bash", "-c", script, "bash", *own, *command]
        else:
            words += ["--block-fd", str(block_read)]
        words += [*root.arguments(descriptors, at=at, mounts=not at), *more]
        try:
            # stdin: a pipe that nobody writes to. A session of its own, so that Ctrl-C is the tool's to handle.
            self._process = subprocess.Popen(
                [*words, "--", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                pass_fds=descriptors,
                start_new_session=True,
            )
        except BaseException:
            os.close(information_read)
            self._close_pipes()
            raise
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        with os.fdopen(information_read, "rb") as stream:
            information = stream.read()
        if not information:
            self._process.wait()
            message = self._process.stdout.read().decode().strip() if self._process.stdout is not None else "see above"
            raise Failure(f"bubblewrap could not prepare the namespaces: {message}")
        self.pid: int = json.loads(information)["child-pid"]  # of PID 1, as seen from here
        self._pidfd = os.pidfd_open(self.pid)

    def release(self) -> int:
        """Executes the program. Returns time zero, in nanoseconds of CLOCK_MONOTONIC."""
        now = time.monotonic_ns()
        os.write(self._block_write, b"\n")
        if self._stamp_read < 0:
            return now
        seconds, _, microseconds = os.read(self._stamp_read, 64).decode().partition(".")
        offset = time.time_ns() - time.monotonic_ns()
        return int(seconds) * 10**9 + int(microseconds) * 1000 - offset

    @property
    def output(self) -> int:
        """The read end of the program's standard output and error; only with output=subprocess.PIPE."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def signal(self, number: signal.Signals) -> None:
        """To PID 1 itself, not to bubblewrap outside."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def type(self, text: str) -> None:
        """On its standard input: a virtual machine's console."""
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), text.encode())

    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, seconds: float | None = None) -> int | None:
        """The program's exit status, 128 + n for signal n; None when it still runs after that time."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        if self._pidfd >= 0:
            self._close_pipes()
            os.close(self._pidfd)
            self._pidfd = -1

    def _close_pipes(self) -> None:
        os.close(self._block_write)
        if self._stamp_read >= 0:
            os.close(self._stamp_read)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
