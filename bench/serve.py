"""`./dev bench serve`: vector_boot beside llama-server, as clients see them.

The same model, threads and places for answers. In each round every contender is started anew for every load, and they take
turns, so that a change of the machine's load meets all of them.
"""

import argparse
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path

import machine
import serve_load
import serve_report
from serve_contenders import CONTENDERS, Contender
from serve_report import Other, Results, Streamed
from vector_boot_tools.failure import Failure
from vector_boot_tools.model import model_path
from vector_boot_tools.places import CACHE


class Scale:
    """How much is asked; --quick is for trying the benchmark itself."""

    def __init__(self, quick: bool, clients: list[int] | None) -> None:
        self.clients = clients or ([1, 8, 32] if quick else [1, 2, 4, 8, 16, 32, 64])
        self.tokens = 16 if quick else 64
        self.shared_clients = 8 if quick else 32
        self.storm_clients = 50 if quick else 200
        self.idle_connections = 200 if quick else 1000
        self.idle_seconds = 2.0 if quick else 10.0
        self.quick = quick
        self.other_loads = clients is None

    def requests(self, clients: int) -> int:
        """Of each client: few clients ask more often, so that every load is long enough to be measured."""
        return 1 if self.quick else max(2, 16 // clients)


def counts(text: str) -> list[int]:
    numbers = [int(one) for one in text.split(",")]
    if min(numbers) < 1:
        raise ValueError
    return numbers


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench serve", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="rounds (default: 3)")
    parser.add_argument("--quick", action="store_true", help="one short round: tries the benchmark, measures little")
    parser.add_argument("--clients", type=counts, metavar="N,N,...", help="so many at once, and no other loads")
    parser.add_argument("--write", action="store_true", help="write docs/serving.md and its pictures")
    parser.add_argument("--model", metavar="FILE", help="a GGUF file of your own")
    parser.add_argument("--json", metavar="FILE", help="every sample (default: in .cache/bench)")
    given = parser.parse_args()
    if given.runs < 1:
        parser.error(f"--runs {given.runs}: expected at least 1")
    if given.write and given.clients:
        parser.error("--write: the documentation has all loads; leave --clients away")
    return given


def allow_many_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = max(soft, wanted), max(hard, wanted)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    except (ValueError, PermissionError) as error:
        raise Failure(f"{wanted} open files are needed, at most {hard} are allowed: raise it with ulimit -n") from error


def measure_streams(contender: Contender, model: Path, log: int, scale: Scale, clients: int) -> Streamed:
    with contender.running(model, log) as running:
        measured = serve_load.streams(running, clients, scale.requests(clients), scale.tokens)
        return Streamed.of(contender.name, clients, measured, running.memory_kb())


def measure_others(contender: Contender, model: Path, log: int, scale: Scale) -> Other:
    with contender.running(model, log) as running:
        resting = running.memory_kb()
        idle_ms = running.idle_milliseconds(scale.idle_seconds)
        shared = serve_load.shared_prompt(running, scale.shared_clients, 16)
        storm_ms, after_ms = serve_load.storm(running, scale.storm_clients)
    with contender.running(model, log) as running:
        idle = serve_load.idle_connections(running, scale.idle_connections)
    return Other(
        contender=contender.name,
        resting_kb=resting,
        idle_ms=idle_ms,
        shared_seconds=shared.seconds,
        shared_first_ms=[one.first_ms for one in shared.answers],
        storm_ms=storm_ms,
        after_storm_ms=after_ms,
        idle_connected=idle.connected,
        idle_kb=idle.memory_kb,
        idle_answer_ms=idle.answer_ms,
    )


def measure(model: Path, runs: int, scale: Scale, log: int) -> Results:
    results = Results([], [])
    for number in range(runs):
        for clients in scale.clients:
            for contender in CONTENDERS:
                machine.warm_up_processors()
                streamed = measure_streams(contender, model, log, scale, clients)
                results.streamed.append(streamed)
                say(f"round {number + 1} of {runs}: {clients} clients: {contender.name}: {streamed.rate:.0f} tok/s")
        for contender in CONTENDERS if scale.other_loads else ():
            machine.warm_up_processors()
            results.others.append(measure_others(contender, model, log, scale))
            say(f"round {number + 1} of {runs}: other loads: {contender.name}")
    return results


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def describe(model: Path) -> dict[str, str]:
    library = machine.first_line("dpkg-query", "-W", "-f=${Version}", "libllama0")
    return {**machine.describe_hardware(), "libllama": library, "model": model.name}


def main() -> int:
    given = arguments()
    scale = Scale(given.quick, given.clients)
    log_path = CACHE / "bench" / "serve.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    try:
        model = model_path(given.model)
        allow_many_files(2 * scale.idle_connections + 500)
        with open(log_path, "wb") as log:
            results = measure(model, 1 if given.quick else given.runs, scale, log.fileno())
        described = describe(model)
        text = serve_report.tables(results, described, scale.storm_clients, scale.idle_connections, scale.shared_clients)
        print(text)
        path = Path(given.json or CACHE / "bench" / "serve.json")
        samples = {"streams": [asdict(one) for one in results.streamed], "others": [asdict(one) for one in results.others]}
        machine.write_json(path, {"machine": described, **samples})
        print(f"\nevery sample: {path}")
        if given.write:
            serve_report.write(text, results)
    except (Failure, OSError, TimeoutError) as failure:
        print(f"bench serve: {failure!r}; what the servers wrote is in {log_path}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return os.EX_TEMPFAIL
    return 0


if __name__ == "__main__":
    sys.exit(main())
