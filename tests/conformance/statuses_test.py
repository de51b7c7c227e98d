"""The init's own exit status is the main child's."""

import signal

import pytest
from harness import descendants_of, eventually, state_of

both_places = pytest.mark.parametrize("place", ["pid1", "process"])


@both_places
@pytest.mark.parametrize("status", [0, 1, 2, 42, 125, 126, 127, 128, 143, 254, 255])
def test_passes_on_the_exit_status(start, status):
    """The main child's exit status is the init's. [wait(2), POSIX sh 2.8.2]"""
    assert start("sh", "-c", f"exit {status}").finish().status == status


DEADLY = [signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGPIPE, signal.SIGALRM, signal.SIGTERM, signal.SIGUSR1]


@both_places
@pytest.mark.parametrize("number", DEADLY)
def test_reports_a_death_by_signal(start, number):
    """A main child that a signal killed makes the exit status 128+N. [POSIX sh 2.8.2, bash(1) EXIT STATUS]"""
    assert start("child", "die", str(int(number))).finish().status == 128 + number


def test_reports_a_death_by_a_real_time_signal(start):
    """A main child that a real-time signal killed makes the exit status 128+N. [signal(7), POSIX sh 2.8.2]"""
    number = signal.SIGRTMIN + 7
    assert start("child", "die", str(number)).finish().status == 128 + number


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT])
def test_reports_a_core_dump_as_any_death(start, number, tmp_path):
    """The bit that says that core was dumped is not part of the signal's number. [wait(2) WCOREDUMP]"""
    assert start("child", "die", str(int(number)), cwd=tmp_path).finish().status == 128 + number
    if not list(tmp_path.glob("core*")):
        pytest.skip("no core is dumped here")


def test_is_127_without_a_program(start):
    """Where the program does not exist, the exit status is 127. [POSIX sh 2.8.2]"""
    assert start("/nonexistent/program").finish().status == 127
    assert start("nonexistent-program").finish().status == 127


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_is_126_where_it_cannot_be_executed(start, tmp_path, kind):
    """Where the program is there but cannot be executed, the exit status is 126. [POSIX sh 2.8.2]"""
    path = tmp_path / kind
    path.mkdir() if kind == "directory" else path.write_text("#!/bin/sh\n")
    assert start(str(path)).finish().status == 126


def test_an_empty_name_is_no_program(start):
    """An empty word as the command is a program that does not exist: 127. [execve(2), POSIX sh 2.8.2]"""
    assert start("").finish().status == 127


def test_runs_a_script_without_an_interpreter_line(start, tmp_path):
    """A script without #! is run by sh, as execvp does, or refused with 126. [exec(3), POSIX sh 2.8.2]"""
    script = tmp_path / "script"
    script.write_text("exit 9\n")
    script.chmod(0o755)
    assert start(str(script)).finish().status in (9, 126)


@pytest.mark.parametrize("kind", ["missing", "directory"])
def test_names_what_it_cannot_execute(start, tmp_path, kind):
    """A program that cannot be executed is named on standard error. [POSIX XCU 1.4 STDERR]"""
    path = tmp_path / "the-program"
    if kind == "directory":
        path.mkdir()
    assert str(path) in start(str(path)).finish().err


def test_says_so_without_a_command(start):
    """Without a command the init says so on standard error and ends with a status that is not 0. [POSIX XCU 1.4]"""
    ending = start().finish()
    assert ending.status > 0
    assert ending.err


@both_places
def test_never_misses_a_child_that_ends_at_once(start):
    """A main child that ends before the init has looked is not missed, in 30 runs. [sigsuspend(2), wait(2)]"""
    for _ in range(30):
        assert start("true").finish().status == 0


def test_follows_the_main_child_through_exec(start):
    """The main child stays the main child when it executes another program. [execve(2)]"""
    assert start("sh", "-c", "exec sh -c 'exec sh -c \"exit 8\"'").finish().status == 8


def test_waits_for_all_threads_of_the_main_child(start):
    """The end of the first thread is not the end of the main child; its status is that of the last one. [pthread_exit(3), wait(2)]"""
    run = start("child", "leader")
    run.expect("ready")
    # The kernel shows a process whose first thread has ended as a zombie, but reports no death yet.
    eventually(lambda: any(state_of(process) == "Z" for process in descendants_of(run.pid)), "a dead first thread")
    run.say()
    assert run.finish().status == 7


def test_is_not_killed_with_its_child(start):
    """The init itself exits: its parent does not see a death by signal. [wait(2) WIFEXITED]"""
    run = start("child", "wait")
    run.expect("ready")
    run.signal(signal.SIGTERM)
    assert run.finish().status == 128 + signal.SIGTERM


@pytest.mark.extra
def test_maps_a_status_to_success(start, init):
    """An exit status that is asked for becomes 0, and no other does. [its own documentation]"""
    options = init.option("remapped", status=143)
    run = start("child", "wait", options=options)
    run.expect("ready")
    run.signal(signal.SIGTERM)
    assert run.finish().status == 0
    assert start("sh", "-c", "exit 142", options=options).finish().status == 142
    assert start("sh", "-c", "exit 0", options=options).finish().status == 0
