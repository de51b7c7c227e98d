"""The worker under load: many clients of every kind, some of which leave or send garbage; killed; idle; fairness.

VB_LOAD_REQUESTS (400) and VB_IDLE_CONNECTIONS (1000) make it longer by hand; with VB_BUILD_DIR=build/asan and
ASAN_OPTIONS=quarantine_size_mb=8 the same is a search for leaks.
"""

import asyncio
import collections
import json
import os
import random
import re
import resource
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import pytest
from vector_boot_tools.async_client import Connection
from vector_boot_tools.client import chat
from vector_boot_tools.failure import Failure
from vector_boot_tools.places import INNER_CONFIG
from vector_boot_tools.sandbox import Root
from vector_boot_tools.system import VECTOR_BOOT, configuration
from vector_boot_tools.testing import DEADLINE, LOOPBACK, Started, eventually, free_port, runtime_of

REQUESTS = int(os.environ.get("VB_LOAD_REQUESTS", "400"))
IDLE = int(os.environ.get("VB_IDLE_CONNECTIONS", "1000"))
CLIENTS = 32
LEAVING, GARBAGE = 0.10, 0.05
# docs/serving.md and docs/configuration.md: what a correct request may be answered under load.
OVERLOADED = (429, 503)
GONE = (ConnectionError, asyncio.IncompleteReadError)


def run_within[Value](work: Coroutine[None, None, Value], seconds: float) -> Value:
    """Nothing here may hang: what does is a failure of this test."""
    return asyncio.run(asyncio.wait_for(work, seconds))


