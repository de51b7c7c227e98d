"""`./dev bench pid1`: the inits of containers side by side: size, memory, wake-ups, latencies, throughput.

Each is PID 1 of a PID namespace and runs bench/pid1_child.c, which measures from below. The inits take turns, so that a
change of the machine's load meets all of them.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import machine
from vector_boot_tools.failure import Failure
from vector_boot_tools.places import BINARIES, CACHE, CHECKOUT

sys.path.insert(0, str(CHECKOUT / "tests" / "conformance"))  # how an init is started there is how it is started here
import harness

CHILD = str(BINARIES / "pid1_child")
REFERENCE = "tini"


@dataclass(frozen=True)
class Contender:
    name: str
    command: tuple[str, ...]
    programs: tuple[str, ...]  # what stays in memory
    package: str = ""


CONTENDERS = (
    Contender("vector_boot", (f"{BINARIES}/vector_boot", "--"), (f"{BINARIES}/vector_boot",)),
    Contender("tini", ("/usr/bin/tini", "--"), ("/usr/bin/tini",), "tini"),
    Contender("catatonit", ("/usr/bin/catatonit", "--"), ("/usr/bin/catatonit",), "catatonit"),
    Contender("dumb-init", ("/usr/bin/dumb-init", "--"), ("/usr/bin/dumb-init",), "dumb-init"),
    Contender("s6", (f"{CHECKOUT}/tests/conformance/adapters/s6",), ("/usr/bin/s6-svscan", "/usr/bin/s6-supervise"), "s6"),
)


@dataclass(frozen=True)
class Measure:
    """One line of the table: of all samples of an init, one number."""

    name: str
    unit: str
    of: Callable[[list[float]], float] = statistics.median


def percentile_99(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100, method="inclusive")[98]


MEASURES = {
    "binary": [Measure("programs on disk", "KiB")],
    "libraries": [Measure("and their libraries", "KiB")],
    "written": [Measure("private memory", "KiB")],
    "private": [Measure("  with what it reads of its own program", "KiB")],
    "resident": [Measure("resident memory", "KiB")],
    "wake-ups": [Measure("wake-ups in an idle minute", "")],
    "spawn": [Measure("exec of init to exec of the command", "us"), Measure("  p99", "us", percentile_99)],
    "reap": [Measure("end of an orphan to its being gone", "us"), Measure("  p99", "us", percentile_99)],
    "signal": [Measure("signal to init and back to its sender", "us"), Measure("  p99", "us", percentile_99)],
    "storm": [Measure("orphans made and reaped in a second", "")],
}

type Samples = dict[str, dict[str, list[float]]]  # by measure, by contender


class Bench:
    def __init__(self, launch: str) -> None:
        self._programs = harness.Programs(launch, CHILD)

    def start(self, contender: Contender, *words: str) -> harness.Run:
        return harness.Run(self._programs, [*contender.command, CHILD, *words])

    def numbers(self, contender: Contender, *words: str) -> list[int]:
        """What the child prints."""
        run = self.start(contender, *words)
        try:
            ending = run.finish()
        finally:
            run.close()
        if ending.status != 0:
            raise Failure(f"{contender.name}: {' '.join(words)} ended with {ending.status}: {ending.err}")
        return [int(line) for line in ending.out.split()]

    def spawn(self, contender: Contender) -> float:
        run = self.start(contender, "clock")
        try:
            line = run.line()
            return (int(line or 0) - run.executed_at()) / 1e3
        finally:
            run.close()


def init_processes(run: harness.Run) -> list[int]:
    """Those of the init: everything but the command."""
    everyone = [run.pid, *harness.descendants_of(run.pid)]
    return [process for process in everyone if os.readlink(f"/proc/{process}/exe") != CHILD]


def libraries_of(processes: list[int]) -> set[str]:
    maps = (Path(f"/proc/{process}/maps").read_text(encoding="utf-8") for process in processes)
    return {path for text in maps for path in re.findall(r"(/\S+\.so\S*)$", text, re.M)}


def measure_idle(bench: Bench, samples: Samples, seconds: float) -> None:
    """All at the same time: nobody disturbs anybody."""
    runs = {contender.name: bench.start(contender, "idle") for contender in CONTENDERS}
    try:
        for run in runs.values():
            run.expect("ready")
        time.sleep(1.0)
        processes = {name: init_processes(run) for name, run in runs.items()}
        before = {name: sum(map(harness.switches_of, some)) for name, some in processes.items()}
        time.sleep(seconds)
        for contender in CONTENDERS:
            some = processes[contender.name]
            switches = sum(map(harness.switches_of, some)) - before[contender.name]
            single = {
                "wake-ups": switches * 60 / seconds,
                "written": sum(harness.kilobytes_of(process, "Private_Dirty") for process in some),
                "private": sum(harness.kilobytes_of(process, r"Private_\w+") for process in some),
                "resident": sum(harness.kilobytes_of(process, "Rss") for process in some),
                "binary": sum(os.stat(program).st_size for program in contender.programs) / 1024,
                "libraries": sum(os.stat(library).st_size for library in libraries_of(some)) / 1024,
            }
            for measure, value in single.items():
                samples[measure][contender.name].append(value)
    finally:
        for run in runs.values():
            run.close()


def measure_all(bench: Bench, given: argparse.Namespace) -> Samples:
    samples: Samples = {measure: {contender.name: [] for contender in CONTENDERS} for measure in MEASURES}
    measure_idle(bench, samples, given.idle)
    machine.warm_up_processors()
    for turn in range(given.turns + 1):
        first = turn % len(CONTENDERS)  # so that nobody always follows the same one
        for contender in (*CONTENDERS[first:], *CONTENDERS[:first]):
            found: dict[str, list[float]] = {
                "spawn": [bench.spawn(contender) for _ in range(10)],
                "reap": [number / 1e3 for number in bench.numbers(contender, "reap", "200")],
                "signal": [number / 1e3 for number in bench.numbers(contender, "signal", "200")],
                "storm": [given.orphans * 1e9 / bench.numbers(contender, "storm", str(given.orphans))[0]],
            }
            if turn > 0:  # the first turn fills the caches
                for measure, values in found.items():
                    samples[measure][contender.name] += values
        print(f"\rturn {turn} of {given.turns}", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    return samples


def table(samples: Samples, described: dict[str, str]) -> str:
    names = [contender.name for contender in CONTENDERS]
    versions = ", ".join(described[name] for name in names)
    lines = [f"{described['cpu']}, {described['cores']} cores, Linux {described['kernel']}", versions, ""]
    lines.append(f"{'':42}" + "".join(f"{name:>20}" for name in names))
    for key, measures in MEASURES.items():
        for measure in measures:
            values = {name: measure.of(samples[key][name]) for name in names}
            of_reference = values[REFERENCE]
            cells = ""
            for name in names:
                ratio = f"{values[name] / of_reference:7.2f}" if of_reference else f"{'':7}"
                cells += f"{values[name]:13,.{0 if values[name] >= 100 else 1}f}{ratio}"
            lines.append(f"{measure.name + (f', {measure.unit}' if measure.unit else ''):42}" + cells)
    lines += [
        "",
        f"Medians, and their ratio to {REFERENCE}'s. s6 runs the command as a service: its memory is that of s6-svscan and one",
        "s6-supervise, its start that of the shell script that makes the service, and a signal goes through a script of its own.",
        "The libraries' pages are shared with every program that uses the same ones. dumb-init and s6 give the command a session",
        "of its own: on a busy machine the scheduler then gives it a share of its own, see sched(7), The autogroup feature.",
        "",
    ]
    return "\n".join(lines)


def version_of(contender: Contender) -> str:
    if not contender.package:
        return machine.first_line(contender.command[0], "--version")
    return machine.first_line("dpkg-query", "-W", "-f=${Package} ${Version}", contender.package)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench pid1", description=__doc__)
    parser.add_argument("--turns", type=int, default=20, metavar="N", help="of each init (default: 20)")
    parser.add_argument("--idle", type=float, default=20.0, metavar="SECONDS", help="how long wake-ups are counted (default: 20)")
    parser.add_argument("--orphans", type=int, default=2000, metavar="N", help="in one storm, at most 25000 (default: 2000)")
    parser.add_argument("--json", metavar="FILE", help="every sample (default: in .cache/bench)")
    given = parser.parse_args()
    if given.turns < 1 or given.idle <= 0 or not 1 <= given.orphans <= 25_000:
        parser.error("--turns, --idle or --orphans is out of range")
    return given


def main() -> int:
    given = arguments()
    path = Path(given.json) if given.json else CACHE / "bench" / "pid1.json"
    with tempfile.TemporaryDirectory() as folder:
        try:
            samples = measure_all(Bench(harness.compile_programs(Path(folder)).launch), given)
        except Failure as failure:
            print(f"\npid1: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    described = {**machine.describe_hardware(), **{contender.name: version_of(contender) for contender in CONTENDERS}}
    print(table(samples, described))
    machine.write_json(path, {"machine": described, "samples": samples})
    print(f"every sample: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
