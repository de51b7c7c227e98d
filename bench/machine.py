"""What all benchmarks need: the machine's description, CPUs at speed, a file with every sample."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

# How long all CPUs are busy before each run.
WARM_UP_SECONDS = 0.4


def warm_up_processors(seconds: float = WARM_UP_SECONDS) -> None:
    """So that every run finds them at the same clock frequency, whatever ran, or did not run, before it."""
    spinning = []
    for _ in os.sched_getaffinity(0):
        process = os.fork()
        if process == 0:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                pass
            os._exit(0)
        spinning.append(process)
    for process in spinning:
        os.waitpid(process, 0)


def first_line(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (ran.stdout + ran.stderr).strip().splitlines()
    return next((line for line in lines if "version" in line), lines[0] if lines else "unknown")


def describe_hardware() -> dict[str, str]:
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in information.splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
    }


def write_json(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
