"""Clients that come early, runtimes that die, and the end in order."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from vector_boot_tools.client import chat
from vector_boot_tools.failure import Failure
from vector_boot_tools.testing import DEADLINE, LOOPBACK, Started, eventually, runtime_of


def test_a_request_that_comes_while_the_model_loads_is_answered(started: Started) -> None:
    client = started.client()
    text = "".join(client.stream("Why is the sky blue?", max_tokens=8))
    assert text
    assert client.attempts.loading == 0, "it was sent away with 503"
    assert "ready to serve" in started.log()


def connect_until(stop: threading.Event, port: int, refused: list[OSError], made: list[int]) -> None:
    while not stop.is_set():
        try:
            with socket.create_connection((LOOPBACK, port), timeout=DEADLINE):
                made.append(1)
        except OSError as error:
            refused.append(error)
        stop.wait(0.002)


def test_killing_the_runtime_ends_the_stream_and_refuses_nobody(started: Started) -> None:
    client = started.client()
    pieces = client.stream("Count from one to one hundred.", max_tokens=2000)
    next(pieces)
    first = eventually(lambda: runtime_of(started.sandbox.pid), "the runtime")

    stop, refused, made = threading.Event(), list[OSError](), list[int]()
    prober = threading.Thread(target=connect_until, args=(stop, started.port, refused, made))
    prober.start()
    try:
        os.kill(first, signal.SIGKILL)
        with pytest.raises((Failure, OSError, http.client.HTTPException)):
            for _ in pieces:
                pass
        answer = started.client().answer("Why is the sky blue?", max_tokens=16)
    finally:
        stop.set()
        prober.join()
    assert answer.startswith("The sky is blue")
    assert runtime_of(started.sandbox.pid) not in (None, first)
    assert len(made) > 10 and not refused


def test_a_client_that_leaves_does_not_block_the_next(started: Started) -> None:
    pieces = started.client().stream("Write a long story about a dragon and a princess.", max_tokens=1500)
    next(pieces)
    began = time.monotonic()
    for _ in range(20):
        next(pieces)
    token = (time.monotonic() - began) / 20
    pieces.close()
    began = time.monotonic()
    assert started.client().answer("Why is the sky blue?", max_tokens=8)
    assert time.monotonic() - began < 300 * token, "it waited for an answer that nobody wants"


def test_two_clients_at_once(started: Started) -> None:
    answers = dict[int, str]()

    def ask(number: int) -> None:
        answers[number] = started.client().answer("Why is the sky blue?", max_tokens=24)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[0] == answers[1] and answers[0].startswith("The sky is blue")


def first_answer(model: Path, cache: Path) -> tuple[str, int, str]:
    """Of a start of its own: the text, how many tokens of the prompt came from the cache, the log."""
    with Started.vector_boot(model, cache=cache) as one:
        reply = one.client().json("POST", "/v1/chat/completions", chat("Why is the sky blue?", max_tokens=24))
        assert isinstance(reply, dict)
        one.sandbox.signal(signal.SIGTERM)
        assert one.sandbox.wait(15) == 0
        usage = reply["usage"]["prompt_tokens_details"]
        return reply["choices"][0]["message"]["content"], usage["cached_tokens"], one.log()


def test_the_next_start_knows_the_beginning_of_the_prompt(model: Path, tmp_path: Path) -> None:
    text, cached, _ = first_answer(model, tmp_path)
    assert cached == 0
    (file,) = tmp_path.iterdir()
    text_after, cached, log = first_answer(model, tmp_path)
    assert (text_after, file.name in log) == (text, False)
    assert cached > 10

    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    text_after, cached, log = first_answer(model, tmp_path)
    assert (text_after, cached) == (text, 0)
    assert f"{file.name}: its checksum is wrong; it will be made again" in log

    os.chmod(file, 0o666)
    text_after, cached, log = first_answer(model, tmp_path)
    assert (text_after, cached) == (text, 0)
    assert "that no other may write" in log


def test_a_saved_beginning_is_not_used_for_another_model(model: Path, tmp_path: Path) -> None:
    first_answer(model, tmp_path / "cache")
    other = tmp_path / "other.gguf"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1  # the last tensor's last byte, which is in none of the pages that are looked at
    other.write_bytes(content)
    _, cached, log = first_answer(other, tmp_path / "cache")
    assert cached == 0
    assert "made for another model file, library or CPU" in log


def test_sigterm_ends_in_order_while_a_client_streams(started: Started) -> None:
    pieces = started.client().stream("Tell me a long story.", max_tokens=2000)
    next(pieces)
    started.sandbox.signal(signal.SIGTERM)
    assert started.sandbox.wait(15) == 0
    assert "ending in order" in started.log()


def test_a_request_in_two_halves(started: Started) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, started.port, timeout=DEADLINE)
    started.client().answer("Hi", max_tokens=1)
    body = json.dumps(chat("Why is the sky blue?", max_tokens=4)).encode()
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    connection.send(body[:20])
    time.sleep(0.05)
    connection.send(body[20:])
    assert connection.getresponse().status == 200
