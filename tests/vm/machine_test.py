"""A real kernel, from its launch to the power-off."""

from collections.abc import Callable
from pathlib import Path

from conftest import PORT, Machine
from vector_boot_tools.system import configuration
from vector_boot_tools.testing import free_port, run_boot


def test_from_launch_to_a_streamed_answer_and_to_power_off(boot: Callable[..., Machine]) -> None:
    machine = boot()
    pieces = list(machine.client.stream("Why is the sky blue?", alive=machine.kernel.running))
    assert len(pieces) > 20
    assert "Rayleigh" in "".join(pieces)
    assert machine.client.attempts.refused == 0

    table = machine.client.text("/timeline?format=table")
    for span in ("kernel", "init: bind sockets", "engine: weights", "first token"):
        assert span in table

    machine.kernel.ctrl_alt_del()
    assert machine.kernel.wait(20) == 0
    console = machine.console()
    assert "ending in order" in console
    assert "reboot: Power down" in console
    assert "Kernel panic" not in console


def test_a_word_of_the_kernel_command_line_wins(boot: Callable[..., Machine]) -> None:
    machine = boot("vb.model=/models/another.gguf")
    machine.wait_for("/models/another.gguf")
    machine.wait_for("reboot: Power down")
    assert machine.kernel.wait(20) == 0


def test_a_broken_model_ends_by_the_policy_and_not_in_a_panic(boot: Callable[..., Machine], tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    machine = boot(file=broken)
    machine.wait_for("reboot: Power down")
    assert machine.kernel.wait(20) == 0
    assert "magic" in machine.console()
    assert "Kernel panic" not in machine.console()


def test_a_fault_in_the_configuration_is_shown_and_the_machine_still_serves(boot: Callable[..., Machine]) -> None:
    machine = boot(configured=configuration("0.0.0.0", PORT).replace("[listen]\n", "[listen]\nhtpp = 1\n"))
    assert machine.client.answer("Hi", max_tokens=1)
    faults = [line for line in machine.console().splitlines() if "htpp" in line]
    assert faults and any("config.toml" in line for line in faults)


def test_the_boot_command() -> None:
    done = run_boot("--vm", "--once", "Why is the sky blue?", "--port", str(free_port()))
    assert done.returncode == 0, done.stderr
    assert "Rayleigh" in done.stdout
    assert "kernel" in done.stdout and "first token" in done.stdout
    assert "reboot: Power down" in done.stderr


MACHINE = """hostname = "edge-7"

[sysctl]
"kernel.panic" = "7"
"no.such.parameter" = "1"

[[mount]]
source = "tmpfs"
target = "/tmp/data"
type = "tmpfs"
options = "noexec,ro,size=1M"

[[service]]
name = "probe"
type = "oneshot"
memory = "32M"
cpus = 0.5
command = ["/bin/sh", "-c", "hostname; cat /proc/sys/kernel/panic; grep /tmp/data /proc/mounts; cat /proc/self/cgroup; \
cd /sys/fs/cgroup/services/probe; cat memory.max cpu.max; echo probed"]
"""


def test_a_machine_is_what_its_configuration_says(boot: Callable[..., Machine]) -> None:
    machine = boot(configured=configuration("0.0.0.0", PORT) + MACHINE)
    machine.wait_for("probed")
    console = machine.console()
    assert "probe: edge-7" in console and "probe: 7" in console
    assert "/tmp/data tmpfs ro" in console and "noexec" in console and "size=1024k" in console
    assert "0::/services/probe" in console
    assert "33554432" in console and "50000 100000" in console
    assert "/proc/sys/no/such/parameter: No such file or directory (ENOENT)" in console
    assert machine.client.answer("Hi", max_tokens=1)


def test_a_boot_stops_for_a_shell_where_it_is_told_to(boot: Callable[..., Machine]) -> None:
    for stage in ("early", "runtime"):
        machine = boot(f"vb.break={stage}")
        machine.wait_for("starting a shell on the console")
        machine.kernel.type("echo I am $$; exit\n")
        assert machine.client.answer("Hi", max_tokens=1)
        assert "I am " in machine.console().replace("I am $$", "")
        machine.kernel.ctrl_alt_del()
        assert machine.kernel.wait(20) == 0
