"""What bench/devices.py measures in a machine: the program that vector_boot, PID 1, hands over to. Each line is a result."""

import asyncio
import subprocess
import time
from pathlib import Path

import vector_boot

COUNT = 2000
FLOOD = 10_000
RAISE, ACKNOWLEDGE = 0x60, 0x64


def quantiles(times: list[int]) -> str:
    ordered = sorted(times)
    return f"p50 {ordered[len(ordered) // 2]} p99 {ordered[len(ordered) * 99 // 100]}"


async def interrupts_to_coroutine(device: vector_boot.Device) -> str:
    registers, times = device.region(), list[int]()
    heard = asyncio.Event()

    async def listen() -> None:
        async for _ in device_interrupts:
            times.append(time.monotonic_ns() - raised)
            registers.write32(ACKNOWLEDGE, 1)
            heard.set()

    raised = 0
    with device.interrupts() as device_interrupts:
        listening = asyncio.create_task(listen())
        for _ in range(COUNT):
            await asyncio.sleep(0)  # the listener waits
            heard.clear()
            raised = time.monotonic_ns()
            registers.write32(RAISE, 1)
            await heard.wait()
        listening.cancel()
    return quantiles(times)


async def flood(device: vector_boot.Device) -> str:
    """As fast as they can be raised, while a coroutine counts."""
    registers = device.region()
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    counted = 0
    with device.interrupts() as interrupts:
        for number in range(FLOOD):
            registers.write32(RAISE, 1)
            registers.write32(ACKNOWLEDGE, 1)
            if number % 100 == 0:
                counted += await anext(interrupts)
        while counted < FLOOD:
            counted += await anext(interrupts)
    grown = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) - resident
    return f"counted {counted} of {FLOOD} grown {grown * 4} kB"


async def measure() -> None:
    with vector_boot.Device("edu") as device:
        print("coroutine", await interrupts_to_coroutine(device))
        print("flood", await flood(device))
        name = device.name
    print("callback", subprocess.check_output(["/bin/device_latency", name, str(COUNT)], text=True).strip())


asyncio.run(measure())
