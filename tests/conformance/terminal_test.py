"""A controlling terminal, as `docker run -t` gives it: the init leads the session, the main child is in front."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios

import pytest
from harness import eventually, state_of


def at_terminal(start, *command, **options):
    return start(*command, terminal=True, **options)


def test_puts_the_child_in_front(start):
    """The main child's process group is the foreground group of the terminal. [tcsetpgrp(3), credentials(7)]"""
    run = at_terminal(start, "child", "wait")
    run.expect("ready")
    assert os.tcgetpgrp(run.controller) == os.getpgid(run.main())


def test_lets_the_child_read(start):
    """The main child reads from the terminal and is not stopped by SIGTTIN. [termios(3), signal(7)]"""
    run = at_terminal(start, "sh", "-c", "read -r status; exit $status")
    run.say("12")
    assert run.finish().status == 12


@pytest.mark.parametrize(("key", "number"), [("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT)])
def test_lets_the_keyboard_interrupt_the_child(start, key, number):
    """Ctrl-C ends the main child, and the exit status is 130; Ctrl-\\\\ likewise, 131. [termios(3) ISIG, bash(1)]"""
    run = at_terminal(start, "child", "wait")
    run.expect("ready")
    run.say(key)
    assert run.finish().status == 128 + number


def test_gives_a_shell_job_control(start):
    """An interactive shell as the main child stops and continues jobs with the keyboard. [POSIX XBD 11.1.2, tcsetpgrp(3)]"""
    run = at_terminal(start, "bash", "--norc", "--noprofile", "-i", env={**os.environ, "PS1": "", "TERM": "dumb"})
    run.say("echo u''p")
    run.expect("up")
    shell = os.tcgetpgrp(run.controller)
    run.say("sleep 1000")
    job = eventually(lambda: (group := os.tcgetpgrp(run.controller)) != shell and group, "the job in front")
    os.write(run.controller, b"\x1a")
    eventually(lambda: state_of(job) == "T", "a stopped job")
    run.say("exit 13\nexit 13")  # the first is refused: there are stopped jobs
    ending = run.finish()
    assert ending.status == 13
    assert "job control" not in ending.out


def test_passes_on_a_new_size(start):
    """The main child hears of a new size of the terminal. [ioctl_tty(2) TIOCSWINSZ, signal(7) SIGWINCH]"""
    run = at_terminal(start, "child", "listen")
    run.expect("ready")
    fcntl.ioctl(run.controller, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 99, 0, 0))
    assert run.line() == f"signal {int(signal.SIGWINCH)} -1"


def test_ends_the_child_when_the_terminal_hangs_up(start):
    """When the terminal hangs up, the main child gets SIGHUP. [setsid(2), credentials(7), signal(7)]"""
    run = at_terminal(start, "child", "wait")
    run.expect("ready")
    run.close_terminal()
    assert run.finish().status == 128 + signal.SIGHUP


def test_does_not_disturb_the_child_at_its_start(start):
    """Handing over the terminal sends the main child no SIGHUP, SIGCONT or SIGTTOU. [ioctl_tty(2) TIOCNOTTY, tcsetpgrp(3)]"""
    run = at_terminal(start, "child", "listen")
    run.expect("ready")
    assert run.heard() == []


def test_leaves_the_terminal_to_the_foreground(init, tmp_path):
    """An init that is started as a background job does not take the terminal. [tcsetpgrp(3), POSIX XBD 11.1.4]"""
    # Builtins only: a command in the foreground would take the terminal, and the shell would take it back.
    script, up = tmp_path / "script", tmp_path / "up"
    os.mkfifo(up)
    command = " ".join(init.command([], separated=True))
    script.write_text(
        f"set -m\n{command} sh -c 'echo up > {up}; exec sleep 1000' < /dev/tty &\nread -r < {up}\n"
        "read -r _ _ _ _ own _ _ foreground _ < /proc/$$/stat\necho groups $own $foreground\nkill -9 %1\n"
    )
    done = subprocess.run(
        ["script", "-qec", f"bash {script}", "/dev/null"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30, check=False,
    )
    groups = re.search(r"^groups (\d+) (\d+)", done.stdout, re.M)
    assert groups and groups[1] == groups[2], done.stdout
