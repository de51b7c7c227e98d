"""`./dev bench engine`: the engine beside llama-bench and llama-server, which use the same libllama, and llama-cpp-python.

In each round every contender gets the same conversations, greedy, with as many answered at a time as the row says; each run is
a process of its own that has the model in memory before its time begins. What llama-server says is streamed over HTTP.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import machine
import python
import streams
from vector_boot_tools.failure import Failure
from vector_boot_tools.model import model_path
from vector_boot_tools.places import CACHE

OURS = "vector_boot"
THEIRS = "llama-server"
TOKENS = 128
PREFIX_WORDS = 490  # 500 tokens with what the template adds


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench engine", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each contender (default: 5)")
    parser.add_argument("--parallel", default="1,2,4,8", metavar="LIST", help="answers at a time (default: 1,2,4,8)")
    parser.add_argument("--model", metavar="FILE", help="a GGUF file of your own")
    parser.add_argument("--json", metavar="FILE", help="every sample (default: in .cache/bench)")
    given = parser.parse_args()
    if given.runs < 1:
        parser.error(f"--runs {given.runs}: expected at least 1")
    try:
        given.parallel = [int(word) for word in given.parallel.split(",")]
    except ValueError:
        parser.error(f"--parallel {given.parallel}: expected numbers with commas between them")
    return given


@dataclass(frozen=True)
class Sample:
    contender: str
    load: str
    rate: float  # tokens a second, all together
    decode_rate: float  # of one answer, after its first token
    first_ms: list[float]
    resident_kb: int


def conversation(subject: str, system: str = "You tell long stories.") -> streams.Messages:
    return [{"role": "system", "content": system}, {"role": "user", "content": f"Tell a long story about {subject}."}]


def load_of(parallel: int) -> list[streams.Messages]:
    """Three for each that is answered at a time: the second and the third come while others are answered."""
    return [conversation(f"{number} sailors") for number in range(parallel * 3)]


def shared_prefix(number: int) -> list[streams.Messages]:
    """Two that begin alike, and with nothing that an earlier run said."""
    system = f"Story {number}." + " word" * PREFIX_WORDS
    return [conversation("sailors", system), conversation("two bears", system)]


def sample(contender: str, load: str, measured: streams.Measured) -> Sample:
    decode = [(one.tokens - 1) / (one.total_ms - one.first_ms) * 1000 for one in measured.requests if one.tokens > 1]
    return Sample(
        contender,
        load,
        sum(one.tokens for one in measured.requests) / measured.seconds,
        statistics.median(decode),
        [one.first_ms for one in measured.requests],
        measured.resident_kb,
    )


def llama_bench(model: Path) -> Sample:
    command = ["llama-bench", "-m", str(model), "-p", "0", "-n", str(TOKENS), "-r", "1", "-o", "json"]
    command += ["-t", str(len(os.sched_getaffinity(0)))]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if ran.returncode != 0:
        raise Failure(f"llama-bench ended with {ran.returncode}")
    rate = float(json.loads(ran.stdout)[0]["avg_ts"])
    return Sample("llama-bench", "1 at a time", rate, rate, [], 0)


def measure(model: Path, runs: int, parallels: list[int]) -> list[Sample]:
    samples: list[Sample] = []

    def add(one: Sample) -> None:
        samples.append(one)
        print(f"  {one.load}: {one.contender}: {one.rate:.0f} tok/s", file=sys.stderr, flush=True)

    contenders: dict[str, Callable[[Path, int, int, list[streams.Messages]], streams.Measured]] = {
        OURS: streams.vector_boot,
        THEIRS: streams.llama_server,
    }
    for number in range(runs):
        print(f"round {number + 1} of {runs}", file=sys.stderr, flush=True)
        machine.warm_up_processors()
        add(llama_bench(model))
        for parallel in parallels:
            for name, ask in contenders.items():
                machine.warm_up_processors()
                measured = ask(model, parallel, TOKENS, load_of(parallel))
                add(sample(name, f"{parallel} at a time", measured))
        for name, ask in contenders.items():
            machine.warm_up_processors()
            add(sample(name, "shared prefix", ask(model, 1, 16, shared_prefix(number))))
    return samples


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def table(samples: list[Sample]) -> str:
    """Rates are medians of the runs, and their ratios are to the contender's above."""
    lines = [f"{'':32}{'tok/s':>8}{'ratio':>7}{'one':>8}{'ratio':>7}{'first ms p50':>14}{'p99':>8}{'MiB':>7}"]
    for load in dict.fromkeys(one.load for one in samples if one.load != "shared prefix"):
        rows = [one for one in samples if one.load == load]
        own = [one for one in rows if one.contender == OURS]
        for name in sorted({one.contender for one in rows}, key=lambda name: name != OURS):
            of_it = [one for one in rows if one.contender == name]
            rate, decode = (statistics.median(getattr(one, key) for one in of_it) for key in ("rate", "decode_rate"))
            own_rate, own_decode = (
                statistics.median(getattr(one, key) for one in own) for key in ("rate", "decode_rate")
            )
            line = f"{load + ': ' + name:32}{rate:8.1f}{own_rate / rate:7.2f}{decode:8.1f}{own_decode / decode:7.2f}"
            if of_it[0].first_ms:
                waits = [value for one in of_it for value in one.first_ms]
                resident = statistics.median(one.resident_kb for one in of_it) / 1024
                line += f"{percentile(waits, 0.5):14.1f}{percentile(waits, 0.99):8.1f}{resident:7.0f}"
            lines.append(line)
    lines += ["", f"{'a shared prefix of 500 tokens':32}{'first request ms':>18}{'second':>9}{'ratio':>8}"]
    for name in (OURS, THEIRS):
        pairs = [one.first_ms for one in samples if one.load == "shared prefix" and one.contender == name]
        first, second = (statistics.median(pair[which] for pair in pairs) for which in (0, 1))
        lines.append(f"{name:32}{first:18.1f}{second:9.1f}{second / first:8.2f}")
    lines += ["", "tok/s: all answers together; one: one answer after its first token; ratio: vector_boot's by this one's."]
    return "\n".join(lines)


def main() -> int:
    given = arguments()
    try:
        model = model_path(given.model)
        samples = measure(model, given.runs, given.parallel)
        started = python.measure(model, given.runs)
    except Failure as failure:
        print(f"bench engine: {failure}", file=sys.stderr)
        return 1
    library = machine.first_line("dpkg-query", "-W", "-f=${Version}", "libllama0")
    described = {**machine.describe_hardware(), "libllama": library}
    print(f"{described['cpu']}, {described['cores']} cores, Linux {described['kernel']}; libllama {library}; {model.name}\n")
    print(table(samples), python.table(started), sep="\n\n")
    path = Path(given.json or CACHE / "bench" / "engine.json")
    content = {"machine": described, "model": model.name, "samples": [vars(one) for one in samples]}
    machine.write_json(path, {**content, "first_piece_ms": started})
    print(f"every sample: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
