"""CPython's own tests under the handoff, and under python3 alone: `./dev run python3 tests/cpython/compare.py [--write]`.

Some minutes. --write puts the table into docs/handoff.md; what differs is printed, and is a failure.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vector_boot_tools.testing import NAMESPACE

SOURCE = Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build" / "release"
PAGE = SOURCE / "docs" / "handoff.md"
BEGIN, END = "<!-- tests/cpython/compare.py --write: begin -->", "<!-- tests/cpython/compare.py --write: end -->"
SUITES = ("test_subprocess", "test_signal", "test_threading", "test_asyncio")
SECONDS = 900

Outcomes = dict[str, str]  # test -> passed, failed or skipped


def outcomes(report: Path) -> Outcomes:
    found: Outcomes = {}
    if not report.exists():
        return found
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        bad = kinds & {"error", "failure"} or case.get("result") == "fail"
        skipped = "skipped" in kinds or case.get("result") == "skip"
        found[str(case.get("name"))] = "failed" if bad else "skipped" if skipped else "passed"
    return found


def run(command: Sequence[str | Path], log: Path) -> None:
    with open(log, "wb") as output:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=SECONDS, check=False)


def alone(suite: str, folder: Path) -> Outcomes:
    report = folder / "alone.xml"
    run([*NAMESPACE, sys.executable, "-I", "-m", "test", "--junit-xml", report, suite], folder / "alone.log")
    return outcomes(report)


def handed_over(suite: str, folder: Path) -> Outcomes:
    report, configuration = folder / "handoff.xml", folder / "config.toml"
    arguments = json.dumps(["--junit-xml", str(report), suite])
    configuration.write_text(
        f'[engine]\nmodel = "{BUILD}/models/tiny.gguf"\ncache = ""\n[handoff]\nmode = "python"\nsite = true\n'
        f'app = "{SOURCE}/tests/cpython/app.py"\narguments = {arguments}\n[listen]\nhttp = "127.0.0.1:0"\n[failure]\npolicy = "exit"\n'
    )
    run([*NAMESPACE, BUILD / "bin" / "vector_boot", "--config", configuration], folder / "handoff.log")
    return outcomes(report)


def cells(found: Outcomes) -> str:
    counted = Counter(found.values())
    return f"{counted['passed']} | {counted['failed']} | {counted['skipped']}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into docs/handoff.md")
    parser.add_argument("suites", nargs="*", default=SUITES, help=f"default: {' '.join(SUITES)}")
    given = parser.parse_args()
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    lines = ["| | python3: passed | failed | skipped | handoff: passed | failed | skipped |", "| --- |" + " --- |" * 6]
    differences = []
    for suite in given.suites:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            expected, found = alone(suite, folder), handed_over(suite, folder)
            if not expected or not found:
                for log in sorted(folder.glob("*.log")):
                    print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
        lines.append(f"| {suite} | {cells(expected)} | {cells(found)} |")
        print(lines[-1], flush=True)
        for test in sorted(expected.keys() | found.keys()):
            if expected.get(test) != found.get(test):
                differences.append(f"{test}: {expected.get(test, 'not run')} with python3, {found.get(test, 'not run')} under the handoff")
    print("\n".join(differences))
    if given.write:
        before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        assert begin and end, f"{PAGE}: expected the lines {BEGIN} and {END}"
        notes = [""] + [f"- {one}" for one in differences] if differences else []
        PAGE.write_text(before + "\n".join([begin, *lines, *notes, end]) + after, encoding="utf-8")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
