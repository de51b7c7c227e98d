"""`vector_boot -- CMD`: statuses, signals, orphans and what the command inherits."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import NAMESPACE, VECTOR_BOOT, children_of, eventually


@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_passes_on_the_exit_code(start, status):
    assert start("--", "sh", "-c", f"exit {status}").finish()[0] == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_reports_a_death_by_signal_as_128_plus_n(start, number):
    assert start("--", "sh", "-c", f"kill -{int(number)} $$").finish()[0] == 128 + number


def test_says_that_a_program_does_not_exist(start):
    status, _, log = start("--", "/nonexistent/program").finish()
    assert status == 127
    assert "/nonexistent/program: No such file or directory (ENOENT)" in log


def test_says_that_a_program_cannot_be_executed(start, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o644)
    status, _, log = start("--", str(script)).finish()
    assert status == 126
    assert f"{script}: Permission denied (EACCES)" in log


def test_is_silent_when_all_is_well(start):
    assert start("--", "echo", "hello").finish() == (0, "hello\n", "")


def test_leaves_the_commands_own_options_alone(start):
    assert start("--", "echo", "--help", "--", "-x").finish()[1] == "--help -- -x\n"


def test_hands_on_standard_input(start):
    init = start("--", "cat", stdin=subprocess.PIPE)
    out, _ = init.outer.communicate("through\n")
    assert out == "through\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMIN + 5])
def test_forwards_signals_to_the_command(start, number):
    init = start("--", "python3", "-c",
                 "import signal, sys\n"
                 f"signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}])\n"
                 "print('waiting', flush=True)\n"
                 f"sys.exit(90 if signal.sigwait([{int(number)}]) == {int(number)} else 1)")
    assert init.outer.stdout.readline() == "waiting\n"
    init.signal(number)
    assert init.finish()[0] == 90


def test_gives_the_command_a_clean_signal_state(start):
    def ignore_and_block():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})

    init = start("--", "grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status", preexec_fn=ignore_and_block,
                 restore_signals=False)
    _, out, _ = init.finish()
    assert out == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"


def test_reaps_even_where_deaths_were_ignored_before(start):
    assert start("--", "true", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
                 restore_signals=False).finish()[0] == 0


def test_survives_a_death_by_a_real_time_signal(start):
    number = signal.SIGRTMIN + 6
    assert start("--", "sh", "-c", f"kill -{number} $$").finish()[0] == 128 + number


def test_a_log_that_nobody_reads_does_not_hold_it_up():
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 65536)
    os.set_blocking(write, True)
    done = subprocess.run([VECTOR_BOOT, "--log", "debug", "--", "sh", "-c", "exit 3"], stderr=write, timeout=30,
                          check=False)
    os.close(read)
    os.close(write)
    assert done.returncode == 3


def test_ends_hundreds_of_children_outside_pid_1(start):
    # More than fit into one read of the list of children.
    script = "i=0; while [ $i -lt 900 ]; do sleep 60 & i=$((i+1)); done; exit 4"
    assert start("--", "sh", "-c", script, as_process=True).finish()[0] == 4


def test_leaves_the_terminal_to_the_foreground(tmp_path):
    """A background job does not take it."""
    # Builtins only: a command in the foreground would take the terminal, and the shell would take it back.
    script = tmp_path / "script"
    script.write_text(f"set -m\n{VECTOR_BOOT} -- sleep 2 &\nread -rt 1\n"
                      "read -r _ _ _ _ own _ _ foreground _ < /proc/$$/stat\necho $own $foreground\nkill %1\n")
    done = subprocess.run(["script", "-qec", f"bash {script}", "/dev/null"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False)
    own, foreground = done.stdout.split()[:2]
    assert own == foreground, done.stdout


def test_passes_descriptors_on_as_execve_does(start):
    read, write = os.pipe()
    os.write(write, b"passed on")
    os.close(write)
    _, out, _ = start("--", "sh", "-c", f"cat /dev/fd/{read}", pass_fds=[read], as_process=True).finish()
    os.close(read)
    assert out == "passed on"


def test_gives_the_command_no_descriptor_of_its_own(start):
    # ls itself opens the directory as 3
    assert start("--", "ls", "/proc/self/fd").finish()[1].split() == ["0", "1", "2", "3"]


def test_works_with_closed_standard_descriptors(start, tmp_path):
    out = tmp_path / "out"
    script = f"exec <&- >&- 2>&-; exec {VECTOR_BOOT} -- sh -c 'ls -l /proc/self/fd > {out}; exit 7'"
    done = subprocess.run([*NAMESPACE, "sh", "-c", script], check=False)
    assert done.returncode == 7
    assert "/dev/null" in out.read_text()


def test_reaps_orphans(start):
    init = start("--", "sh", "-c",
                 "i=0; while [ $i -lt 300 ]; do (sh -c 'exit 0' &) ; i=$((i+1)); done; echo done; exec sleep 60")
    assert init.outer.stdout.readline() == "done\n"
    eventually(lambda: len(init.children()) == 1, "every orphan reaped")
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 128 + signal.SIGTERM


def test_ends_what_the_command_left_behind(start, tmp_path):
    """Polite first: the rest of the tree gets SIGTERM and time."""
    mark = tmp_path / "mark"
    init = start("--", "sh", "-c",
                 f"sh -c 'trap \"echo told > {mark}; exit\" TERM; echo ready; while :; do sleep 1 & wait $!; done' & "
                 "read -r line < /dev/null; sleep 0.3; exit 5")
    assert init.finish()[0] == 5
    assert mark.read_text() == "told\n"


def test_kills_what_does_not_want_to_end(start, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[shutdown]\ntimeout = 200\n")
    init = start("--config", str(config), "--", "sh", "-c",
                 "sh -c 'trap \"\" TERM; echo up; while :; do sleep 1; done' & sleep 0.2; exit 6")
    assert init.finish()[0] == 6


def test_adopts_orphans_as_an_ordinary_process(start):
    init = start("--", "sh", "-c", "(sleep 50 & echo $!); exec sleep 60", as_process=True)
    orphan = int(init.outer.stdout.readline())
    eventually(lambda: orphan in children_of(init.pid), "the orphan as a child of vector_boot")
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 128 + signal.SIGTERM
    assert not Path(f"/proc/{orphan}").exists()


def test_survives_a_closed_log(start):
    """A write to a closed pipe must not kill init or its command."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([*NAMESPACE, str(VECTOR_BOOT), "--log", "debug", "--", "sh", "-c", "exit 3"],
                          stderr=write_end, check=False)
    os.close(write_end)
    assert done.returncode == 3


