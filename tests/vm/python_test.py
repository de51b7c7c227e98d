"""The handoff to Python on a machine: PID 1 of a real kernel, the user's program, and the HTTP API beside it."""

from collections.abc import Callable

from conftest import PORT, Machine
from vector_boot_tools.places import CHECKOUT
from vector_boot_tools.system import configuration

EXAMPLES = CHECKOUT / "examples" / "machine"

APP = '''#!/usr/bin/python3
import subprocess, time, vector_boot
model = vector_boot.Model()
print("booted:", vector_boot.is_booted(), model.info.name)
print("child:", subprocess.run(["sh", "-c", "exit 3"]).returncode)
print("spans:", {"kernel", "python: initialise"} <= {span.name for span in vector_boot.boot_timeline()})
print("answer:", model.chat("What is the capital of France? Answer in one word."))
vector_boot.serve()
vector_boot.status("serving beside")
try:
    time.sleep(3600)
finally:
    print("in order")
'''


def test_a_program_drives_a_simulated_device(boot: Callable[..., Machine]) -> None:
    """The same program as in python_device_test.py, and as in a PID namespace."""
    sections = """[handoff]
mode = "python"
app = "/app/main.py"

[[device]]
name = "edu"
file = "/run/edu"
interrupt = "/run/edu_interrupt"

[[service]]
name = "simulator"
command = ["/usr/bin/python3", "/app/simulator.py", "/run/edu", "/run/edu_interrupt"]

[[service]]
name = "unplug"
type = "oneshot"
command = ["/bin/sh", "-c", "until grep -q 'in use' /run/said; do sleep 0.1; done; rm /run/edu"]

[listen]"""
    program = (EXAMPLES / "edu.py").read_text(encoding="utf-8")
    # It waits for plain files as little as the kernel tells of them.
    waiting = "import os, sys, time\nwhile not os.path.exists('/run/edu'): time.sleep(0.01)\nsys.stdout = open('/run/said', 'w', 1)\n"
    machine = boot(
        configured=configuration("0.0.0.0", PORT).replace("[listen]", sections),
        executables={
            "/app/main.py": waiting + program + "print(open('/run/said').read(), file=sys.stderr)\n",
            "/app/simulator.py": (EXAMPLES / "edu_simulator.py").read_text(encoding="utf-8"),
        },
    )
    machine.wait_for("the model: 3 tokens")
    console = machine.console()
    for said in ("identification 10000ed", "factorial of 10: 3628800", "interrupt 42", "no DMA: ", "unplugged"):
        assert said in console, console


def test_a_program_on_a_machine(boot: Callable[..., Machine]) -> None:
    handoff = '[handoff]\nmode = "python"\napp = "/app/main.py"\n\n[listen]'
    machine = boot(configured=configuration("0.0.0.0", PORT).replace("[listen]", handoff), executables={"/app/main.py": APP})
    assert "Paris" in machine.client.answer("What is the capital of France? Answer in one word.", max_tokens=8)
    machine.wait_for("spans: True")
    machine.wait_for("answer: ")
    console = machine.console()
    assert "booted: True" in console and "child: 3" in console, console
    machine.kernel.ctrl_alt_del()
    assert machine.kernel.wait(20) == 0
    console = machine.console()
    assert "in order" in console
    assert "reboot: Power down" in console and "Kernel panic" not in console
