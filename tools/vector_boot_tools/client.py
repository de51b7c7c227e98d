"""A client of the OpenAI API that is there before the server is: it connects at once and tries again.

One connection per attempt, no library between it and the socket: what it counts (refused connections, time of
the first content byte) is what any client would have met.
"""

import errno
import http.client
import json
import socket
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from .failure import Failure

QUESTION = "Why is the sky blue?"


@dataclass
class Attempts:
    """How often the client was turned away before it was let in."""

    refused_at: list[int] = field(default_factory=list)  # refused or reset: when, in nanoseconds of CLOCK_MONOTONIC
    unanswered: int = 0  # nobody answered the connection request in time
    loading: int = 0  # 503: the server was there, the model was not

    @property
    def refused(self) -> int:
        return len(self.refused_at)


class Client:
    def __init__(
        self,
        host: str,
        port: int,
        *,
        retry_seconds: float = 0.001,
        connect_seconds: float = 1.0,
        answer_seconds: float = 120.0,
    ) -> None:
        self.host = host
        self.port = port
        self.attempts = Attempts()
        self._retry_seconds = retry_seconds
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds

    def connect(self, deadline: float, alive: Callable[[], bool] = lambda: True) -> socket.socket:
        """Connects, trying again until time.monotonic() reaches the deadline or the server is known to be gone."""
        while alive():
            try:
                connected = socket.create_connection((self.host, self.port), timeout=self._connect_seconds)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.settimeout(self._answer_seconds)
                return connected
            except TimeoutError:
                self.attempts.unanswered += 1
            except ConnectionError:
                self.attempts.refused_at.append(time.monotonic_ns())
                time.sleep(self._retry_seconds)
            except OSError as error:
                if error.errno not in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN):
                    raise
                self.attempts.unanswered += 1
                time.sleep(self._retry_seconds)
            if time.monotonic() >= deadline:
                raise Failure(f"nobody accepted a connection on {self.host}:{self.port} before the deadline")
        raise Failure(f"the server on {self.host}:{self.port} ended before it accepted a connection")

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        seconds: float = 60.0,
        alive: Callable[[], bool] = lambda: True,
    ) -> http.client.HTTPResponse:
        """Sends one request; waits for the server to accept it, and tries again while it answers 503."""
        deadline = time.monotonic() + seconds
        content = None if body is None else json.dumps(body).encode()
        while True:
            connection = http.client.HTTPConnection(self.host, self.port)
            connection.sock = self.connect(deadline, alive)
            headers = {"Connection": "close"}
            if content is not None:
                headers["Content-Type"] = "application/json"
            try:
                connection.request(method, path, content, headers)
                response = connection.getresponse()
            except (ConnectionError, http.client.BadStatusLine):
                connection.close()
                self.attempts.refused_at.append(time.monotonic_ns())
            else:
                if response.status != 503:
                    return response
                response.read()
                connection.close()
                self.attempts.loading += 1
            if time.monotonic() >= deadline:
                raise Failure(f"{self.host}:{self.port} did not accept {method} {path} within {seconds:.0f} s")
            time.sleep(self._retry_seconds)

    def json(self, method: str, path: str, body: object = None) -> object:
        response = self.request(method, path, body)
        content = response.read()
        if response.status != 200:
            raise Failure(f"{method} {path}: {response.status} {content.decode(errors='replace').strip()}")
        return json.loads(content)

    def text(self, path: str) -> str:
        response = self.request("GET", path)
        content = response.read().decode()
        if response.status != 200:
            raise Failure(f"GET {path}: {response.status} {content.strip()}")
        return content

    def answer(self, question: str, **options: object) -> str:
        """A chat completion in one piece."""
        reply = self.json("POST", "/v1/chat/completions", chat(question, **options))
        assert isinstance(reply, dict)
        text = reply["choices"][0]["message"]["content"]
        assert isinstance(text, str)
        return text

    def stream(
        self, question: str, *, seconds: float = 60.0, alive: Callable[[], bool] = lambda: True, **options: object
    ) -> Generator[str]:
        """The pieces of a streamed chat completion, as they come."""
        body = chat(question, stream=True, **options)
        response = self.request("POST", "/v1/chat/completions", body, seconds=seconds, alive=alive)
        with response:
            if response.status != 200:
                content = response.read().decode(errors="replace").strip()
                raise Failure(f"POST /v1/chat/completions: {response.status} {content}")
            yield from content_of(response)


def chat(question: str, **options: object) -> dict[str, object]:
    """Greedy decoding, unless the options say otherwise."""
    return {"messages": [{"role": "user", "content": question}], "temperature": 0, **options}


def _line_of(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.readline()
    except http.client.HTTPException as error:
        raise Failure(f"the stream was cut off: {error!r}") from error


def content_of(response: http.client.HTTPResponse) -> Iterator[str]:
    """The content of server-sent events up to [DONE]. A stream that ends before that was cut off."""
    while line := _line_of(response):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            raise Failure(f"the server ended the stream with an error: {json.dumps(event['error'])}")
        piece = event["choices"][0]["delta"].get("content") if event.get("choices") else None
        if piece:
            yield piece
    raise Failure("the stream ended before its end was announced ([DONE])")
