"""Builds the site of the documentation: Doxygen reads the headers, Sphinx writes the pages. What is not described, or
leads nowhere, fails."""

import os
import re
import subprocess
import sys
from pathlib import Path

from .places import CHECKOUT

FOLDER = CHECKOUT / "build" / "docs"
PYTHON = CHECKOUT / "build" / "release" / "python"
SITE = FOLDER / "html"

COMMON = {
    "PROJECT_NAME": "vector_boot",
    "GENERATE_HTML": "NO",
    "GENERATE_LATEX": "NO",
    "GENERATE_XML": "YES",
    "XML_PROGRAMLISTING": "NO",
    "JAVADOC_AUTOBRIEF": "YES",
    "MACRO_EXPANSION": "YES",
    "EXPAND_ONLY_PREDEF": "YES",
    "PREDEFINED": '"VB_API=" "VB_WARN_UNUSED="',
    "WARN_AS_ERROR": "FAIL_ON_WARNINGS",
    "QUIET": "YES",
}
C_HEADERS = ("vector_boot.h", "vector_boot_machine.h", "vector_boot_device.h")
# Of the C++ header the classes are described; most of its functions are the C ones of the same name.
HEADERS = {
    "c": {"INPUT": " ".join(f"include/{name}" for name in C_HEADERS), "OPTIMIZE_OUTPUT_FOR_C": "YES", "TYPEDEF_HIDES_STRUCT": "YES"},
    "cpp": {"INPUT": "include/vector_boot.hpp", "EXTRACT_ALL": "YES", "EXCLUDE_SYMBOLS": "vector_boot::detail"},
}


def read_header(domain: str, output: Path, **others: str) -> bool:
    """False: something is not described, and Doxygen has said what."""
    output.mkdir(parents=True, exist_ok=True)
    settings = {**COMMON, **HEADERS[domain], "OUTPUT_DIRECTORY": str(output), "XML_OUTPUT": ".", **others}
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    return subprocess.run(["doxygen", "-"], cwd=CHECKOUT, input=text, text=True, check=False).returncode == 0


def write_pages() -> bool:
    command: list[str | Path] = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going", "-b", "html", "-d", FOLDER / "doctrees", "-D"]
    command += [ f"doxygen_folder={FOLDER / 'doxygen'}", CHECKOUT / "docs", SITE]
    paths = f"{PYTHON}{os.pathsep}{CHECKOUT / 'tools'}"
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=False).returncode == 0


def described() -> dict[str, set[str]]:
    """The names that the site has a place for, by their domain."""
    from sphinx.util.inventory import InventoryFile

    names: dict[str, set[str]] = {}
    inventory = InventoryFile.loads((SITE / "objects.inv").read_bytes(), uri="")
    for kind, items in inventory.data.items():
        names.setdefault(kind.split(":")[0], set()).update(items)
    return names


def public() -> dict[str, set[str]]:
    """What the header declares and the package exports."""
    headers = (Path(CHECKOUT, "include", name).read_text(encoding="utf-8") for name in C_HEADERS)
    header = "".join(headers)
    package = Path(CHECKOUT, "python", "vector_boot", "__init__.py").read_text(encoding="utf-8")
    exported = re.findall(r'^    "(\w+)",$', package.split("__all__ = [")[1], re.MULTILINE)
    return {
        "c": set(re.findall(r"\b(vb_\w+)\(", "".join(re.findall(r"^VB_API [^(]*\(", header, re.MULTILINE))))
        | set(re.findall(r"^#define (VB_[A-Z_]+) [({]?-?\d", header, re.MULTILINE)),
        "py": {f"vector_boot.{name}" for name in exported if not name.startswith("__")},
    }


def build() -> bool:
    if not all(read_header(domain, FOLDER / "doxygen" / domain) for domain in HEADERS) or not write_pages():
        return False
    good = True
    there = described()
    for domain, names in public().items():
        for name in sorted(names - there.get(domain, set())):
            print(f"{name} is public, and no page describes it")
            good = False
    return good
