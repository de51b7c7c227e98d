"""Packages from PyPI beside those of the reference platform: pinned in a requirements file with a checksum for each.

`./dev run python3 -m vector_boot_tools.python_packages FILE NAME...` writes such a file anew: the newest NAMEs and all that
they need, as wheels for this platform.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from .failure import Failure
from .fetched import fetched
from .places import CACHE

PIP = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--only-binary=:all:"]


def installed(requirements: Path) -> Path:
    """A folder for sys.path with what the file lists; fetched when there is none of this content yet."""
    checksum = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    folder = CACHE / "python" / f"{requirements.parent.name}-{checksum[:16]}"
    return fetched(folder, lambda empty: _fetch(requirements, empty))


def _fetch(requirements: Path, folder: Path) -> None:
    print(f"fetching the packages of {requirements} with pip", file=sys.stderr, flush=True)
    command = [*PIP, "--no-deps", "--require-hashes", "--no-cache-dir", "--no-compile", "--root-user-action=ignore"]
    command += ["--quiet", "--progress-bar=off", "--target", str(folder), "--requirement", str(requirements)]
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode != 0:
        raise Failure(f"pip could not fetch the packages of {requirements}; its message is above")


def pin(requirements: Path, names: list[str]) -> None:
    command = [*PIP, "--dry-run", "--ignore-installed", "--quiet", "--report", "-", *names]
    report = json.loads(subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout)
    lines = [f"# Written by: ./dev run python3 -m vector_boot_tools.python_packages {requirements} {' '.join(names)}"]
    for package in sorted(report["install"], key=lambda one: str(one["metadata"]["name"]).lower()):
        checksum = package["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{package['metadata']['name']}=={package['metadata']['version']} --hash=sha256:{checksum}")
    requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    pin(Path(sys.argv[1]), sys.argv[2:])
