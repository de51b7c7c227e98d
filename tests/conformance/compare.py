#!/usr/bin/env python3
"""Runs the conformance suite for every init that is known here and writes docs/conformance.md.

A fail must be explained in notes.toml, and only a fail may be; else nothing is written.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from vector_boot_tools.places import BINARIES, CACHE, CHECKOUT

HERE = Path(__file__).resolve().parent
DOCUMENT = CHECKOUT / "docs" / "conformance.md"
RESULTS = CACHE / "conformance"

TITLES = {
    "reaping_test.py": "Orphans",
    "statuses_test.py": "Statuses",
    "signals_test.py": "Signals",
    "inheritance_test.py": "What the command inherits",
    "terminal_test.py": "Terminals",
    "scarcity_test.py": "Scarcity",
    "end_test.py": "The end, and idleness",
}

class Entry(TypedDict):
    """conftest.Result, read back."""

    file: str
    behaviour: str
    demanded_by: str
    extra: bool
    passed: int
    failed: list[str]
    skipped: list[str]


type Results = dict[str, Entry]  # by test


@dataclass(frozen=True)
class Contender:
    name: str
    command: str
    package: str = ""


CONTENDERS = (
    Contender("vector_boot", f"{BINARIES}/vector_boot --"),
    Contender("tini", "tini --", "tini"),
    Contender("catatonit", "catatonit --", "catatonit"),
    Contender("dumb-init", "dumb-init --", "dumb-init"),
    Contender("s6", f"{HERE}/adapters/s6", "s6"),
    Contender("systemd", f"{HERE}/adapters/systemd", "systemd"),
)


def run_suite(contender: Contender) -> None:
    path = RESULTS / f"{contender.name}.json"
    path.unlink(missing_ok=True)
    print(f"=== {contender.name}", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=no", "--no-summary"]
    command += [str(HERE), "--init", contender.command, "--results", str(path)]
    status = subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=False).returncode
    if status not in (0, 1):  # 1: some tests failed
        sys.exit(f"compare: pytest ended with {status} for {contender.name}")


def outcome(entry: Entry) -> str:
    if entry["failed"]:
        return "fail"
    return "pass" if entry["passed"] else "n/a"


def version_of(contender: Contender) -> str:
    command = [f"{BINARIES}/vector_boot", "--version"]
    if contender.package:
        command = ["dpkg-query", "-W", "-f=${Package} ${Version}", contender.package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def unexplained(results: dict[str, Results], notes: dict[str, dict[str, str]]) -> list[str]:
    faults = []
    for name, tests in results.items():
        failed = {test for test, entry in tests.items() if outcome(entry) == "fail"}
        noted = set(notes.get(name, {}))
        for test in sorted(failed - noted):
            faults.append(f"{name} fails {', '.join(tests[test]['failed'])}, and notes.toml does not say why")
        for test in sorted(noted - failed):
            faults.append(f"notes.toml says why {name} fails {test}, which it does not fail")
    return faults


def count(tests: Results, wanted: str, extra: bool) -> int:
    return sum(outcome(entry) == wanted and entry["extra"] == extra for entry in tests.values())


def summary(results: dict[str, Results]) -> list[str]:
    lines = ["| | " + " | ".join(results) + " |", "| --- |" + " ---: |" * len(results)]
    for extra, kind in ((False, "required"), (True, "extra")):
        for wanted, word in (("pass", "passed"), ("fail", "failed"), ("n/a", "not applicable")):
            counts = [str(count(tests, wanted, extra)) for tests in results.values()]
            lines.append(f"| {kind}, {word} | " + " | ".join(counts) + " |")
    return lines


def tables(results: dict[str, Results]) -> list[str]:
    first = next(iter(results.values()))
    lines = []
    for file, title in TITLES.items():
        lines += ["", f"## {title}", "", "| behaviour | demanded by | " + " | ".join(results) + " |"]
        lines.append("| --- | --- |" + " --- |" * len(results))
        for test, entry in first.items():
            if entry["file"] != file:
                continue
            extra = "*extra:* " if entry["extra"] else ""
            cells = [{"fail": "**fail**"}.get(word := outcome(tests[test]), word) for tests in results.values()]
            lines.append(f"| {extra}{entry['behaviour']} | {entry['demanded_by']} | " + " | ".join(cells) + " |")
    return lines


def explanations(results: dict[str, Results], notes: dict[str, dict[str, str]]) -> list[str]:
    lines = ["", "## Why", ""]
    for name, tests in results.items():
        failed = [test for test, entry in tests.items() if outcome(entry) == "fail"]
        lines += [f"### {name}", ""]
        lines += [f"- fails *{tests[test]['behaviour']}* {notes[name][test]}" for test in failed]
        reasons: dict[str, int] = {}
        for entry in tests.values():
            if outcome(entry) == "n/a":
                reason = entry["skipped"][0]
                reasons[reason] = reasons.get(reason, 0) + 1
        lines += [f"- not applicable ({number}): {reason}" for reason, number in reasons.items()]
        lines.append("")
    return lines[:-1]


def document(results: dict[str, Results], notes: dict[str, dict[str, str]]) -> str:
    versions = ", ".join(version_of(contender) for contender in CONTENDERS)
    lines = [
        "# Conformance of PID 1",
        "",
        "What the init of a container has to do, as black-box tests of any program that is called as `INIT COMMAND ARGS`, and",
        "what six inits make of them. Written by `./dev run python3 tests/conformance/compare.py` on Debian 14; the tests are in",
        "[tests/conformance](../tests/conformance/README.md), where it says how to run them for another init.",
        "",
        f"{versions}.",
        "",
        "*Extra*: a choice of design that no standard demands. *n/a*: the init does not claim to do it, or has no option for it.",
        "s6 and systemd run services, not a command; [adapters](../tests/conformance/adapters) make one service of the command,",
        "and what is the adapter's or the service's doing is not counted.",
        "",
        *summary(results),
        *tables(results),
        *explanations(results, notes),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", help="run the suite for NAME; the others' last results stay")
    only = parser.parse_args().only
    if subprocess.run([CHECKOUT / "dev", "build", "release"], check=False).returncode != 0:
        return 1
    RESULTS.mkdir(parents=True, exist_ok=True)
    for contender in CONTENDERS:
        if only is None or contender.name in only:
            run_suite(contender)
    results: dict[str, Results] = {
        contender.name: json.loads((RESULTS / f"{contender.name}.json").read_text(encoding="utf-8")) for contender in CONTENDERS
    }
    with open(HERE / "notes.toml", "rb") as file:
        notes = tomllib.load(file)
    faults = unexplained(results, notes)
    for fault in faults:
        print(f"compare: {fault}", file=sys.stderr)
    if faults:
        return 1
    DOCUMENT.write_text(document(results, notes), encoding="utf-8")
    print(f"wrote {DOCUMENT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
