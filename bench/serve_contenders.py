"""What serve compares: servers of the same model with the same threads and the same places for answers."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vector_boot_tools.client import Client
from vector_boot_tools.places import INNER_CONFIG, INNER_MODEL
from vector_boot_tools.sandbox import Root, Sandbox
from vector_boot_tools.system import VECTOR_BOOT, configuration
from vector_boot_tools.testing import LOOPBACK, children_of, free_port

CONTEXT = 2048  # tokens of one answer with its prompt
SLOTS = 32  # answers at a time, on either side
THREADS = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Running:
    """A server that has answered something."""

    port: int
    init: int

    def processes(self) -> list[int]:
        found, left = [], [self.init]
        while left:
            process = left.pop()
            found.append(process)
            left += children_of(process)
        return found

    def memory_kb(self) -> int:
        """What of the machine's memory is theirs: pages that several share count in parts (PSS)."""
        texts = [Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii") for one in self.processes()]
        return sum(int(match[1]) for text in texts if (match := re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)))

    def processor_seconds(self) -> float:
        ticks = 0
        for one in self.processes():
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def idle_milliseconds(self, seconds: float) -> float:
        """Of a processor, in each second in which nobody asks anything."""
        before, began = self.processor_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.processor_seconds() - before) * 1000 / (time.monotonic() - began)


@dataclass(frozen=True)
class Contender:
    name: str
    prepare: Callable[[Path, int, int], Sandbox]  # model, port, log

    @contextmanager
    def running(self, model: Path, log: int) -> Iterator[Running]:
        port = free_port()
        with self.prepare(model, port, log) as sandbox:
            sandbox.release()
            Client(LOOPBACK, port).request("GET", "/health", alive=sandbox.running).read()
            Client(LOOPBACK, port).answer("?", max_tokens=2)
            yield Running(port, sandbox.pid)


def vector_boot(model: Path, port: int, log: int) -> Sandbox:
    sizes = f"[engine]\ncontext = {CONTEXT}\nparallel = {SLOTS}\nthreads = {THREADS}\n"
    settings = configuration(LOOPBACK, port).replace("[engine]\n", sizes)
    return Sandbox(Root(model, files={INNER_CONFIG: settings}), [VECTOR_BOOT], output=log)


def llama_server(*flags: str) -> Callable[[Path, int, int], Sandbox]:
    def prepare(model: Path, port: int, log: int) -> Sandbox:
        command = ["/usr/bin/llama-server", "-m", INNER_MODEL, "--host", LOOPBACK, "--port", str(port), "--jinja"]
        command += ["-t", str(THREADS), "-np", str(SLOTS), "-c", str(SLOTS * CONTEXT), *flags]
        return Sandbox(Root(model), command, output=log)

    return prepare


OURS = "vector_boot"
TUNED_FLAGS = ("-fit", "off", "--no-warmup", "--no-ui", "--threads-http", "80", "--cache-reuse", "256")
CONTENDERS = (
    Contender(OURS, vector_boot),
    Contender("llama-server", llama_server()),
    Contender("llama-server, tuned", llama_server(*TUNED_FLAGS)),
)
