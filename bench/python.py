"""`./dev bench python`: from the exec of Python to the first piece of an answer, beside llama-cpp-python.

Each run is a process of its own, with a warm page cache, and finds what the one before kept; the packages take turns.
llama-cpp-python is built by pip the first time (it takes many minutes), with its own llama.cpp for this CPU.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from vector_boot_tools.failure import Failure
from vector_boot_tools.model import model_path
from vector_boot_tools.places import CACHE, CHECKOUT

OTHER = CACHE / "llama-cpp-python"

OURS = """
import sys, vector_boot
model = vector_boot.Model(sys.argv[1])
for piece in model.stream("Why is the sky blue?"):
    print(piece, flush=True)
    break
"""
# Without what an earlier run kept.
ALONE = OURS.replace("sys.argv[1]", "sys.argv[1], cache=False")
# The same context, greedy as ours, and silent.
THEIRS = """
import sys, llama_cpp
model = llama_cpp.Llama(sys.argv[1], n_ctx=2048, verbose=False)
question = [{"role": "user", "content": "Why is the sky blue?"}]
for chunk in model.create_chat_completion(question, stream=True, temperature=0):
    if piece := chunk["choices"][0]["delta"].get("content"):
        print(piece, flush=True)
        break
"""


@dataclass(frozen=True)
class Contender:
    name: str
    path: Path
    script: str


CONTENDERS = (
    Contender("vector_boot", CHECKOUT / "build" / "release" / "python", OURS),
    Contender("vector_boot, cache=False", CHECKOUT / "build" / "release" / "python", ALONE),
    Contender("llama-cpp-python", OTHER, THEIRS),
)


def milliseconds(contender: Contender, model: Path, folder: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(contender.path), "XDG_CACHE_HOME": folder}
    began = time.monotonic()
    command = [sys.executable, "-c", contender.script, str(model)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        piece = process.stdout.readline()
        took = time.monotonic() - began
    if not piece.strip() or process.returncode != 0:
        raise Failure(f"{contender.name} ended with {process.returncode} and said {piece!r}")
    return took * 1000


def ensure_other() -> None:
    if (OTHER / "llama_cpp").is_dir():
        return
    print("building llama-cpp-python with pip: many minutes", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]
    if subprocess.run([*command, "--target", str(OTHER), "llama-cpp-python"], check=False).returncode != 0:
        raise Failure("pip could not install llama-cpp-python; its message is above")


def measure(model: Path, runs: int) -> dict[str, list[float]]:
    """Milliseconds of each contender's runs."""
    ensure_other()
    times: dict[str, list[float]] = {contender.name: [] for contender in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs + 1):
            for contender in CONTENDERS:
                took = milliseconds(contender, model, folder)
                if run > 0:  # the first fills the page cache
                    times[contender.name].append(took)
    return times


def table(times: dict[str, list[float]]) -> str:
    own = statistics.median(times["vector_boot"])
    lines = [f"{'from exec to the first piece':30}{'median ms':>10}{'min':>8}{'max':>8}{'ratio':>8}"]
    for name, values in times.items():
        median = statistics.median(values)
        lines.append(f"{name:30}{median:10.0f}{min(values):8.0f}{max(values):8.0f}{own / median:8.2f}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench python", description=__doc__)
    parser.add_argument("--runs", type=int, default=11, metavar="N", help="of each (default: 11)")
    parser.add_argument("--model", metavar="FILE", help="default: SmolLM2-135M-Instruct")
    given = parser.parse_args()
    try:
        print(table(measure(model_path(given.model), given.runs)))
    except Failure as failure:
        print(f"bench python: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
