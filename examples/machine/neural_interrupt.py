"""A neural interrupt in Python: the boiler is hot, the model decides, the valve moves. neural_interrupt.toml is the same without code.

On a laptop, with plain files in the devices' place:
    truncate -s 64 /tmp/boiler /tmp/valve
    VECTOR_BOOT_DEVICE_BOILER=file:/tmp/boiler VECTOR_BOOT_DEVICE_VALVE=file:/tmp/valve python3 neural_interrupt.py
"""

import asyncio

import vector_boot


async def main() -> None:
    model, valve = vector_boot.Model(), vector_boot.Device("valve").region()
    async for degrees in vector_boot.Device("boiler").region().changes(0x20):
        if degrees > 80:
            question = f"The boiler has {degrees} degrees. Open the valve above 85 degrees. Answer open or close."
            pieces = model.stream(question, grammar='root ::= "open" | "close"', temperature=0)
            answer = "".join([piece async for piece in pieces])
            valve.write32(0x10, int(answer == "open"))
            print(degrees, answer, flush=True)


asyncio.run(main())
