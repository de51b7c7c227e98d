"""vector_boot with its runtime: readiness, restarts, ends, and what it costs to have it around."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from conftest import TINY_MODEL, VECTOR_BOOT, children_of, eventually, private_memory, signals_in, status_of


def test_ends_in_order_with_the_runtimes_status(serving):
    serving.signal(signal.SIGTERM)
    status, _, log = serving.finish()
    assert status == 0
    assert "ending in order" in log
    assert "runtime ended with status 0" in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGPWR])
def test_other_ways_to_ask_for_the_end(serving, number):
    serving.signal(number)
    assert serving.finish()[0] == 0


def test_takes_connections_before_the_model_is_there(start, port):
    init = start("--model", str(TINY_MODEL), "--listen", f"127.0.0.1:{port}")
    eventually(lambda: init.children(), "the first child")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        body = b'{"messages":[{"role":"user","content":"Hello"}],"max_tokens":4}'
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer


def test_serves_on_a_socket_that_its_own_supervisor_bound(start):
    """Connected before vector_boot is even executed: nobody can be refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        port = listening.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), timeout=30)
        client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        start("--model", str(TINY_MODEL), pass_fds=[listening.fileno()], descriptor_3=listening.fileno(),
              env={**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1"})
    with client:
        assert client.recv(64).startswith(b"HTTP/1.1 200")


def test_a_passed_socket_that_is_none_is_named(start):
    read, write = os.pipe()
    status, _, log = start("--model", str(TINY_MODEL), pass_fds=[read], descriptor_3=read,
                           env={**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1"}).finish()
    os.close(read)
    os.close(write)
    assert status == 1
    assert "use a passed socket file descriptor 3" in log


def test_sockets_for_a_command_name_its_own_process(start):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        _, out, _ = start("--", "sh", "-c", "echo $$ $LISTEN_PID $LISTEN_FDS; test -S /dev/fd/3 && echo there",
                          pass_fds=[listening.fileno()], descriptor_3=listening.fileno(),
                          env={**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1"}).finish()
    process, meant, count = out.split("\n")[0].split()
    assert process == meant != "1" and count == "1"
    assert "there" in out


def test_restarts_a_killed_runtime_without_refusing_anyone(serving):
    refused, stop = [], threading.Event()

    def keep_connecting():
        while not stop.is_set():
            try:
                socket.create_connection(("127.0.0.1", serving.port), timeout=30).close()
            except ConnectionRefusedError as refusal:
                refused.append(refusal)

    client = threading.Thread(target=keep_connecting)
    client.start()
    try:
        for _ in range(3):
            killed = serving.runtime()
            os.kill(killed, signal.SIGKILL)
            eventually(lambda: serving.runtime() != killed, "a new runtime")
            eventually(lambda: status_of(serving.port) == 200, "readiness again")
    finally:
        stop.set()
        client.join()
    assert refused == []
    serving.signal(signal.SIGTERM)
    status, _, log = serving.finish()
    assert status == 0
    assert log.count("runtime was killed by SIGKILL") == 3


def test_kills_a_runtime_that_does_not_end(start, port, tmp_path):
    """The runtime is found beside the program, so a copy of the program can have a stubborn one."""
    program = tmp_path / "vector_boot"
    shutil.copy(VECTOR_BOOT, program)
    runtime = tmp_path / "vector_boot-runtime"
    runtime.write_text("#!/bin/sh\ntrap '' TERM\necho deaf >&2\nwhile :; do sleep 1; done\n")
    runtime.chmod(0o755)
    config = tmp_path / "config.toml"
    config.write_text(f'[listen]\nhttp = "127.0.0.1:{port}"\n[shutdown]\ntimeout = 300\n[http]\ndrain = 0\n')
    init = start("--config", str(config), program=program)
    assert init.outer.stderr.readline().endswith("] runtime: deaf\n")
    init.signal(signal.SIGTERM)
    status, _, log = init.finish()
    assert status == 128 + signal.SIGKILL
    assert "did not end in time and is killed" in log


@pytest.mark.parametrize("content", [None, b"", b"GGUF", b"not a model at all" * 10])
def test_a_model_that_cannot_be_used_is_named_and_ends_with_2(start, port, tmp_path, content):
    model = tmp_path / "model.gguf"
    if content is not None:
        model.write_bytes(content)
    status, _, log = start("--model", str(model), "--listen", f"127.0.0.1:{port}").finish()
    assert status == 2
    lines = [line for line in log.splitlines() if str(model) in line]
    assert len(lines) == 1, log


def test_a_taken_address_is_named_and_ends_with_1(start):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        status, _, log = start("--model", str(TINY_MODEL), "--listen", f"127.0.0.1:{port}").finish()
    assert status == 1
    assert f"bind 127.0.0.1:{port}: Address already in use (EADDRINUSE)" in log


@pytest.mark.parametrize(
    ("text", "said"),
    [("[engine]\ncontxt = 5\n", "line 2: `contxt = 5`: unknown key contxt; [engine] has model, context, cache, threads, parallel, kept"),
     ("[engine]\ncontext = 'x'\n", "line 2: `context = 'x'`: expected context in [engine] to be a whole number"),
     ("[listen]\nhttp = 80\n", "line 2: `http = 80`: expected http in [listen] to be an address")])
def test_a_bad_configuration_is_shown_and_ends_with_1(start, tmp_path, text, said):
    config = tmp_path / "config.toml"
    config.write_text(text)
    status, _, log = start("--config", str(config)).finish()
    assert status == 1
    assert f"{config}: {said}" in log


def test_a_missing_configuration_is_an_error_only_if_it_was_asked_for(start):
    status, _, log = start("--config", "/nonexistent.toml", "--", "true").finish()
    assert status == 1
    assert "/nonexistent.toml: No such file or directory (ENOENT)" in log
    assert start("--", "true").finish()[0] == 0


def test_the_runtime_has_a_session_of_its_own(serving):
    runtime = serving.runtime()
    assert os.getsid(runtime) == runtime
    assert signals_in(serving.pid, "SigBlk") >= {signal.SIGTERM, signal.SIGCHLD, signal.SIGINT}


def test_private_memory_is_at_most_one_mebibyte(serving):
    assert 0 < private_memory(serving.pid) <= 1024


def test_does_not_wake_up_while_idle(serving):
    """No context switch in ten seconds, once the last of the boot has been dealt with."""
    eventually(lambda: len(children_of(serving.pid)) == 1, "only the runtime left")

    def switches() -> list[int]:
        text = Path(f"/proc/{serving.pid}/status").read_text()
        return [int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", text)]

    samples = [switches()]
    for _ in range(3):  # the runtime's READY may still be on its way
        time.sleep(10)
        samples.append(switches())
        if samples[-1] == samples[-2]:
            return
    pytest.fail(f"woke up in each of three spans of ten seconds: {samples}")


def test_vbctl_shows_the_boot(serving):
    def vbctl(*words: str) -> str:
        return subprocess.run(["nsenter", "--mount", "--pid", "--target", str(serving.pid),
                               str(VECTOR_BOOT.with_name("vbctl")), *words],
                              capture_output=True, text=True, check=True).stdout

    for name in ("init: bind sockets", "init: spawn runtime", "engine: weights", "engine: vocabulary", "ready"):
        assert name in vbctl("timeline")
    events = json.loads(vbctl("timeline", "--json"))["traceEvents"]
    assert len({event["pid"] for event in events}) == 2
    assert vbctl("plot").startswith("<svg")


def test_vbctl_says_what_it_expected():
    for words in ([], ["nonsense"], ["timeline", "--nonsense"]):
        done = subprocess.run([VECTOR_BOOT.with_name("vbctl"), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("vbctl: ")


def test_vbctl_refuses_what_is_not_a_timeline():
    done = subprocess.run([VECTOR_BOOT.with_name("vbctl"), "timeline", "--timeline", str(TINY_MODEL)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "vbctl: attach boot timeline: the file has another size than a timeline\n"
