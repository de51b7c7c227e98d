"""What the test suites share: started programs with their logs, free ports, processes seen from outside."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .client import Client
from .places import INNER_CONFIG, INNER_MODEL
from .sandbox import Root, Sandbox
from .system import VECTOR_BOOT, configuration

LOOPBACK = "127.0.0.1"
# Executes what follows as PID 1 of namespaces of its own, with a /run and a /var/cache that no other run has left things in.
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", 'mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/cache; exec "$@"', "sh")
DEADLINE = 60.0  # for what takes much less: reached only when it never comes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


def eventually[Value](condition: Callable[[], Value], what: str) -> Value:
    """The first true value of the condition."""
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.005)
    return value


def children_of(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def runtime_of(init: int) -> int | None:
    """The pid of the child of PID 1 that is the neural runtime; None while there is none."""
    for child in children_of(init):
        try:
            if os.readlink(f"/proc/{child}/exe").endswith("/vector_boot-runtime"):
                return child
        except OSError:
            continue
    return None


class Started:
    """A program in a container of its own, on the host's network, with what it wrote."""

    def __init__(
        self, root: Root, command: list[str], port: int, environment: dict[str, str] | None = None
    ) -> None:
        self.port = port
        with tempfile.TemporaryFile() as file:
            self._log = os.dup(file.fileno())
        self.sandbox = Sandbox(root, command, output=self._log, environment=environment)
        self.sandbox.release()

    @classmethod
    def vector_boot(cls, model: Path | None, *, cache: Path | None = None) -> Started:
        port = free_port()
        root = Root(model, files={INNER_CONFIG: configuration(LOOPBACK, port)}, cache=cache)
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        return cls(root, [VECTOR_BOOT], port, sanitizers)

    @classmethod
    def llama_server(cls, model: Path) -> Started:
        port = free_port()
        command = f"/usr/bin/llama-server -m {INNER_MODEL} --port {port} -fit off --no-warmup -np 1 -c 2048 --no-ui"
        # Its threads would spin at every barrier, which on a busy machine takes seconds for a token.
        return cls(Root(model), command.split(), port, {"OMP_WAIT_POLICY": "PASSIVE"})

    def client(self) -> Client:
        return Client(LOOPBACK, self.port)

    def log(self) -> str:
        return os.pread(self._log, 1 << 20, 0).decode(errors="replace")

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.close()
        os.close(self._log)


def run_boot(*words: str) -> subprocess.CompletedProcess[str]:
    """./dev boot, without the build before it."""
    tool = Path(__file__).resolve().parents[1] / "boot.py"
    return subprocess.run(
        ["python3", tool, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
