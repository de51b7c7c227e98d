"""A client for many connections at once: HTTP/1.1 over asyncio streams, and little else, so that it costs little itself."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from .failure import Failure

LONGEST_LINE = 1 << 20


@dataclass
class Head:
    status: int
    headers: dict[str, str]  # the names in lower case


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: Head = field(default_factory=lambda: Head(0, {}))

    @classmethod
    async def open(cls, host: str, port: int, *, source: str | None = None) -> Connection:
        """source: the address to connect from."""
        local = None if source is None else (source, 0)
        reader, writer = await asyncio.open_connection(host, port, local_addr=local, limit=LONGEST_LINE)
        return cls(reader, writer)

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(content)}"]
        lines += ["Content-Type: application/json"] if body is not None else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send_bytes("\r\n".join([*lines, "", ""]).encode() + content)

    async def send_bytes(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def read_head(self) -> Head:
        """Of the reply, past what may come before it (1xx)."""
        while (head := await self._read_head()).status < 200:
            pass
        self.head = head
        return head

    async def _read_head(self) -> Head:
        words = (await self._line()).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
            raise Failure(f"expected a status line, found {words!r}")
        headers = {}
        while line := (await self._line()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Head(int(words[1]), headers)

    async def _line(self) -> bytes:
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the server closed the connection")
        return line

    async def parts(self) -> AsyncGenerator[bytes]:
        """The body as it comes. What is cut off is an asyncio.IncompleteReadError or a ConnectionError."""
        if self.head.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int((await self._line()).split(b";")[0], 16):
                yield (await self.reader.readexactly(size + 2))[:-2]
            await self._line()
        elif (length := self.head.headers.get("content-length")) is not None:
            if int(length):
                yield await self.reader.readexactly(int(length))
        else:
            while part := await self.reader.read(65536):
                yield part

    async def body(self) -> bytes:
        return b"".join([part async for part in self.parts()])

    async def events(self) -> AsyncGenerator[bytes]:
        """The data of server-sent events, [DONE] included."""
        partial = b""
        async for part in self.parts():
            *lines, partial = (partial + part).split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    yield line[5:].strip()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """As a client that is killed leaves: without a goodbye."""
        self.writer.transport.abort()

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
