"""GPIO lines through the package, on a chip that is not there (simulated_gpio.c)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENVIRONMENT

SIMULATION = Path(__file__).with_name("simulated_gpio.c")
PROGRAM = """
import asyncio, json, vector_boot

async def first(line, count):
    edges = []
    async for edge in line:
        edges.append(edge)
        if len(edges) == count:
            return edges

said = {}
with vector_boot.Gpio("led") as line:
    said["output"] = [line.name, line.read()]
    line.write(False)
    said["output"].append(line.read())
    line.write(True)
    said["output"] += [line.read(), repr(line)]
    try:
        line.take()
    except vector_boot.DeviceError as error:
        said["without edges"] = str(error)
try:
    line.read()
except vector_boot.RequestError as error:
    said["closed"] = str(error)
with vector_boot.Gpio("gpio:soc:1?edges=both") as line:
    edges = asyncio.run(first(line, 2))
    said["edges"] = edges
    said["last"] = [edges[1].is_rising, edges[1].time, edges[1].lost, line.take()]
    try:
        line.write(True)
    except vector_boot.DeviceError as error:
        said["input"] = str(error)
try:
    vector_boot.Gpio("gpio:soc:4")
except vector_boot.DeviceError as error:
    said["missing"] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    library = tmp_path_factory.mktemp("gpio") / "simulated_gpio.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library, SIMULATION], check=True)
    # In a /dev of its own.
    in_device_folder = 'mount -t tmpfs none /dev && : >/dev/gpiochip0 && export LD_PRELOAD="$1" && shift && exec "$@"'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", in_device_folder, "sh", library]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("a /dev of its own needs rights")
    environment = {**ENVIRONMENT, "VECTOR_BOOT_DEVICE_LED": "gpio::LED?direction=output&value=1"}
    done = subprocess.run([*command, sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_output_is_written_and_read(said):
    assert said["output"] == ["gpio:gpiochip0:3", True, False, True, "<vector_boot.Gpio 'gpio:gpiochip0:3'>"]


def test_edges_come_in_their_order_and_say_what_was_lost(said):
    assert said["edges"] == [[True, 1.0, 0], [False, 2.5, 2]]
    assert said["last"] == [False, 2.5, 2, None]


def test_what_a_line_is_not_for_is_said(said):
    assert "expected edges=rising, falling or both" in said["without edges"]
    assert "it is an input" in said["input"]
    assert "closed" in said["closed"]
    assert "there is gpiochip0 (soc, 4 lines)" in said["missing"]
