"""Carries connections from a socket of the host to the virtual machine, whose network only this process sees."""

import asyncio
import contextlib
import socket
import threading


class Relay(threading.Thread):
    """`listening` was bound before the process entered the machine's network."""

    def __init__(self, listening: socket.socket, host: str, port: int) -> None:
        super().__init__(name="relay", daemon=True)
        self._listening = listening
        self._target = (host, port)
        self.start()

    def run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._listening.setblocking(False)
        server = await asyncio.start_server(self._connected, sock=self._listening)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(_copy(reader, inner_writer))
            group.create_task(_copy(inner_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()
    except ConnectionError:
        writer.transport.abort()
