"""Says which keys are pressed, until Escape is. The machine's configuration has

    [[device]]
    name = "keys"
    input = "QEMU Virtio Keyboard"

The numbers are those of linux/input-event-codes.h.
"""

import asyncio

import vector_boot

IS_KEY, PRESSED = 1, 1
ESCAPE, LEFT_SHIFT = 1, 42


async def main() -> None:
    presses = 0
    with vector_boot.Input("keys") as keys:
        print("waiting for keys")
        async for event in keys:
            if (event.type, event.value) != (IS_KEY, PRESSED):
                continue
            presses += 1
            print(f"press {presses}: key {event.code}, shift is {'down' if keys.is_pressed(LEFT_SHIFT) else 'up'}")
            if event.code == ESCAPE:
                return


asyncio.run(main())
