"""An assistant beside the HTTP API: answers questions about a sensor, whose register 0 holds thousandths of a degree, at /ask on a
port of its own, and has the machine's sockets serve OpenAI's API as well. A program that hangs is started anew: it
tells the watchdog that it lives.

The configuration names the sensor, [[device]] name = "sensor"; on a laptop a plain file stands for it:

    truncate -s 64 /tmp/sensor
    VECTOR_BOOT_DEVICE_SENSOR=file:/tmp/sensor python3 assistant.py
    curl "http://127.0.0.1:8090/ask?question=Is+it+warm"
"""

import asyncio
import os
import urllib.parse

import vector_boot

PORT = int(os.environ.get("PORT", "8090"))
PATIENCE = 10.0


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    target = (await reader.readline()).split()[1].decode()
    while (await reader.readline()).strip():
        pass  # the headers
    question = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).get("question", [""])[0]
    facts = f"The temperature is {sensor.read32(0) / 1000} degrees Celsius."
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
sensor = vector_boot.Device("sensor").region()
if vector_boot.is_booted():
    vector_boot.serve()
asyncio.run(main())