def status_of(process: int, name: str) -> int:
    """A number of /proc/PID/status: VmRSS in KiB, Threads."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (value,) = re.findall(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(value)


def runtime(started: Started) -> int:
    return eventually(lambda: runtime_of(started.sandbox.pid), "the runtime")


def busy(started: Started) -> dict[str, float]:
    """Requests that are computed and that wait, by the names that vLLM gave these metrics."""
    text = started.client().text("/metrics")
    found = re.findall(r"^vllm:num_requests_(running|waiting)(?:\{.*\})? ([\d.e+]+)$", text, re.MULTILINE)
    assert {name for name, _ in found} == {"running", "waiting"}, f"/metrics lacks vllm:num_requests_*:\n{text}"
    return {name: float(value) for name, value in found}


# --- a mixed load ---------------------------------------------------------------------------------------------

TOPICS = ("the sea", "a cat", "the moon", "bread", "a bridge", "rain")


def question(dice: random.Random) -> dict[str, object]:
    return chat(f"Tell me about {dice.choice(TOPICS)}.", max_tokens=dice.randint(1, 8))


def expect(condition: object, what: str, body: bytes) -> None:
    if not condition:
        raise Failure(f"{what}: {body[:300]!r}")


def check_chat(body: bytes) -> None:
    reply = json.loads(body)
    expect(reply["choices"][0]["finish_reason"] in ("stop", "length"), "no reason for its end", body)
    expect(reply["usage"]["completion_tokens"] >= 1, "no tokens", body)


def check_stream(body: bytes) -> None:
    events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    expect(events and events[-1] == b"[DONE]", "the stream has no end", body[-300:])
    reasons = [choice["finish_reason"] for event in events[:-1] for choice in json.loads(event)["choices"]]
    expect(reasons and reasons[-1] in ("stop", "length"), "no reason for its end", body[-300:])


def check_completion(body: bytes) -> None:
    expect(isinstance(json.loads(body)["choices"][0]["text"], str), "no text", body)


def check_embedding(body: bytes) -> None:
    expect(len(json.loads(body)["data"][0]["embedding"]) > 100, "no embedding", body)


def check_tokens(body: bytes) -> None:
    expect(json.loads(body)["tokens"], "no tokens", body)


def check_models(body: bytes) -> None:
    expect(len(json.loads(body)["data"]) == 1, "no model", body)


def check_metrics(body: bytes) -> None:
    expect(b"\n# TYPE " in body, "no metrics", body)


def check_anything(_: bytes) -> None:
    pass


Check = Callable[[bytes], None]
Asked = tuple[str, str, object, Check]
KINDS: dict[str, Callable[[random.Random], Asked]] = {
    "chat": lambda dice: ("POST", "/v1/chat/completions", question(dice), check_chat),
    "stream": lambda dice: ("POST", "/v1/chat/completions", question(dice) | {"stream": True}, check_stream),
    "completion": lambda dice: (
        "POST", "/v1/completions", {"prompt": f"About {dice.choice(TOPICS)}:", "max_tokens": 4}, check_completion,
    ),
    "embedding": lambda dice: ("POST", "/v1/embeddings", {"input": dice.choice(TOPICS)}, check_embedding),
    "tokenize": lambda dice: ("POST", "/tokenize", {"content": dice.choice(TOPICS)}, check_tokens),
    "models": lambda dice: ("GET", "/v1/models", None, check_models),
    "health": lambda dice: ("GET", "/health", None, check_anything),
    "metrics": lambda dice: ("GET", "/metrics", None, check_metrics),
}
WEIGHTS = (30, 30, 10, 10, 5, 5, 5, 5)

WRONG_BODIES: tuple[object, ...] = (
    {"messages": "hello"}, {"messages": []}, {"messages": [{"role": "user"}]}, [], 5, None,
    {"messages": [{"role": "user", "content": "x"}], "temperature": "hot"},
)
WRONG_BYTES = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),  # TLS
    b"GET\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"messa\xff\xff",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n",
)


class Load:
    """What came of each request, counted; `wrong` has what should not have been."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.outcomes = collections.Counter[str]()
        self.wrong: list[str] = []

    async def garbage(self, dice: random.Random) -> None:
        async with await Connection.open(LOOPBACK, self.port) as connection:
            if dice.random() < 0.5:
                await connection.send("POST", "/v1/chat/completions", dice.choice(WRONG_BODIES))
            else:
                await connection.send_bytes(dice.choice(WRONG_BYTES))
                connection.writer.write_eof()
            try:
                head = await connection.read_head()
            except (*GONE, Failure):  # TLS has no answer in HTTP
                self.outcomes["garbage: closed"] += 1
                return
            self.outcomes[f"garbage: {head.status}"] += 1
            if not 400 <= head.status < 500 and head.status not in (501, 505):
                self.wrong.append(f"garbage was answered {head.status}")

    async def leave(self, dice: random.Random) -> None:
        method, path, body, _ = KINDS[dice.choice(("chat", "stream"))](dice)
        connection = await Connection.open(LOOPBACK, self.port)
        await connection.send(method, path, body)
        await asyncio.sleep(dice.random() * 0.3)  # a random moment, which nothing here waits for
        connection.reset() if dice.random() < 0.5 else connection.close()
        self.outcomes["left"] += 1

    async def ask(self, dice: random.Random) -> None:
        (kind,) = dice.choices(list(KINDS), WEIGHTS)
        method, path, body, check = KINDS[kind](dice)
        async with await Connection.open(LOOPBACK, self.port) as connection:
            await connection.send(method, path, body)
            head = await connection.read_head()
            content = await connection.body()
        if head.status == 200:
            check(content)
        elif head.status in OVERLOADED:
            json.loads(content)
        else:
            raise Failure(f"{head.status} {content[:300]!r}")
        self.outcomes[f"{kind}: {head.status}"] += 1

    async def one(self, number: int) -> None:
        dice = random.Random(number)
        chance = dice.random()
        work = self.leave if chance < LEAVING else self.garbage if chance < LEAVING + GARBAGE else self.ask
        try:
            await asyncio.wait_for(work(dice), DEADLINE)
        except Exception as error:  # each becomes a line of the one assertion at the end
            self.wrong.append(f"request {number} ({work.__name__}): {error!r}")

    async def run(self, numbers: range) -> None:
        left = iter(numbers)

        async def client() -> None:
            for number in left:
                await self.one(number)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))


