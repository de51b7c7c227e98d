"""The clients of serve: all in one thread and one loop, so that they leave the processors to the servers."""

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field

from serve_contenders import Running
from vector_boot_tools.async_client import Connection
from vector_boot_tools.failure import Failure
from vector_boot_tools.testing import LOOPBACK

LONGEST_SECONDS = 600.0
IDLE_ANSWER_SECONDS = 15.0  # a server that has not answered by then has no place for the client
# 500 tokens, give or take a few.
SYSTEM_PROMPT = "You tell stories to children. Each has a beginning, a middle and an end, and nobody in it comes to harm. " * 21

Messages = list[dict[str, str]]


@dataclass
class Heard:
    """One streamed answer."""

    first_ms: float = 0
    gaps_ms: list[float] = field(default_factory=list)  # between one piece and the next
    tokens: int = 0


@dataclass
class Measured:
    seconds: float
    answers: list[Heard]

    @property
    def rate(self) -> float:
        return sum(one.tokens for one in self.answers) / self.seconds


def story(subject: str, system: str = "You tell long stories.") -> Messages:
    return [{"role": "system", "content": system}, {"role": "user", "content": f"Tell a long story about {subject}."}]


async def ask(port: int, messages: Messages, tokens: int, *, leave: bool = False) -> Heard:
    """leave: after the first token, without a goodbye."""
    body = {"messages": messages, "max_tokens": tokens, "temperature": 0, "stream": True}
    began = time.monotonic()
    heard = Heard()
    async with await Connection.open(LOOPBACK, port) as connection:
        await connection.send("POST", "/v1/chat/completions", body | {"stream_options": {"include_usage": True}})
        head = await connection.read_head()
        if head.status != 200:
            raise Failure(f"{head.status} from the server: {(await connection.body())!r}")
        before, usage, data = began, None, b""
        async for data in connection.events():
            now = time.monotonic()
            if data == b"[DONE]":
                break
            event = json.loads(data)
            usage = event.get("usage") or usage
            if event.get("choices") and event["choices"][0]["delta"].get("content"):
                if heard.first_ms:
                    heard.gaps_ms.append((now - before) * 1000)
                else:
                    heard.first_ms = (now - began) * 1000
                before = now
                if leave:
                    connection.reset()
                    return heard
        if usage is None or not heard.first_ms:
            raise Failure(f"the server's stream has no text or no usage; its last event was {data!r}")
        heard.tokens = usage["completion_tokens"]
    return heard


def streams(running: Running, clients: int, requests: int, tokens: int) -> Measured:
    """So many clients, each of which asks so many times, one after the other."""

    async def client(number: int) -> list[Heard]:
        return [await ask(running.port, story(f"{number + 2} sailors, part {part}"), tokens) for part in range(requests)]

    async def everyone() -> list[Heard]:
        answers = await asyncio.gather(*(client(number) for number in range(clients)))
        return [answer for of_one in answers for answer in of_one]

    return _timed(everyone())


def shared_prompt(running: Running, clients: int, tokens: int) -> Measured:
    """All at once, with the same system prompt of 500 tokens, which nobody has sent before."""
    async def everyone() -> list[Heard]:
        conversations = [story(f"{number + 2} bears", SYSTEM_PROMPT) for number in range(clients)]
        return list(await asyncio.gather(*(ask(running.port, one, tokens) for one in conversations)))

    return _timed(everyone())


def storm(running: Running, clients: int) -> tuple[float, float]:
    """Clients that leave after the first token: milliseconds until all had one and were gone, and then until a normal
    request had its answer."""

    async def everyone() -> float:
        conversations = [story(f"{number + 2} dragons") for number in range(clients)]
        await asyncio.gather(*(ask(running.port, one, 512, leave=True) for one in conversations))
        began = time.monotonic()
        await ask(running.port, story("a cat"), 8)
        return (time.monotonic() - began) * 1000

    began = time.monotonic()
    after = asyncio.run(asyncio.wait_for(everyone(), LONGEST_SECONDS))
    return (time.monotonic() - began) * 1000 - after, after


@dataclass
class Idle:
    connected: int  # of the connections that were wanted, those that got an answer before they fell idle
    memory_kb: int  # more than before
    answer_ms: float | None  # of a request beside them; None: there was none


def idle_connections(running: Running, wanted: int) -> Idle:
    """Connections that had one small answer and are kept: what they cost, and whether another client is heard."""

    async def connect() -> Connection | None:
        connection = await Connection.open(LOOPBACK, running.port)
        await connection.send("GET", "/v1/models")
        try:
            await asyncio.wait_for(connection.read_head(), IDLE_ANSWER_SECONDS / 5)
            await connection.body()
        except (TimeoutError, ConnectionError):
            connection.close()
            return None
        return connection

    async def everyone() -> Idle:
        before = running.memory_kb()
        held: list[Connection] = []
        for _ in range(wanted):
            connection = await connect()
            if connection is None:
                break
            held.append(connection)
        cost = running.memory_kb() - before
        began = time.monotonic()
        try:
            await asyncio.wait_for(ask(running.port, story("a cat"), 8), IDLE_ANSWER_SECONDS)
            took = (time.monotonic() - began) * 1000
        except (TimeoutError, ConnectionError):
            took = None
        for connection in held:
            connection.close()
        return Idle(len(held), cost, took)

    return asyncio.run(everyone())


def _timed(work: Coroutine[None, None, list[Heard]]) -> Measured:
    began = time.monotonic()
    answers = asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))
    return Measured(time.monotonic() - began, answers)
