"""A machine with a disk, over orderly reboots and power cuts: VB_DISK_CYCLES of each (default: 3)."""

import contextlib
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Machine
from vector_boot_tools.places import BINARIES
from vector_boot_tools.testing import children_of, eventually

CYCLES = int(os.environ.get("VB_DISK_CYCLES", "3"))

# The command is what this machine is for; the service says numbered lines as fast as it can be read.
CONFIGURED = """
[machine]
ctrl_alt_del = "poweroff"

[handoff]
mode = "exec"
command = ["/bin/sleep", "1000"]

[[mount]]
source = "/dev/ubda"
target = "/var"
type = "ext4"

[[service]]
name = "talker"
command = ["/bin/sh", "-c", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; echo said; exec sleep 1000"]
"""


# What keeps the disk busy at the end: swap in a file on it, and a file system in another one, on a loop device that
# does not let go of the file by itself.
LAYERS = """
[[service]]
name = "layers"
type = "oneshot"
command = ["/bin/sh", "-ec", "cd /var; dd if=/dev/zero of=swap bs=1M count=4; chmod 600 swap; mkswap swap; swapon swap; \
busybox insmod /usr/lib/uml/modules/$(uname -r)/kernel/drivers/block/loop.ko; \
truncate -s 16M inner; mkfs.ext4 -q inner; losetup /dev/loop0 inner; mkdir nested; mount -t ext4 /dev/loop0 nested; \
echo kept > nested/file; grep -c swap /proc/swaps; grep nested /proc/mounts; echo layered; exec cat nested/file"]
"""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.ext4", "-q", image)
    run("debugfs", "-w", "-R", "mkdir /log", image)
    return image


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def features(disk: Path) -> str:
    return next(line for line in run("dumpe2fs", "-h", disk).splitlines() if line.startswith("Filesystem features"))


def journal(disk: Path, folder: Path) -> list[dict[str, object]]:
    """What vbctl reads from the disk, without its having been mounted again."""
    folder.mkdir()
    run("debugfs", "-R", f"rdump /log/vector_boot {folder}", disk)
    text = run(BINARIES / "vbctl", "logs", "--directory", folder / "vector_boot", "-o", "json")
    return [json.loads(line) for line in text.splitlines()]


def test_orderly_ends_leave_a_clean_disk_and_lose_no_line(
    boot: Callable[..., Machine], disk: Path, tmp_path: Path
) -> None:
    for cycle in range(CYCLES):
        machine = boot(file=None, configured=CONFIGURED, disk=disk)
        machine.wait_for("talker: said")
        machine.kernel.ctrl_alt_del()
        assert machine.kernel.wait(30) == 0, machine.console()
        assert "needs_recovery" not in features(disk), machine.console()
        assert "recovery complete" not in machine.console()
        entries = journal(disk, tmp_path / str(cycle))
        text = [str(entry["text"]) for entry in entries]
        assert text.count("said") == cycle + 1
        lines = [line for line in text if line.startswith("line ")]
        expected = [f"line {number}" for number in range(1, 2001)] * (cycle + 1)
        assert lines == expected[-len(lines):], "a line is lost"
        assert len(lines) >= 2000
        assert any("ending in order: power off" in line for line in text[-20:])


def test_what_is_stacked_on_a_disk_ends_with_it(boot: Callable[..., Machine], disk: Path, tmp_path: Path) -> None:
    machine = boot(file=None, configured=CONFIGURED + LAYERS, disk=disk)
    machine.wait_for("layers: layered")
    machine.kernel.ctrl_alt_del()
    assert machine.kernel.wait(30) == 0, machine.console()
    console = machine.console()
    assert "/dev/loop0 /var/nested ext4" in console and "layers: 1" in console
    assert "warning:" not in console, console
    assert "needs_recovery" not in features(disk), console
    inner = tmp_path / "inner"
    run("debugfs", "-R", f"dump /inner {inner}", disk)
    assert "needs_recovery" not in features(inner), console
    for image in (disk, inner):
        run("e2fsck", "-fn", image)
    run("debugfs", "-R", f"dump /file {tmp_path / 'file'}", inner)
    assert (tmp_path / "file").read_text() == "kept\n"


