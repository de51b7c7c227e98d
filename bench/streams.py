"""Conversations answered side by side, by vector_boot in a process of its own and by llama-server over HTTP."""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vector_boot_tools.client import Client
from vector_boot_tools.failure import Failure
from vector_boot_tools.places import CHECKOUT

LOOPBACK = "127.0.0.1"
CONTEXT = 2048
PROGRAM = CHECKOUT / "build" / "release" / "bin" / "engine_streams"

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Answer:
    first_ms: float
    total_ms: float
    tokens: int
    cached: int


@dataclass(frozen=True)
class Measured:
    seconds: float
    resident_kb: int
    requests: list[Answer]


def vector_boot(model: Path, parallel: int, tokens: int, conversations: list[Messages]) -> Measured:
    command = [str(PROGRAM), str(model), str(parallel), str(tokens)]
    lines = "".join(json.dumps(messages) + "\n" for messages in conversations)
    ran = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        raise Failure(f"engine_streams ended with {ran.returncode}; its message is above")
    said = json.loads(ran.stdout)
    return Measured(said["seconds"], said["resident_kb"], [Answer(**one) for one in said["requests"]])


@contextmanager
def serving(model: Path, parallel: int) -> Iterator[tuple[int, int]]:
    """llama-server; its port and its process, once it has answered something."""
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    command = ["llama-server", "-m", str(model), "--host", LOOPBACK, "--port", str(port), "--no-ui"]
    command += ["-np", str(parallel), "-c", str(CONTEXT * parallel)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            client = Client(LOOPBACK, port)
            client.answer("?", max_tokens=2)
            yield port, process.pid
        finally:
            process.terminate()


def ask(port: int, messages: Messages, tokens: int) -> Answer:
    """One streamed answer, as any client hears it."""
    body = {"messages": messages, "max_tokens": tokens, "temperature": 0, "stream": True}
    body["stream_options"] = {"include_usage": True}
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=300)
    began = time.monotonic()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise Failure(f"{response.status} from the server: {response.read()!r}")
    first = 0.0
    usage = None
    for line in response:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        usage = event.get("usage") or usage
        if not first and event["choices"] and event["choices"][0]["delta"].get("content"):
            first = time.monotonic() - began
    total = time.monotonic() - began
    connection.close()
    if usage is None or not first:
        raise Failure("the server's stream has no text or no usage")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    return Answer(first * 1000, total * 1000, usage["completion_tokens"], cached)


def ask_all(port: int, parallel: int, tokens: int, conversations: list[Messages]) -> tuple[float, list[Answer]]:
    answers: list[Answer | Exception] = [Failure("not asked")] * len(conversations)
    numbers = iter(range(len(conversations)))

    def work() -> None:
        for number in numbers:
            try:
                answers[number] = ask(port, conversations[number], tokens)
            except (OSError, Failure) as failure:
                answers[number] = failure

    clients = [threading.Thread(target=work) for _ in range(parallel)]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.monotonic() - began
    heard = []
    for answer in answers:
        if isinstance(answer, Exception):
            raise Failure(f"a request failed: {answer}")
        heard.append(answer)
    return seconds, heard


def llama_server(model: Path, parallel: int, tokens: int, conversations: list[Messages]) -> Measured:
    with serving(model, parallel) as (port, process):
        seconds, answers = ask_all(port, parallel, tokens, conversations)
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        resident = re.search(r"VmRSS:\s+(\d+)", status)
        return Measured(seconds, int(resident[1]) if resident else 0, answers)
