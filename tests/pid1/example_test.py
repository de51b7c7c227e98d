"""examples/machine, with simulated devices, under the real PID 1."""

import os
import signal
import subprocess
import sys
import urllib.request

from vector_boot_tools.client import Client

from conftest import LOOPBACK, SOURCE, eventually, free_port, vbctl

EXAMPLES = SOURCE / "examples" / "machine"


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