def test_takes_the_place_of_tini(start):
    """The same words, with and without --."""
    assert start("-v", "-g", "-e", "143", "-s", "-w", "sh", "-c", "exit 143").finish()[0] == 0
    assert start("-e143", "--", "sh", "-c", "exit 144").finish()[0] == 144
    status, out, _ = start("-l").finish()
    assert status == 0 and "Apache License" in out


def test_forwards_the_value_of_a_queued_signal(start):
    init = start("--", "python3", "-c",
                 "import signal\n"
                 "number = signal.SIGRTMIN + 2\n"
                 "signal.pthread_sigmask(signal.SIG_BLOCK, [number])\n"
                 "print('waiting', flush=True)\n"
                 "import ctypes\n"
                 "libc = ctypes.CDLL(None)\n"
                 "info = (ctypes.c_int * 32)()\n"
                 "mask = (ctypes.c_ulong * 16)(1 << (number - 1))\n"
                 "libc.sigwaitinfo(mask, info)\n"
                 "print(info[6], flush=True)")
    assert init.outer.stdout.readline() == "waiting\n"
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.sigqueue(init.pid, int(signal.SIGRTMIN) + 2, ctypes.c_void_p(4711)) == 0
    assert init.finish()[1] == "4711\n"


def test_forwards_to_the_process_group(start):
    """The child of the shell hears it too, though the shell itself does not care."""
    init = start("-g", "--", "sh", "-c",
                 "trap '' USR1; (trap 'echo told; exit' USR1; echo up; while :; do sleep 1; done) & wait; wait")
    assert init.outer.stdout.readline() == "up\n"
    init.signal(signal.SIGUSR1)
    assert init.outer.stdout.readline() == "told\n"


def test_takes_tinis_variables(start):
    script = "trap '' USR1; (trap 'echo told; exit' USR1; echo up; while :; do sleep 1; done) & wait; wait"
    init = start("sh", "-c", script, env={**os.environ, "TINI_KILL_PROCESS_GROUP": "1"})
    assert init.outer.stdout.readline() == "up\n"
    init.signal(signal.SIGUSR1)
    assert init.outer.stdout.readline() == "told\n"


def test_dies_with_its_parent(tmp_path):
    """As an ordinary process: the parent is killed, init gets the signal and ends its command."""
    script = f"{VECTOR_BOOT} -p SIGTERM -- sleep 60 & echo $!; wait"
    parent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    init = int(parent.stdout.readline())
    eventually(lambda: children_of(init), "the command")
    (command,) = children_of(init)
    parent.kill()
    parent.wait()
    eventually(lambda: not Path(f"/proc/{command}").exists(), "the end of the command")


def test_warns_of_what_it_reaps(start):
    _, _, log = start("-w", "--", "sh", "-c", "(sh -c 'exit 3' &); sleep 0.3").finish()
    assert re.search(r"warning: reaped process \d+, which ended with status 3", log)
