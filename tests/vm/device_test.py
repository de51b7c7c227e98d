"""A real kernel under an init that faults, plugs in devices, or stops feeding its watchdog (scenario_init.cpp)."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import PORT, Machine
from vector_boot_tools.places import BINARIES, INNER_BINARIES
from vector_boot_tools.sandbox import Root
from vector_boot_tools.system import configuration
from vector_boot_tools.virtual_machine import VirtualMachine

PROGRAMS = BINARIES.parent / "tests" / "bin"


class Scenario:
    def __init__(self, name: str, words: tuple[str, ...]) -> None:
        self.name = name
        with tempfile.TemporaryFile() as file:
            self._console = os.dup(file.fileno())
        self.kernel = VirtualMachine(
            Root(binaries=PROGRAMS),
            f"{INNER_BINARIES}/scenario_init",
            memory="128M",
            words=(f"scenario={name}", *words),
            output=self._console,
        )
        self.kernel.release()

    def console(self) -> str:
        return os.pread(self._console, 1 << 20, 0).decode(errors="replace")

    def wait_for(self, text: str, count: int = 1, seconds: float = 60.0) -> str:
        """The console once it has the text that often. It must not have panicked by then."""
        end = time.monotonic() + seconds
        while (console := self.console()).count(text) < count:
            assert self.kernel.running() and time.monotonic() < end, f"no '{text}' on the console:\n{console}"
            time.sleep(0.02)
        assert "Kernel panic" not in console
        return console

    def close(self) -> None:
        self.kernel.close()
        os.close(self._console)


@pytest.fixture
def run(network: None) -> Iterator[Callable[..., Scenario]]:
    scenarios: list[Scenario] = []

    def run_one(name: str, *words: str) -> Scenario:
        scenarios.append(Scenario(name, words))
        return scenarios[-1]

    yield run_one
    for scenario in scenarios:
        scenario.close()


@pytest.mark.parametrize(("kind", "said"), [("pointer", "SIGSEGV (address 0x10"), ("stack", "SIGSEGV"), ("abort", "SIGABRT")])
def test_a_fault_of_pid_1_is_a_reboot_and_not_a_panic(run: Callable[..., Scenario], kind: str, said: str) -> None:
    scenario = run(f"crash-{kind}")
    console = scenario.wait_for(f"begin crash-{kind}", count=2)  # it has come up again
    assert f"fault: {said}" in console
    assert "rebooting in 1 s" in console


def test_a_signal_that_root_sends_does_not_kill_pid_1(run: Callable[..., Scenario]) -> None:
    scenario = run("crash-sent")
    console = scenario.wait_for("end crash-sent")
    assert "is ignored" in console and "still here" in console
    assert scenario.kernel.wait(20) == 0


def test_a_device_that_comes_gets_its_module(run: Callable[..., Scenario]) -> None:
    scenario = run("plug", "i2c-stub.chip_addr=0x50")
    console = scenario.wait_for("end plug")
    assert "bus: 0" in console
    assert "before: not loaded" in console
    assert "after: loaded" in console
    assert "driver: bound" in console


# A bus with an EEPROM on it, as somebody plugs it in once all is up; the driver is what PID 1 loads by the alias.
PLUGGED = """modules = "/usr/lib/uml/modules"

[handoff]
mode = "exec"
command = ["/bin/sleep", "1000"]

[[service]]
name = "plug"
type = "oneshot"
command = ["/bin/sh", "-ec", "cd /usr/lib/uml/modules/$(uname -r)/kernel/drivers/i2c; \
for one in i2c-core i2c-smbus; do [ ! -e $one.ko ] || busybox insmod $one.ko; done; \
busybox insmod i2c-stub.ko chip_addr=0x50; test ! -e /sys/module/at24/initstate; \
echo 24c02 0x50 > /sys/bus/i2c/devices/i2c-0/new_device; echo plugged; \
until test -e /sys/bus/i2c/devices/0-0050/driver; do sleep 0.1; done; readlink /sys/bus/i2c/devices/0-0050/driver"]
"""


def test_modules_are_found_where_the_configuration_says(boot: Callable[..., Machine]) -> None:
    machine = boot(file=None, configured=configuration("0.0.0.0", PORT) + PLUGGED)
    machine.wait_for("plug: plugged")
    machine.wait_for("bus/i2c/drivers/at24")


@pytest.mark.parametrize("kind", ["hang", "reboot"])
def test_the_watchdog_resets_a_machine_that_hangs(run: Callable[..., Scenario], kind: str) -> None:
    scenario = run(f"watchdog-{kind}", "softdog.soft_margin=2")
    console = scenario.wait_for(f"begin watchdog-{kind}", count=2)
    assert "fed for 5 s" in console
    assert "nothing bit" not in console


def test_a_watchdog_that_is_stopped_bites_nobody(run: Callable[..., Scenario]) -> None:
    scenario = run("watchdog-stop", "softdog.soft_margin=2", "softdog.nowayout=0")
    console = scenario.wait_for("nothing bit")
    assert console.count("begin") == 1


def test_a_watchdog_that_cannot_be_stopped_is_told_of(run: Callable[..., Scenario]) -> None:
    scenario = run("watchdog-stop", "softdog.soft_margin=2", "softdog.nowayout=1")
    console = scenario.wait_for("begin watchdog-stop", count=2)
    assert "cannot be stopped and will reset the machine" in console
