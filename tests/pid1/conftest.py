"""vector_boot as the real PID 1 of a PID namespace, seen from outside."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import textwrap
from pathlib import Path

import pytest
from vector_boot_tools.testing import DEADLINE, LOOPBACK, NAMESPACE, children_of, eventually, free_port, runtime_of

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VB_BUILD_DIR", SOURCE / "build" / "release")).resolve()
VECTOR_BOOT = BUILD / "bin" / "vector_boot"
RUNTIME = VECTOR_BOOT.with_name("vector_boot-runtime")
IS_SANITIZED = b"__asan_init" in RUNTIME.read_bytes() or b"__tsan_init" in RUNTIME.read_bytes()
TINY_MODEL = BUILD / "models" / "tiny.gguf"


def executable_of(process: int) -> str:
    try:
        return os.readlink(f"/proc/{process}/exe")
    except OSError:
        return ""


class Init:
    """One run of vector_boot, as PID 1 of a namespace of its own or as an ordinary process."""

    def __init__(self, *arguments: str, as_process: bool = False, program: Path = VECTOR_BOOT,
                 descriptor_3: int | None = None, **options) -> None:
        namespace = [] if as_process else [*NAMESPACE]
        if descriptor_3 is not None:  # of ours, becomes 3 there
            namespace += ["bash", "-c", f'exec 3<&{descriptor_3}; exec "$@"', "bash"]
        self.outer = subprocess.Popen(
            [*namespace, str(program), *arguments],
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.program = str(program)
        self._pid = self.outer.pid if as_process else None

    @property
    def pid(self) -> int:
        """Its pid out here."""
        if self._pid is None:
            def forked() -> int | None:
                for child in children_of(self.outer.pid):
                    if executable_of(child) == self.program:
                        return child
                return None
            self._pid = eventually(forked, "vector_boot as a child of unshare")
        return self._pid

    def children(self) -> list[int]:
        return children_of(self.pid)

    def runtime(self) -> int:
        return eventually(lambda: runtime_of(self.pid), "vector_boot-runtime as a child of vector_boot")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def finish(self) -> tuple[int, str, str]:
        out, err = self.outer.communicate(timeout=DEADLINE)
        return self.outer.returncode, out, err

    def kill(self) -> None:
        if self.outer.poll() is None:
            self.outer.kill()
            self.outer.communicate()


@pytest.fixture
def tmp_path():
    """For every user, which pytest's own folder is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


@pytest.fixture
def start():
    runs: list[Init] = []

    def start_one(*arguments: str, **options) -> Init:
        runs.append(Init(*arguments, **options))
        return runs[-1]

    yield start_one
    for run in runs:
        run.kill()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def serving(start, port):
    """vector_boot with the tiny model, once it is ready."""
    init = start("--model", str(TINY_MODEL), "--listen", f"{LOOPBACK}:{port}", "--config", "/dev/null")
    init.port = port
    eventually(lambda: status_of(port) == 200, "a ready runtime")
    return init


class Program:
    """A program in a folder of its own, and the configuration that hands over to it. What it says is in `lines()`."""

    def __init__(self, start, folder, port):
        self._start, self.folder, self.port = start, folder, port
        self.said = folder / "said"

    def write(self, source: str, name: str = "main.py"):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        prelude = f"def say(*words):\n    with open({str(self.said)!r}, 'a') as file: print(*words, file=file)\n\n"
        path.write_text(prelude + textwrap.dedent(source))
        return path

    def boot(self, app, *, model=TINY_MODEL, device=None, **settings):
        sections = {"engine": {"cache": ""}, "handoff": {"mode": "python", "app": str(app)}}
        for name, value in settings.items():
            section, _, key = name.partition("__")
            sections.setdefault(section, {})[key] = value
        text = "".join(
            f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
            for section, keys in sections.items())
        if device:
            text += "[[device]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in device.items())
        configuration = self.folder / "config.toml"
        configuration.write_text(text)
        return self._start("--config", str(configuration), "--model", str(model), "--listen", f"{LOOPBACK}:{self.port}")

    def lines(self) -> list[str]:
        return self.said.read_text().splitlines() if self.said.exists() else []

    def wait_for(self, line: str) -> None:
        eventually(lambda: line in self.lines(), f"{line!r} from the program")


@pytest.fixture
def program(start, tmp_path, port):
    return Program(start, tmp_path, port)


def status_of(port: int) -> int:
    """The status of GET /health; 0 while nobody listens."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=DEADLINE) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            answer = client.recv(64)
    except OSError:
        return 0
    found = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(found[1]) if found else 0


def vbctl(init: Init, *words: str) -> str:
    """What it says in the namespaces of `init`."""
    return subprocess.run(["nsenter", "--mount", "--pid", "--target", str(init.pid), VECTOR_BOOT.with_name("vbctl"), *words],
                          capture_output=True, text=True, check=True).stdout


def private_memory(process: int) -> int:
    """In kB, whatever it is backed by."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M))


def signals_in(process: int, line: str) -> set[int]:
    """The set of signal numbers in a SigXXX line of /proc/PID/status."""
    mask = int(re.search(rf"^{line}:\s*([0-9a-f]+)", Path(f"/proc/{process}/status").read_text(), re.M)[1], 16)
    return {number for number in range(1, signal.NSIG) if mask >> (number - 1) & 1}
