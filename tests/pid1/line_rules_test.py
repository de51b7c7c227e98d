"""Neural interrupts of GPIO lines, in the runtime by itself, on a chip that is not there (tests/python/simulated_gpio.c): Linux for
clouds and for User-Mode has none."""

import json
import os
import re
import subprocess

import pytest

from conftest import IS_SANITIZED, LOOPBACK, RUNTIME, SOURCE, TINY_MODEL, eventually, status_of

SIMULATION = SOURCE / "tests" / "python" / "simulated_gpio.c"
# In a /dev of its own, with the simulation in the program.
IN_DEVICE_FOLDER = ('mount -t tmpfs none /dev && : >/dev/gpiochip0 && mknod /dev/null c 1 3 && export LD_PRELOAD="$1" && shift && '
                    'exec "$@"')

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or IS_SANITIZED,
                                reason="a /dev of its own needs rights; a sanitizer wants to be loaded first")


@pytest.fixture
def runtime(tmp_path, port):
    """Runs the rules until all of that has been logged."""
    library = tmp_path / "simulated_gpio.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SIMULATION], check=True)
    started = []

    def run(*rules: dict, until: tuple[str, ...]) -> None:
        options = [option for rule in rules for option in ("--rule", json.dumps(rule))]
        log = tmp_path / "log"
        with log.open("wb") as file:
            started.append(subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_DEVICE_FOLDER, "sh", library,
                 RUNTIME, "--model", TINY_MODEL, "--listen", f"{LOOPBACK}:{port}",
                 "--device", "button=gpio:soc:1", "--device", "led=gpio::LED", *options],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file))
        eventually(lambda: status_of(port) == 200, "a ready runtime")
        for expected in until:
            eventually(lambda text=expected: re.search(text, log.read_text()), f"{expected!r} in the log")

    yield run
    for process in started:
        process.kill()
        process.wait()


def rule(name: str, **keys) -> dict:
    return {"name": name, "device": "button", "event": "edge", "prompt": "The button is {value}, {count} times.", **keys}


def test_edges_are_heard_by_all_rules_and_a_line_is_written(runtime):
    """Two edges before there is a model are one question."""
    pressed = rule("pressed", equal=1, write={"device": "led", "values": {"on": 1, "off": 0}})
    runtime(pressed, rule("any", answers=["heard"]),
            until=("pressed: value 1, before 0", "pressed: wrote [01] to led", 'any: value 0, before 1: "heard"'))


def test_what_a_line_is_not_for_is_said(runtime):
    runtime(rule("register", event="change", offset=0),
            until=("register: waits for its device: use the device button: the rule needs one that has registers",))
