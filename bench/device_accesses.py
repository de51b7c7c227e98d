"""What one access to a register costs in Python, by vector_boot and by mmap with struct: nanoseconds, on a plain file in a device's
place. The argument is that file."""

import mmap
import statistics
import struct
import sys
import time
from collections.abc import Callable

import vector_boot

ACCESSES = 100_000
OFFSET = 0x20


def cost(access: Callable[[], object]) -> int:
    """The median of rounds."""
    rounds = []
    for _ in range(7):
        began = time.perf_counter_ns()
        for _ in range(ACCESSES):
            access()
        rounds.append((time.perf_counter_ns() - began) // ACCESSES)
    return int(statistics.median(rounds))


registers = vector_boot.Device(f"file:{sys.argv[1]}").region()
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
    read, write = struct.Struct("<I").unpack_from, struct.Struct("<I").pack_into
    print("read", cost(lambda: registers.read32(OFFSET)), cost(lambda: read(mapped, OFFSET)))
    print("write", cost(lambda: registers.write32(OFFSET, 1)), cost(lambda: write(mapped, OFFSET, 1)))
