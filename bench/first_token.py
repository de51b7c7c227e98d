"""`./dev bench first-token`: the time from the exec of PID 1 to the first content byte of a streamed answer.

The client connects at time zero and tries again every millisecond when it is refused (or answered 503: loading).
The contenders take turns, so that a change of the machine's load meets all of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import contenders
import machine
import report
from vector_boot_tools import tap_network
from vector_boot_tools.client import QUESTION, Client
from vector_boot_tools.failure import Failure
from vector_boot_tools.model import model_path
from vector_boot_tools.places import BINARIES, CACHE

PORT = 18080
LONGEST_SECONDS = 60.0
# A static program that does nothing but bind is up 1 to 4 ms after its exec here. What is refused before that is
# counted by itself.
FIRST_NANOSECONDS = 3_000_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench first-token", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="of each contender (default: 10)")
    parser.add_argument("--cold", action="store_true", help="measure with a cold page cache too")
    parser.add_argument("--vm", action="store_true", help="as init of User-Mode Linux, from the kernel's launch")
    parser.add_argument("--model", metavar="FILE", help="a GGUF file of your own")
    parser.add_argument("--json", metavar="FILE", help="every sample (default: in .cache/bench)")
    given = parser.parse_args()
    if given.runs < 1:
        parser.error(f"--runs {given.runs}: expected at least 1")
    return given


def drop_page_cache(files: list[Path]) -> str:
    """Returns how it was done: all of it where that is permitted, else the files that matter most."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
        return "cold page cache (all of it dropped)"
    except OSError:
        for path in files:
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return "cold page cache (model and programs only: dropping all of it is not permitted)"


def measure(contender: contenders.Contender, cache: str, cold_files: list[Path]) -> report.Sample:
    with contender.prepare() as sandbox:
        if cold_files:
            cache = drop_page_cache(cold_files)
        # A machine that is not up yet does not answer at all: do not wait for TCP's own retry after a second.
        machine.warm_up_processors()
        client = Client(contender.host, PORT, connect_seconds=0.02 if contender.host == tap_network.GUEST else 1.0)
        zero = sandbox.release()
        pieces = client.stream(QUESTION, seconds=LONGEST_SECONDS, alive=sandbox.running, max_tokens=4)
        try:
            first = next(pieces, None)
        except OSError as error:
            raise Failure(f"{contender.name}: {error}") from error
        elapsed = time.monotonic_ns() - zero
        if first is None:
            raise Failure(f"{contender.name}: the answer had no content")
        pieces.close()
    attempts = client.attempts
    later = sum(at - zero > FIRST_NANOSECONDS for at in attempts.refused_at)
    return report.Sample(
        contender=contender.name,
        cache=cache,
        milliseconds=elapsed / 1e6,
        refused=later,
        refused_at_once=attempts.refused - later,
        unanswered=attempts.unanswered,
        loading=attempts.loading,
    )


def start_once_before(contender: contenders.Contender, cache: Path) -> None:
    """As a machine that was up before: what its start keeps is in the cache afterwards."""
    with contender.prepare() as sandbox:
        sandbox.release()
        Client(contender.host, PORT, connect_seconds=0.1).answer(QUESTION, max_tokens=1)
        deadline = time.monotonic() + LONGEST_SECONDS
        while not any(cache.glob("*.prefix")):
            if time.monotonic() > deadline:
                raise Failure(f"{contender.name}: it kept nothing in its cache")
            time.sleep(0.01)


def measure_all(given: argparse.Namespace, model: Path, log: int, cache: Path) -> list[report.Sample]:
    everyone = (contenders.in_virtual_machines if given.vm else contenders.in_containers)(model, PORT, log, cache)
    start_once_before(everyone[0], cache)
    programs = [*BINARIES.iterdir(), Path("/usr/bin/llama-server"), Path("/usr/bin/tini")]
    libraries = list(Path("/usr/lib/x86_64-linux-gnu").glob("lib*llama*.so*"))
    samples = []
    for cold_files in [[], [model, *programs, *libraries]] if given.cold else [[]]:
        for turn in range(given.runs + 1):
            for contender in everyone:
                sample = measure(contender, "warm page cache", cold_files)
                if turn > 0:  # the first turn fills the caches
                    samples.append(sample)
                    print(f"\r{len(samples)} samples", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    return samples


def main() -> int:
    given = arguments()
    log_path = CACHE / "bench" / "first-token.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    name = "first-token-vm.json" if given.vm else "first-token.json"
    json_path = Path(given.json) if given.json else log_path.with_name(name)
    try:
        model = model_path(given.model)
        if given.vm:
            tap_network.enter()
        with open(log_path, "wb") as log, tempfile.TemporaryDirectory(dir=log_path.parent) as cache:
            samples = measure_all(given, model, log.fileno(), Path(cache))
    except Failure as failure:
        print(f"\nfirst-token: {failure}; what it wrote is in {log_path}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    described = report.describe_machine()
    where = "User-Mode Linux, from the launch of the kernel" if given.vm else "container, from the exec of PID 1"
    print(report.table(samples, where, described))
    report.write_json(json_path, samples, where, described, model)
    print(f"every sample: {json_path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
