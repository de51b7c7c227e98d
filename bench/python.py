"""`./dev bench python`: from the exec of Python, and of PID 1, to the first piece of an answer, beside llama-cpp-python;
then what devices cost a program (in a machine of QEMU's: left out with --no-devices).

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

import devices
from vector_boot_tools.failure import Failure
from vector_boot_tools.model import model_path
from vector_boot_tools.places import CACHE, CHECKOUT
from vector_boot_tools.testing import NAMESPACE

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

# The same as PID 1's program, and as tini's, which say when the interpreter is up, and stay until they are killed.
APP = """
import signal, sys
out = open(sys.argv[1], "w", buffering=1)
print("ready", file=out)
"""
OUR_APP = APP + """
import vector_boot
print("piece", next(iter(vector_boot.Model().stream("Why is the sky blue?"))), file=out)
signal.pause()
"""
THEIR_APP = APP + THEIRS.replace("sys.argv[1]", "sys.argv[2]").replace("print(piece", "print('piece', piece, file=out") + "signal.pause()\n"


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


@dataclass(frozen=True)
class Boot:
    """A program under PID 1."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def boots(model: Path, folder: Path) -> tuple[Boot, Boot]:
    said, ours, theirs, configuration = (folder / name for name in ("said", "ours.py", "theirs.py", "config.toml"))
    ours.write_text(OUR_APP, encoding="utf-8")
    theirs.write_text(THEIR_APP, encoding="utf-8")
    configuration.write_text(
        f'[engine]\nmodel = "{model}"\ncache = "{folder}/cache"\n[listen]\nhttp = "127.0.0.1:0"\n'
        f'[handoff]\nmode = "python"\napp = "{ours}"\narguments = ["{said}"]\n',
        encoding="utf-8",
    )
    vector_boot = str(CHECKOUT / "build" / "release" / "bin" / "vector_boot")
    return (
        Boot("vector_boot, Python handoff", (vector_boot, "--config", str(configuration)), {}),
        Boot("tini, llama-cpp-python", ("tini", "--", sys.executable, str(theirs), str(said), str(model)), {"PYTHONPATH": str(OTHER)}),
    )


def boot_milliseconds(boot: Boot, said: Path) -> tuple[float, float]:
    """To "ready" and to the first piece."""
    said.unlink(missing_ok=True)
    os.mkfifo(said)  # which the one before, should it still be ending, does not have
    environment = {**os.environ, **boot.environment}
    began = time.monotonic()
    process = subprocess.Popen(
        [*NAMESPACE, *boot.command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    times = []
    try:
        with said.open(encoding="utf-8") as lines:
            for expected in ("ready", "piece"):
                line = lines.readline()
                if not line.startswith(expected):
                    raise Failure(f"{boot.name} said {line!r} and not '{expected}'")
                times.append((time.monotonic() - began) * 1000)
    finally:
        process.kill()
        process.wait()
    return times[0], times[1]


def measure_boots(model: Path, runs: int) -> dict[str, list[tuple[float, float]]]:
    times: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        contenders = boots(model, Path(folder))
        for run in range(runs + 1):
            for boot in contenders:
                took = boot_milliseconds(boot, Path(folder) / "said")
                if run > 0:
                    times.setdefault(boot.name, []).append(took)
    return times


def boot_table(times: dict[str, list[tuple[float, float]]]) -> str:
    medians = {name: [statistics.median(values) for values in zip(*both, strict=True)] for name, both in times.items()}
    ready, piece = medians["vector_boot, Python handoff"]
    lines = [f"{'from exec of PID 1 to':30}{'Python ready':>14}{'ratio':>8}{'first piece':>14}{'ratio':>8}"]
    for name, (own_ready, own_piece) in medians.items():
        lines.append(f"{name:30}{own_ready:11.0f} ms{ready / own_ready:8.2f}{own_piece:11.0f} ms{piece / own_piece:8.2f}")
    return "\n".join(lines)


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
    parser.add_argument("--no-devices", action="store_true", help="without the machine that has a device")
    given = parser.parse_args()
    try:
        model = model_path(given.model)
        print(table(measure(model, given.runs)))
        print()
        print(boot_table(measure_boots(model, given.runs)))
        if not given.no_devices:
            print()
            print(devices.table())
    except Failure as failure:
        print(f"bench python: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
