"""Stands for QEMU's "edu" device where there is none, for edu.py on a laptop: a plain file for its registers, a FIFO for its
interrupt. It has no DMA, knows one factorial, and looks at its registers a thousand times a second, as nothing tells it of a
write. It ends when the file is unlinked.

    python3 edu_simulator.py /tmp/edu /tmp/edu_interrupt &
    VECTOR_BOOT_DEVICE_EDU="file:/tmp/edu?interrupt=/tmp/edu_interrupt" python3 edu.py
"""

import math
import mmap
import os
import struct
import sys
import time

IDENTIFICATION, FACTORIAL, STATUS, INTERRUPT_STATUS, RAISE, ACKNOWLEDGE = 0x00, 0x08, 0x20, 0x24, 0x60, 0x64
SIZE, PERIOD = 4096, 0.001
COMPUTING = 1


class Registers:
    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def __getitem__(self, offset: int) -> int:
        return int(struct.unpack_from("<I", self._memory, offset)[0])

    def __setitem__(self, offset: int, value: int) -> None:
        struct.pack_into("<I", self._memory, offset, value)


def step(registers: Registers, interrupt: int) -> None:
    if registers[STATUS] == COMPUTING and (number := registers[FACTORIAL]):
        registers[FACTORIAL] = math.factorial(number) & 0xFFFFFFFF
        registers[STATUS] = 0
    if raised := registers[RAISE]:
        registers[RAISE] = 0
        registers[INTERRUPT_STATUS] |= raised
        os.write(interrupt, b"!")
    if seen := registers[ACKNOWLEDGE]:
        registers[ACKNOWLEDGE] = 0
        registers[INTERRUPT_STATUS] &= ~seen


def main(path: str, fifo: str) -> None:
    os.mkfifo(fifo)
    interrupt = os.open(fifo, os.O_RDWR)
    with open(path + ".new", "w+b") as file:
        file.truncate(SIZE)
        with mmap.mmap(file.fileno(), SIZE) as memory:
            registers = Registers(memory)
            registers[IDENTIFICATION] = 0x010000ED
            registers[STATUS] = COMPUTING  # until it has been asked
            os.rename(path + ".new", path)  # whole from the beginning
            while os.path.exists(path):
                step(registers, interrupt)
                time.sleep(PERIOD)
    os.unlink(fifo)


main(*sys.argv[1:])
