"""Clients that come early, runtimes that die, and the end in order."""

import http.client
import json
import os
import signal
import socket
import threading
import time

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
