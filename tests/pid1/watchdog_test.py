"""A runtime whose event loop lives while its engine does not: found by proof, killed, started again."""

import ctypes
import json
import os
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from vector_boot_tools.client import Client, chat

from conftest import BUILD, DEADLINE, LOOPBACK, TINY_MODEL, eventually, runtime_of, status_of

EMBEDDING_MODEL = BUILD / "models" / "kinds" / "architecture-bert.gguf"
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
ALL_CHILDREN = 0x40000000  # __WALL: threads as well

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, thread: int) -> None:
    if libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"thread {thread}")


class StoppedEngine:
    """All threads of a runtime but the first, which is the event loop's, held by the debugging interface of the kernel."""

    def __init__(self, runtime: int) -> None:
        self.threads = [int(name) for name in os.listdir(f"/proc/{runtime}/task") if int(name) != runtime]
        assert self.threads, "there is no engine"
        for thread in self.threads:
            ptrace(PTRACE_SEIZE, thread)
            ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, ALL_CHILDREN)
            assert "tracing stop" in Path(f"/proc/{runtime}/task/{thread}/status").read_text()

    def is_gone(self) -> bool:
        """Takes the threads that have ended from the kernel, as whoever holds them must."""
        for thread in list(self.threads):
            try:
                if os.waitpid(thread, os.WNOHANG | ALL_CHILDREN)[0] == 0:
                    return False
            except ChildProcessError:
                pass
            self.threads.remove(thread)
        return True


def get(port: int, path: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=DEADLINE) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def watched(request, start, port, tmp_path):
    model = getattr(request, "param", TINY_MODEL)
    config = tmp_path / "config.toml"
    config.write_text("[watchdog]\nruntime = 2000\n")
    init = start("--model", str(model), "--listen", f"{LOOPBACK}:{port}", "--config", str(config))
    init.port = port
    eventually(lambda: status_of(port) == 200, "a ready runtime")
    return init


def test_a_wedged_engine_is_restarted_and_the_client_that_waits_is_answered(watched):
    first = watched.runtime()
    engine = StoppedEngine(first)
    assert get(watched.port, "/live") == (200, {"status": "ok"}), "the event loop was to go on"

    answers = []
    client = Client(LOOPBACK, watched.port)
    waiting = threading.Thread(target=lambda: answers.append(
        client.json("POST", "/v1/chat/completions", chat("Hello", max_tokens=3))))
    waiting.start()
    eventually(engine.is_gone, "the end of the runtime whose engine is stuck")
    second = eventually(lambda: runtime_of(watched.pid) not in (None, first) and runtime_of(watched.pid), "another")
    waiting.join(DEADLINE)
    assert answers and answers[0]["usage"]["completion_tokens"] > 0
    assert runtime_of(watched.pid) == second
    eventually(lambda: status_of(watched.port) == 200, "health")
    watched.signal(15)
    _, _, log = watched.finish()
    assert "no sign of life" in log


@pytest.mark.parametrize("watched", [TINY_MODEL, EMBEDDING_MODEL], ids=["generates", "embeds"], indirect=True)
def test_an_idle_engine_that_works_is_left_alone(watched):
    """It is asked for a token in time, each time; that takes longer than the watchdog waits."""
    first = watched.runtime()
    threading.Event().wait(5)
    assert watched.runtime() == first
    assert status_of(watched.port) == 200


def test_a_stuck_engine_is_told_where_nobody_watches(serving):
    first = serving.runtime()
    engine = StoppedEngine(first)
    # What was proven just before counts for a second.
    eventually(lambda: get(serving.port, "/health")[0] == 503, "the truth")
    status, said = get(serving.port, "/health")
    assert (status, said["status"]) == (503, "stuck")
    assert said["seconds"] >= 10
    assert get(serving.port, "/status")[1]["state"] == "stuck"
    assert serving.runtime() == first
    os.kill(first, 9)
    eventually(engine.is_gone, "its end")


def wake_ups(process: int) -> int:
    text = "".join(file.read_text() for file in Path(f"/proc/{process}/task").glob("*/status"))
    return sum(int(count) for count in re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M))


def test_nothing_wakes_up_where_nobody_watches(serving):
    runtime = serving.runtime()

    def is_quiet() -> bool:
        before = wake_ups(runtime)
        threading.Event().wait(2)
        return wake_ups(runtime) == before

    eventually(is_quiet, "two seconds without a wake-up")
