"""Folders in .cache that are fetched once: whole or not at all, by one process at a time."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def fetched(folder: Path, fetch: Callable[[Path], None]) -> Path:
    """The folder; where it is not there, `fetch` fills an empty one, which then becomes it."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / ".lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                unfinished = folder.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                fetch(unfinished)
                os.rename(unfinished, folder)
    return folder
