"""Five thousand requests that are none: each is told so, in time, and the server goes on.

They are made from the corpora of the fuzz targets by mutations that leave nothing valid, from a seed.
"""

import json
import random
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vector_boot_tools.testing import LOOPBACK, Started, runtime_of

CORPUS = Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
SEED = 20261128
BROKEN_HTTP = 3000
BROKEN_JSON = 2000
PATIENCE = 20.0  # for one reply, on a busy machine; the server's own deadlines do not come into it
STATUSES = {400, 405, 411, 413, 414, 417, 422, 431, 501, 505}
STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")

Mutation = Callable[[random.Random, bytes], bytes]


def truncated(chance: random.Random, request: bytes) -> bytes:
    head = request.index(b"\r\n\r\n")
    return request[: chance.randrange(1, head + 3)]


def with_control_character(chance: random.Random, request: bytes) -> bytes:
    at = chance.randrange(request.index(b"\r\n\r\n"))
    return request[:at] + bytes([chance.choice(range(9))]) + request[at:]


def with_noise(chance: random.Random, request: bytes) -> bytes:
    line = request.index(b"\r\n")
    at = chance.randrange(line)
    # 0xFF is in no method, target or version.
    return request[:at] + b"\xff" + chance.randbytes(chance.randrange(20)) + request[at:]


def noise(chance: random.Random, _: bytes) -> bytes:
    return b"\x00" + chance.randbytes(chance.randrange(1, 3000))


def with_two_lengths(chance: random.Random, request: bytes) -> bytes:
    lines = [b"Content-Length: 3\r\n", chance.choice([b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"])]
    chance.shuffle(lines)
    return request.replace(b"\r\n", b"\r\n" + b"".join(lines), 1)


def with_other_version(chance: random.Random, request: bytes) -> bytes:
    version = chance.choice([b"HTTP/1.9", b"HTTP/3.0", b"HTTP/1", b"HTTP/11", b"HTTPS/1.1", b"HTTP/-1.1", b""])
    return re.sub(rb"HTTP/1\.[01]", version, request, count=1)


def with_odd_line(chance: random.Random, request: bytes) -> bytes:
    line = chance.choice([b"X : y\r\n", b" folded\r\n", b": nameless\r\n", b"X\r\n", b"X: y\n\r", b"Content-Length: -1\r\n",
                          b"Content-Length: 1e3\r\n", b"Host: a\r\nHost: b\r\n", b"X: " + b"y" * 40000 + b"\r\n"])
    return request.replace(b"\r\n", b"\r\n" + line, 1)


MUTATIONS: tuple[Mutation, ...] = (
    truncated, with_control_character, with_noise, noise, with_two_lengths, with_other_version, with_odd_line,
)


def broken_http(chance: random.Random) -> Iterator[bytes]:
    whole = [file.read_bytes()[1:] for file in sorted((CORPUS / "http_request").iterdir())]
    # A first request that is in order would be answered as such.
    sound = [one for one in whole if re.match(rb"(GET|POST|HEAD) \S+ HTTP/1\.1\r\nHost: t\r\n", one)]
    assert len(sound) > 5
    for number in range(BROKEN_HTTP):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        yield mutate(chance, chance.choice(sound))


WRONG_FIELDS: tuple[dict[str, object], ...] = (
    {"messages": 1}, {"messages": "Hi"}, {"messages": []}, {"messages": {}}, {"messages": [1]}, {"messages": [{}]},
    {"messages": None}, {"temperature": "hot"}, {"temperature": -1}, {"top_p": 2}, {"max_tokens": -1},
    {"max_tokens": "many"}, {"stream": "yes"}, {"stop": [1]}, {"stop": {}}, {"seed": {}},
)


def broken_json(chance: random.Random) -> Iterator[bytes]:
    seeds = [file.read_bytes() for file in sorted((CORPUS / "chat_request").iterdir())]
    good = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    for number in range(BROKEN_JSON):
        text = json.dumps(good | chance.choice(WRONG_FIELDS)).encode()
        match number % 4:
            case 0:
                text = json.dumps(good).encode()[: chance.randrange(len(json.dumps(good)))]
            case 1:
                text = chance.choice(seeds)[: chance.randrange(1, 200)] + b"\x00{" + chance.randbytes(30)
            case 2:
                text = json.dumps(good).encode() + chance.choice([b"x", b"}", b"{}", b"\x00", b"]"])
        yield text


def read_until_end(connection: socket.socket) -> bytes:
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass  # after its answer the server need not take what else was sent
    return received


def judge_http(port: int, request: bytes) -> str | None:
    """What is wrong with the reply to a request that is not one."""
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        except OSError as error:
            if error.errno != 107:  # it has closed already: ENOTCONN
                raise
        try:
            received = read_until_end(connection)
        except TimeoutError:
            return f"no end came after {request[:200]!r}"
    statuses = [int(status) for status in STATUS_LINE.findall(received)]
    if not statuses or statuses[0] not in STATUSES or len(statuses) > 1:
        return f"{statuses} for {request[:200]!r}"
    if b'{"error":{"message":"' not in received and not request.startswith(b"HEAD"):
        return f"not OpenAI's shape: {received[:300]!r}"
    return None


def judge_json(port: int, bodies: list[bytes]) -> list[str]:
    """What is wrong with the replies to bodies that come one after another on one connection."""
    faults = []
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as connection:
        for body in bodies:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
        replies = connection.makefile("rb")
        for body in bodies:
            status = int(replies.readline().split()[1])
            length = 0
            while (line := replies.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            text = replies.read(length)
            if status != 400 or not text.startswith(b'{"error":{"message":"'):
                faults.append(f"{status} {text[:200]!r} for {body[:200]!r}")
    return faults


def test_five_thousand_malformed_requests(serving: Started) -> None:
    chance = random.Random(SEED)
    before = runtime_of(serving.sandbox.pid)
    requests = list(broken_http(chance))
    bodies = list(broken_json(chance))
    batches = [bodies[at : at + 100] for at in range(0, len(bodies), 100)]
    with ThreadPoolExecutor(16) as pool:
        of_http = list(pool.map(lambda request: judge_http(serving.port, request), requests))
        of_json = list(pool.map(lambda batch: judge_json(serving.port, batch), batches))
    assert [fault for fault in of_http if fault] == []
    assert [fault for faults in of_json for fault in faults] == []
    assert runtime_of(serving.sandbox.pid) == before, "the runtime has died"
    assert serving.client().answer("Why is the sky blue?", max_tokens=4).startswith("The")