@contextlib.contextmanager
def hanging_disks(machine: Machine) -> Iterator[None]:
    """Holds up every read and write of the virtual machine's disks: these are done by threads of the kernel's process."""
    kernel = children_of(machine.kernel.pid)[0]
    threads = [thread for thread in os.listdir(f"/proc/{kernel}/task") if thread != str(kernel)]
    hold = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=pread64,pwrite64,fsync,fdatasync:delay_enter=1000s"]
    for thread in threads:
        hold += ["-p", thread]
    tracer = subprocess.Popen(hold, stderr=subprocess.PIPE)

    def is_held() -> bool:
        if tracer.poll() is not None:
            assert tracer.stderr is not None
            pytest.skip(f"disks cannot be made to hang here: {tracer.stderr.read().decode().strip()}")
        status = [Path(f"/proc/{kernel}/task/{thread}/status").read_text() for thread in threads]
        return not any("TracerPid:\t0\n" in one for one in status)

    try:
        eventually(is_held, "strace holds the disks' threads")
        yield
    finally:
        tracer.kill()
        tracer.wait()


def test_disks_that_hang_do_not_hold_up_the_end(boot: Callable[..., Machine], disk: Path) -> None:
    machine = boot(file=None, configured=CONFIGURED, disk=disk)
    machine.wait_for("talker: said")
    with hanging_disks(machine):
        machine.kernel.ctrl_alt_del()
        machine.wait_for("the disks have not ended in 60 s; going on without them", seconds=120)
        machine.wait_for("reboot: Power down")


# What a kernel without devtmpfs amounts to: /dev is a file system in which the kernel makes no nodes.
BARE_INIT = """#!/bin/sh
/usr/bin/busybox mount -t tmpfs tmpfs /dev
exec /opt/vector_boot/bin/vector_boot
"""

NODES = """
[[service]]
name = "nodes"
type = "oneshot"
command = ["/bin/sh", "-ec", "grep ' /dev ' /proc/mounts | tail -n 1; ls -l /dev/null /dev/ubda /dev/random; \
busybox insmod /usr/lib/uml/modules/$(uname -r)/kernel/drivers/block/loop.ko; \
until test -b /dev/loop0 -a -b /dev/loop7; do sleep 0.1; done; echo loops came; \
busybox rmmod loop; while test -e /dev/loop0 -o -e /dev/loop7; do sleep 0.1; done; echo loops went; \
echo said > /dev/stdout; test -c /dev/ptmx -a -d /dev/shm; echo all nodes"]
"""


def test_a_machine_without_devtmpfs_has_its_nodes(boot: Callable[..., Machine], disk: Path) -> None:
    machine = boot(
        "init=/etc/bare-init",
        file=None,
        configured=CONFIGURED + NODES,
        disk=disk,
        executables={"/etc/bare-init": BARE_INIT},
    )
    machine.wait_for("nodes: all nodes")
    console = machine.console()
    assert "tmpfs /dev tmpfs" in console
    assert "loops came" in console and "loops went" in console
    machine.kernel.ctrl_alt_del()
    assert machine.kernel.wait(30) == 0, machine.console()
    assert "needs_recovery" not in features(disk), console  # it was mounted: its node was there


def test_power_cuts_never_keep_it_from_coming_up(boot: Callable[..., Machine], disk: Path) -> None:
    """The kernel is killed at some moment of a machine that talks; the next boot reads what was on the disk."""
    choice = random.Random(4711)
    for _ in range(CYCLES):
        machine = boot(file=None, configured=CONFIGURED, disk=disk)
        machine.wait_for(f"talker: line {choice.randrange(1, 2000)}")
        machine.close()
    machine = boot(file=None, configured=CONFIGURED + READER, disk=disk)
    machine.wait_for("reader: read")
    eventually(lambda: "talker: said" in machine.console(), "the last boot's own lines")
    console = machine.console()
    assert "reader: journal of" in console, console[-3000:]
    assert "Kernel panic" not in console


READER = """
[[service]]
name = "reader"
type = "oneshot"
after = ["talker"]
command = ["/bin/sh", "-c", "/opt/vector_boot/bin/vbctl logs --directory /var/log/vector_boot -o json > /tmp/logs && \
echo journal of $(wc -l < /tmp/logs) lines; echo read"]
"""
