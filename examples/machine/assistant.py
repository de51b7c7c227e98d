"""An assistant beside the HTTP API: answers questions about a sensor at /ask, on a port of its own, and has the machine's
sockets serve OpenAI's API as well. A program that hangs is started anew: it tells the watchdog that it lives.

    curl "http://127.0.0.1:8090/ask?question=Is+it+warm"
"""

import asyncio
import os
import urllib.parse

import vector_boot

SENSOR = os.environ.get("SENSOR", "/sys/class/thermal/thermal_zone0/temp")  # thousandths of a degree
PORT = int(os.environ.get("PORT", "8090"))
PATIENCE = 10.0


def temperature() -> float | None:
    try:
        with open(SENSOR, encoding="ascii") as file:
            return int(file.read()) / 1000
    except (OSError, ValueError):
        return None


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    target = (await reader.readline()).split()[1].decode()
    while (await reader.readline()).strip():
        pass  # the headers
    question = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).get("question", [""])[0]
    facts = f"The temperature is {temperature()} degrees Celsius."
    messages = [{"role": "system", "content": f"Answer briefly. {facts}"}, {"role": "user", "content": question}]
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
    async for piece in model.stream(messages, max_tokens=60):
        writer.write(piece.encode())
        await writer.drain()
    writer.close()


async def live() -> None:
    while True:
        vector_boot.watchdog(PATIENCE)
        await asyncio.sleep(PATIENCE / 3)


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", PORT)
    vector_boot.status("answering")
    vector_boot.ready()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live())
        tasks.create_task(server.serve_forever())


model = vector_boot.Model()
if vector_boot.is_booted():
    vector_boot.serve()
asyncio.run(main())
