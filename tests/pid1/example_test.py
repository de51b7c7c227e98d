"""examples/machine, with simulated devices, under the real PID 1."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from vector_boot_tools.client import Client

from conftest import BUILD, IS_SANITIZED, LOOPBACK, SOURCE, TINY_MODEL, eventually, free_port, status_of, vbctl
from ruled_machine import Registers, machine

EXAMPLES = SOURCE / "examples" / "machine"
__all__ = ["machine"]  # a fixture

pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="a sanitized build has no Python")


def is_watched(program: subprocess.Popen, registers: Registers) -> bool:
    """It has mapped them, and waits for a timer."""
    maps, links = Path(f"/proc/{program.pid}/maps"), Path(f"/proc/{program.pid}/fd")
    return str(registers.path) in maps.read_text() and any(
        "timerfd" in os.readlink(link) for link in links.iterdir())


def test_a_device_that_is_simulated(program, tmp_path):
    """The same program as in tests/vm/python_device_test.py."""
    registers, fifo = tmp_path / "edu", tmp_path / "interrupt"
    with subprocess.Popen([sys.executable, EXAMPLES / "edu_simulator.py", registers, fifo]) as simulator:
        eventually(registers.exists, "the simulated device")
        init = program.boot(EXAMPLES / "edu.py", failure__policy="exit",
                            device={"name": "edu", "file": str(registers), "interrupt": str(fifo)})
        eventually(lambda: "in use" in vbctl(init, "logs"), "the device in use")
        registers.unlink()
        status, out, log = init.finish()
        assert simulator.wait() == 0
    said = out + log
    assert status == 0, said
    for line in ("identification 10000ed", "factorial of 10: 3628800", "interrupt 42", "no DMA: ", "in use", "unplugged",
                 "the model: 3 tokens"):
        assert line in said, said


def test_hello_and_the_assistant(program, start, tmp_path):
    init = program.boot(EXAMPLES / "hello.py", failure__policy="exit")
    status, _, log = init.finish()
    assert status == 0 and "booted by vector_boot" in log and "python: initialise" in log

    sensor, port = tmp_path / "sensor", free_port()
    sensor.write_bytes((21500).to_bytes(64, "little"))
    os.environ["PORT"] = str(port)
    try:
        init = program.boot(EXAMPLES / "assistant.py", device={"name": "sensor", "file": str(sensor)})
    finally:
        del os.environ["PORT"]
    assert Client(LOOPBACK, program.port).answer("Hello", max_tokens=3), "OpenAI's API beside it"
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/ask?question=Hello", timeout=30) as reply:
        assert reply.read()
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 0


def test_the_example_without_code(machine, start):
    configuration = machine.folder / "example.toml"
    configuration.write_text((EXAMPLES / "neural_interrupt.toml").read_text().replace("/tmp/", f"{machine.folder}/"))
    boiler, valve = Registers(machine.folder / "boiler"), Registers(machine.folder / "valve")
    valve.write(0x10, 7)
    start("--config", str(configuration), "--model", str(TINY_MODEL), "--listen", f"{LOOPBACK}:{machine._port}")
    eventually(lambda: status_of(machine._port) == 200, "a ready runtime")
    stream = machine.listen()
    boiler.write(0x20, 90)
    event = machine.next_event(stream)
    assert event["rule"] == "overheat" and valve.read(0x10) == event["written"] == ["close", "open"].index(event["answer"])


def test_the_example_in_python_on_a_laptop(machine):
    boiler, valve = machine.sensor, machine.valve
    valve.write(0x10, 7)
    environment = {**os.environ, "PYTHONPATH": str(BUILD / "python"), "VECTOR_BOOT_MODEL": str(TINY_MODEL),
                   "VECTOR_BOOT_DEVICE_BOILER": f"file:{boiler.path}", "VECTOR_BOOT_DEVICE_VALVE": f"file:{valve.path}"}
    with subprocess.Popen([sys.executable, EXAMPLES / "neural_interrupt.py"], env=environment, text=True,
                          stdout=subprocess.PIPE) as program:
        eventually(lambda: is_watched(program, boiler), "the program to watch")
        boiler.write(0x20, 90)
        degrees, answer = program.stdout.readline().split()
        assert degrees == "90" and valve.read(0x10) == ["close", "open"].index(answer)
        program.send_signal(signal.SIGINT)
        try:
            program.wait(60)
        finally:
            program.kill()
    assert program.returncode not in (0, None), "Ctrl-C ends it"
