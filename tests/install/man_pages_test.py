"""The manual pages have every command and every option that --help has."""

import re
import subprocess
from pathlib import Path

import pytest

from install_test import BUILD, SOURCE

MANUAL = SOURCE / "docs" / "man"
COMMANDS = ["status", "watch", "start", "stop", "restart", "reload", "poweroff", "reboot", "halt", "log-level", "logs",
            "timeline", "plot", "chat"]


def help_of(*command: str) -> str:
    program = [str(BUILD / "bin" / command[0]), *command[1:], "--help"]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


def options_of(text: str) -> set[str]:
    """-n and --lines of lines that begin with them."""
    begins = re.findall(r"^ +((?:--?[\w-]+(?: [A-Z:]+)?,? *)+)", text, re.MULTILINE)
    return {option for line in begins for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", line)}


def options_in(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    found = set()
    for macro in re.findall(r"Fl ((?:[-\w]+ , )*[-\w]+)", text):
        found |= {f"-{word}" for word in macro.split(" , ")}
    for word in re.findall(r"Fl ([a-z]{2,})\b", text):  # several letters at once
        found |= {f"-{letter}" for letter in word}
    return found


def test_vbctl():
    assert set(re.findall(r"^  ([a-z-]+) {2,}", help_of("vbctl"), re.MULTILINE)) == set(COMMANDS)
    page = MANUAL / "vbctl.1"
    text = page.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if not re.search(rf"^\.It Cm .*\b{name}\b", text, re.MULTILINE)] == []
    options = options_of(help_of("vbctl")).union(*(options_of(help_of("vbctl", name)) for name in COMMANDS))
    assert {"-f", "--follow", "--socket", "--json"} <= options
    assert options - options_in(page) == set()


@pytest.mark.parametrize("program", ["vector_boot", "vector_boot-runtime"])
def test_the_daemons(program):
    options = options_of(help_of(program))
    assert {"--model", "--listen", "--log"} <= options
    assert options - options_in(MANUAL / f"{program}.8") == set()