def test_a_mixed_load_loses_nothing_and_leaks_nothing(started: Started) -> None:
    started.client().answer("Hi", max_tokens=1)
    process = runtime(started)
    load = Load(started.port)
    seconds = DEADLINE + REQUESTS
    run_within(load.run(range(REQUESTS // 2)), seconds)
    middle = status_of(process, "VmRSS")
    run_within(load.run(range(REQUESTS // 2, REQUESTS)), seconds)
    summary = f"{dict(sorted(load.outcomes.items()))}"
    assert not load.wrong, f"{len(load.wrong)} of {REQUESTS} went wrong: {load.wrong[:10]}; the others: {summary}"
    assert sum(load.outcomes.values()) == REQUESTS
    assert sum(count for name, count in load.outcomes.items() if name.endswith(": 200")) > REQUESTS / 2, summary
    eventually(lambda: sum(busy(started).values()) == 0, "an idle worker")
    assert runtime(started) == process, "it was restarted"
    end = status_of(process, "VmRSS")
    assert end < middle * 1.05 + 8192, f"{middle} KiB in the middle, {end} KiB at the end"
    started.sandbox.signal(signal.SIGTERM)
    assert started.sandbox.wait(60) == 0, started.log()[-2000:]
    assert "Sanitizer" not in started.log()


# --- a death under load ---------------------------------------------------------------------------------------


async def stream(port: int, tokens: int, began: Callable[[], None] = lambda: None) -> str:
    """whole, error (said in the stream or before it), cut: how it ended."""
    async with await Connection.open(LOOPBACK, port) as connection:
        await connection.send("POST", "/v1/chat/completions", chat("Count.", max_tokens=tokens, stream=True))
        try:
            if (await connection.read_head()).status != 200:
                return "error"
            async for event in connection.events():
                if event == b"[DONE]":
                    return "whole"
                if b'"error"' in event:
                    return "error"
                began()
        except GONE:
            pass
        return "cut"


def test_a_death_under_load_refuses_nobody_and_hangs_nobody(started: Started) -> None:
    started.client().answer("Hi", max_tokens=1)
    killed = runtime(started)

    async def load() -> tuple[list[str], list[str], int]:
        under_way = asyncio.Event()
        streams = [asyncio.create_task(stream(started.port, 1500, under_way.set)) for _ in range(24)]
        await under_way.wait()
        os.kill(killed, signal.SIGKILL)
        connected = 0
        queued = []
        # Opened while nobody accepts: a refused one raises here.
        for _ in range(32):
            queued.append(asyncio.create_task(stream(started.port, 4)))
            async with await Connection.open(LOOPBACK, started.port):
                connected += 1
        return list(await asyncio.gather(*streams)), list(await asyncio.gather(*queued)), connected

    ends, answers, connected = run_within(load(), 2 * DEADLINE)
    assert connected == 32
    assert answers == ["whole"] * 32, "requests that waited in the backlog"
    assert "whole" not in ends and set(ends) <= {"cut", "error"}
    assert runtime(started) != killed


# --- those who are only there ---------------------------------------------------------------------------------


@pytest.fixture
def many_files():
    """For as many sockets as there are to be; what is started inherits it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * IDLE + 500
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), max(before[1], wanted)))
    except (ValueError, PermissionError):
        pytest.skip(f"more than {before[1]} files are not allowed here")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_idle_connections_cost_no_threads_and_hold_nobody_up(many_files: None, started: Started) -> None:
    started.client().answer("Hi", max_tokens=1)
    process = runtime(started)
    threads = status_of(process, "Threads")
    waiting = min(IDLE // 10, 100)

    async def keep_alive() -> Connection:
        connection = await Connection.open(LOOPBACK, started.port)
        await connection.send("GET", "/live")
        assert (await connection.read_head()).status == 200
        await connection.body()
        return connection

    async def load() -> tuple[str, list[str], int]:
        idle = [await keep_alive() for _ in range(IDLE - waiting)]
        under_way = asyncio.Event()
        answer = asyncio.create_task(stream(started.port, 64, under_way.set))
        await under_way.wait()
        streams = [asyncio.create_task(stream(started.port, 2)) for _ in range(waiting)]
        first = await answer
        many = status_of(process, "Threads")
        ends = list(await asyncio.gather(*streams))
        for connection in (idle[0], idle[-1]):  # they still are connections
            await connection.send("GET", "/live")
            assert (await connection.read_head()).status == 200
        for connection in idle:
            connection.close()
        return first, ends, many

    first, ends, many = run_within(load(), 2 * DEADLINE)
    assert first == "whole"
    assert collections.Counter(ends) == {"whole": waiting}
    assert many == threads
    assert runtime(started) == process


# --- fairness -------------------------------------------------------------------------------------------------


def test_a_client_with_many_requests_does_not_starve_one_with_one(model: Path) -> None:
    """Two answers at a time. The clients differ in their addresses."""
    port = free_port()
    settings = configuration(LOOPBACK, port).replace("[engine]\n", "[engine]\nparallel = 2\n")
    greedy, modest = "127.0.0.2", "127.0.0.3"
    finished: list[str] = []

    async def ask(source: str, sent: Callable[[], Awaitable[None]] | None = None) -> None:
        async with await Connection.open(LOOPBACK, port, source=source) as connection:
            await connection.send("POST", "/v1/chat/completions", chat("Count.", max_tokens=12))
            if sent is not None:
                await sent()
            head = await connection.read_head()
            body = await connection.body()
            assert head.status == 200, f"{source}: {head.status} {body!r}"
        finished.append(source)

    async def load() -> None:
        barrier = asyncio.Barrier(31)

        async def sent() -> None:
            await barrier.wait()

        many = [asyncio.create_task(ask(greedy, sent)) for _ in range(30)]
        await barrier.wait()
        await asyncio.gather(ask(modest), *many)

    with Started(Root(model, files={INNER_CONFIG: settings}), [VECTOR_BOOT], port) as one:
        one.client().answer("Hi", max_tokens=1)
        run_within(load(), 2 * DEADLINE)
    before = finished.index(modest)
    assert before <= 15, f"{before} of the 30 requests of the other client were answered before the only one of this"
