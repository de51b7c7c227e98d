"""Drives QEMU's "edu" device, as soon as it is there: identification, factorial, an interrupt, DMA there and back. The machine's
configuration has

    [[device]]
    name = "edu"
    vfio = "1234:11e8"

The registers are in QEMU's docs/specs/edu.rst. It goes on until the device is unplugged. Without it: edu_simulator.py.
"""

import asyncio
import os

import vector_boot

IDENTIFICATION, FACTORIAL, STATUS, INTERRUPT_STATUS, RAISE, ACKNOWLEDGE = 0x00, 0x08, 0x20, 0x24, 0x60, 0x64
DMA_SOURCE, DMA_TARGET, DMA_COUNT, DMA_COMMAND = 0x80, 0x88, 0x90, 0x98
START, TO_MEMORY, WITH_INTERRUPT = 1, 2, 4
OWN_MEMORY, SIZE, ADDRESS_BITS = 0x40000, 4096, (1 << 28) - 1


class Edu:
    def __init__(self, device: vector_boot.Device) -> None:
        self.device = device
        self.registers = self.device.region(0)
        self.interrupts = self.device.interrupts()

    def close(self) -> None:
        self.interrupts.close()
        self.device.close()

    async def interrupt(self) -> int:
        """The status that the next one comes with."""
        await anext(self.interrupts)
        status = self.registers.read32(INTERRUPT_STATUS)
        self.registers.write32(ACKNOWLEDGE, status)
        return status

    async def factorial(self, number: int) -> int:
        self.registers.write32(FACTORIAL, number)
        while self.registers.read32(STATUS) & 1:
            await asyncio.sleep(0.01)
        return self.registers.read32(FACTORIAL)

    async def copy(self, source: int, target: int, command: int) -> None:
        for register, value in ((DMA_SOURCE, source), (DMA_TARGET, target), (DMA_COUNT, SIZE), (DMA_COMMAND, command)):
            self.registers.write64(register, value)
        await self.interrupt()

    async def there_and_back(self, content: bytes) -> bytes:
        source, target = (self.device.allocate(SIZE, ADDRESS_BITS) for _ in range(2))
        memoryview(source)[:] = content
        await self.copy(source.address(), OWN_MEMORY, START | WITH_INTERRUPT)
        await self.copy(OWN_MEMORY, target.address(), START | TO_MEMORY | WITH_INTERRUPT)
        return bytes(memoryview(target))


async def use_until_it_goes(edu: Edu) -> None:
    """By VFIO the kernel asks for the device, and waits until it is given back. Others just go."""
    try:
        removal = edu.device.removal()
    except vector_boot.DeviceError:
        while edu.device.is_present:
            edu.registers.read32(IDENTIFICATION)
            await asyncio.sleep(0.01)
        edu.close()
        return
    wanted_back = asyncio.ensure_future(anext(removal))
    while not wanted_back.done():
        edu.registers.read32(IDENTIFICATION)
        await asyncio.sleep(0.01)
    address = edu.device.name.removeprefix("vfio:")
    with vector_boot.uevents() as events:
        edu.close()
        await removed(events, address)


async def removed(events: vector_boot.Uevents, address: str) -> None:
    async for event in events:
        if event.action == "remove" and event.path.endswith(f"/{address}"):
            return


async def main() -> None:
    edu = Edu(await vector_boot.attached("edu"))
    print(f"identification {edu.registers.read32(IDENTIFICATION):x}")
    print("factorial of 10:", await edu.factorial(10))
    edu.registers.write32(RAISE, 0x42)
    print(f"interrupt {await edu.interrupt():x}")
    content = os.urandom(SIZE)
    try:
        print("DMA there and back:", "the same" if await edu.there_and_back(content) == content else "DIFFERENT")
    except vector_boot.DeviceError as error:
        print("no DMA:", error)
    print("in use")
    await use_until_it_goes(edu)
    print("unplugged")


asyncio.run(main())
print("the model:", vector_boot.Model().chat("Hello", max_tokens=3).usage.completion_tokens, "tokens")
