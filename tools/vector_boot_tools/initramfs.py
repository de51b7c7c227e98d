"""An initramfs in memory: the kernel's "newc" archive, as its documentation's driver-api/early-userspace has it."""

import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

DIRECTORY = 0o040755
EXECUTABLE = 0o100755
PLAIN = 0o100644
CONSOLE = 0o020600


def _entry(number: int, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
    header = b"070701" + b"".join(f"{field:08x}".encode() for field in fields) + encoded
    return header.ljust((len(header) + 3) & ~3, b"\0") + content.ljust((len(content) + 3) & ~3, b"\0")


def pack(init: Path, files: Mapping[str, bytes], executables: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """An archive with `init` as /init, and files by their paths without the first slash; the directories that they, and
    a machine, need are made."""
    parents = {str(parent) for path in (*files, *executables) for parent in PurePosixPath(path).parents}
    directories = {"dev", "proc", "sys", "run", "tmp", *parents} - {"."}
    archive = io.BytesIO()
    number = 1
    for directory in sorted(directories):
        archive.write(_entry(number, directory, DIRECTORY, b""))
        number += 1
    archive.write(_entry(number, "dev/console", CONSOLE, b"", (5, 1)))
    archive.write(_entry(number + 1, "init", EXECUTABLE, init.read_bytes()))
    number += 2
    for mode, entries in ((PLAIN, files), (EXECUTABLE, executables)):
        for path, content in sorted(entries.items()):
            archive.write(_entry(number, path, mode, content))
            number += 1
    archive.write(_entry(0, "TRAILER!!!", 0, b""))
    return archive.getvalue()
