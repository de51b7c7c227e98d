"""`./dev boot` from the outside."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from vector_boot_tools.places import CHECKOUT
from vector_boot_tools.testing import LOOPBACK, Client, children_of, eventually, free_port, run_boot


def test_once_answers_and_powers_off() -> None:
    done = run_boot("--once", "Why is the sky blue?", "--port", str(free_port()))
    assert done.returncode == 0, done.stderr
    assert "Rayleigh" in done.stdout
    assert "first token" in done.stdout, "no timeline"
    assert "ending in order" in done.stderr


def test_a_model_that_cannot_be_loaded_passes_its_status_on(tmp_path: Path) -> None:
    empty = tmp_path / "empty.gguf"
    empty.touch()
    done = run_boot("--once", "Hi", "--port", str(free_port()), "--model", str(empty))
    assert done.returncode == 2
    assert "magic" in done.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_boot("--once", "Hi", "--port", str(port))
    assert done.returncode == 1
    assert f"{LOOPBACK}:{port}" in done.stderr


def start_serving(port: int, errors: int) -> subprocess.Popen[str]:
    # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
    command = ["env", "--default-signal=INT", sys.executable, CHECKOUT / "tools" / "boot.py", "--port", str(port)]
    boot = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
    )
    assert boot.stdout is not None
    eventually(lambda: "serving on" in (boot.stdout.readline() if boot.stdout else ""), "serving on")
    return boot


def descendants(process: int) -> list[int]:
    found = children_of(process)
    return found + [deeper for child in found for deeper in descendants(child)]


def test_ctrl_c_ends_in_order(tmp_path: Path) -> None:
    port = free_port()
    with open(tmp_path / "log", "w+", encoding="utf-8") as log:
        boot = start_serving(port, log.fileno())
        assert Client(LOOPBACK, port).answer("Hi", max_tokens=1)
        boot.send_signal(signal.SIGINT)
        assert boot.wait(20) == 0
        log.seek(0)
        assert "ending in order" in log.read()


def test_nothing_outlives_a_killed_tool() -> None:
    boot = start_serving(free_port(), subprocess.DEVNULL)
    everyone = descendants(boot.pid)
    assert len(everyone) >= 3, "bubblewrap, PID 1 and the runtime"
    boot.kill()
    boot.wait()

    def alive(process: int) -> bool:
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    eventually(lambda: not any(alive(process) for process in everyone), "the end of all of them")
