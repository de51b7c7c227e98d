"""`./dev test [SUITE...]`: runs the suites one after the other and closes with what passed and what failed."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vector_boot_tools import lint
from vector_boot_tools.places import CHECKOUT
from vector_boot_tools.result import Result, failure

MOST_OF_A_FAILURE = 1500  # characters


def build(preset: str) -> bool:
    return subprocess.run([CHECKOUT / "dev", "build", preset], check=False).returncode == 0


def failures_in(suite: ElementTree.Element) -> Iterator[str]:
    for case in suite.iter("testcase"):
        for kind in ("failure", "error"):
            for found in case.findall(kind):
                # pytest says why in the attribute, CTest's test at the end of its output.
                message = found.get("message", "")[:MOST_OF_A_FAILURE]
                output = case.findtext("system-out", "").strip()[-MOST_OF_A_FAILURE:]
                yield f"{case.get('classname')} {case.get('name')}: {message}\n{output}".rstrip()


def run_reporting(command: list[str | Path], report: Path, environment: dict[str, str] | None = None) -> Result:
    """Runs a test program that writes a JUnit report. What ends badly without naming a test is one failure."""
    status = subprocess.run(
        command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}, check=False
    ).returncode
    result = Result()
    if report.exists():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
            passed = int(suite.get("tests", 0)) - failed - skipped
            result += Result(passed, failed, skipped, tuple(failures_in(suite)))
    if (status != 0 or result.passed == 0) and result.failed == 0:
        result += failure(f"{command[0]} ended with status {status} after {result.passed} tests")
    return result


def run_ctest(preset: str, environment: dict[str, str] | None = None) -> Result:
    if not build(preset):
        return failure(f"build {preset}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "ctest.xml")
        command: list[str | Path] = ["ctest", "--test-dir", CHECKOUT / "build" / preset, "--output-on-failure"]
        command += ["-j", str(os.cpu_count() or 1), "--progress", "--timeout", "300", "--output-junit", report]
        return run_reporting(command, report, environment)


def run_pytest(*arguments: str, preset: str = "release", environment: dict[str, str] | None = None) -> Result:
    if not build(preset):
        return failure(f"build {preset}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "pytest.xml")
        command: list[str | Path] = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junit-xml", report]
        return run_reporting([*command, *arguments], report, environment)


def run_asan() -> Result:
    result = run_ctest("asan", {"UBSAN_OPTIONS": "print_stacktrace=1"})
    storm = {"VB_BUILD_DIR": str(CHECKOUT / "build" / "asan"), "VB_STORM_SECONDS": "120"}
    return result + run_pytest("tests/pid1/storm_test.py", preset="asan", environment=storm)


@dataclass
class Suite:
    name: str
    what: str
    run: Callable[[], Result]


SUITES = (
    Suite("unit", "each library by itself, and the fuzz corpora", lambda: run_ctest("release")),
    Suite("pid1", "vector_boot as PID 1 of a PID namespace", lambda: run_pytest("tests/pid1")),
    Suite("conformance", "what any init has to do, for vector_boot", lambda: run_pytest("tests/conformance")),
    Suite("worker", "the real model behind the OpenAI API", lambda: run_pytest("tests/worker")),
    Suite("page", "the web page in Chromium", lambda: run_pytest("tests/page")),
    Suite("clients", "other people's clients of the OpenAI API, beside llama-server", lambda: run_pytest("tests/clients")),
    Suite("python", "the Python package", lambda: run_pytest("tests/python")),
    Suite("vm", "User-Mode Linux from its launch to power-off", lambda: run_pytest("tests/vm", "-n", "2", "--dist", "loadfile")),
    Suite("install", "the installed library from another project", lambda: run_pytest("tests/install")),
    Suite("lint", "formatting, static analysis, types, file sizes", lint.run),
    Suite(
        "asan",
        "unit tests, and a storm of two minutes, with AddressSanitizer and UndefinedBehaviorSanitizer",
        run_asan,
    ),
    Suite("tsan", "unit tests with ThreadSanitizer", lambda: run_ctest("tsan")),
)


def main() -> int:
    listing = "\n".join(f"  {suite.name:11} {suite.what}" for suite in SUITES)
    parser = argparse.ArgumentParser(
        prog="./dev test",
        description=__doc__,
        epilog="suites:\n" + listing,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suites", metavar="SUITE", nargs="*", help="without one: all")
    wanted = parser.parse_args().suites
    known = [suite.name for suite in SUITES]
    for name in wanted:
        if name not in known:
            parser.error(f"there is no suite '{name}'; there are: {' '.join(known)}")

    # Whoever runs this in the background has SIGINT ignored, and the programs under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    total = Result()
    lines = []
    for suite in SUITES:
        if wanted and suite.name not in wanted:
            continue
        print(f"\n=== {suite.name}: {suite.what}", flush=True)
        began = time.monotonic()
        result = suite.run()
        lines.append(f"  {suite.name:11} {result}  ({time.monotonic() - began:.0f} s)")
        total += replace(result, failures=tuple(f"{suite.name}: {what}" for what in result.failures))
    for failed in total.failures:
        print(f"\nFAILED {failed}")
    print("\n" + "\n".join(lines) + f"\n{total}", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
