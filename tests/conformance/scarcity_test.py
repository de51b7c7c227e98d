"""An init whose surroundings lack something: descriptors, processes, /proc, rights, a reader of its log."""

import contextlib
import fcntl
import os
import signal

import pytest
from harness import DEADLINE, LAST, descriptors_of, eventually, state_of

both_places = pytest.mark.parametrize("place", ["pid1", "process"])

NOBODY = 65532


def works(start, **options):
    """It forwards, reaps and tells the status."""
    run = start("child", "listen", "orphan", **options)
    run.expect("ready")
    orphan, = eventually(run.orphans, "the orphan as a child of the init")
    os.kill(orphan, signal.SIGKILL)
    eventually(lambda: not run.orphans(), "a reaped orphan")
    run.signal(signal.SIGUSR1)
    assert run.line() == f"signal {int(signal.SIGUSR1)} -1"
    os.kill(run.main(), LAST)
    assert run.finish().status == 0
    assert start("sh", "-c", "exit 9", **options).finish().status == 9


def test_works_with_closed_standard_descriptors(start):
    """With descriptors 0 to 2 closed the init works, and the child gets none of its own in their place. [open(2), execve(2)]"""
    run = start("child", "wait", under=("close=0", "close=1", "close=2"))
    main = run.main()
    eventually(lambda: state_of(main) == "S", "a waiting child")
    for number, name in descriptors_of(main).items():
        assert name == "/dev/null", f"{number} is {name}"
    run.signal(signal.SIGTERM)
    assert run.finish().status == 128 + signal.SIGTERM


@both_places
def test_works_with_few_descriptors(start):
    """With a limit of 16 descriptors the init works. [getrlimit(2) RLIMIT_NOFILE]"""
    assert start("sh", "-c", "exit 3", under=("descriptors=16",)).finish().status == 3


def test_ends_clearly_without_descriptors(start):
    """Where no descriptor can be opened, the init works without, or says what failed and exits. [getrlimit(2) RLIMIT_NOFILE, open(2) EMFILE]"""
    ending = start("/bin/false", under=("descriptors=3",)).finish()
    assert ending.status > 0
    assert ending.status == 1 or ending.err


def test_ends_clearly_where_it_cannot_fork(start):
    """Where fork fails because of a limit, the init says so and exits with a status that is not 0. [fork(2) EAGAIN, getrlimit(2) RLIMIT_NPROC]"""
    ending = start("true", under=(f"user={100_000 + os.getpid()}", "processes=1")).finish()
    assert ending.status > 0
    assert ending.err


def test_works_without_proc(start):
    """Without a mounted /proc the init works. [proc(5)]"""
    works(start, words=("no-proc",))


@both_places
def test_works_as_an_ordinary_user(start):
    """As a user without any rights the init works. [credentials(7)]"""
    works_as = {"under": (f"user={NOBODY}",)}
    run = start("child", "wait", **works_as)
    run.expect("ready")
    run.signal(signal.SIGTERM)
    assert run.finish().status == 128 + signal.SIGTERM
    assert start("sh", "-c", "exit 9", **works_as).finish().status == 9


def test_works_without_capabilities(start):
    """As root without capabilities the init works. [capabilities(7)]"""
    works(start, under=("no-capabilities",))


def test_works_without_an_environment(start):
    """With an empty environment the init works. [environ(7)]"""
    assert start("/bin/sh", "-c", "exit 9", env={}).finish().status == 9


def test_works_in_a_directory_that_was_removed(start, tmp_path):
    """In a working directory that is gone the init works. [getcwd(2) ENOENT]"""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd {gone} && rmdir {gone} && exec "$@"'
    assert start("sh", "-c", "exit 9", before=("sh", "-c", script, "sh")).finish().status == 9


def test_survives_a_log_without_a_reader(start, init):
    """SIGPIPE of the init's own output neither ends it nor reaches the main child. [pipe(7), signal(7) SIGPIPE]"""
    read, write = os.pipe()
    os.close(read)
    run = start("child", "orphans", "20", "exit", "5", options=init.option("talkative"), err=write)
    os.close(write)
    run.expect("ready")
    run.signal(signal.SIGURG)
    run.say()
    run.expect("done")
    run.say()
    assert run.finish().status == 5

    read, write = os.pipe()
    os.close(read)
    run = start("child", "listen", options=init.option("talkative"), err=write)
    os.close(write)
    run.expect("ready")
    run.signal(signal.SIGUSR1)
    assert [number for number, _ in run.heard()] == [signal.SIGUSR1]


def full_pipe():
    """Both ends; every further write blocks."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    return read, write


def test_a_full_log_does_not_hold_it_up(start, init):
    """Standard error that nobody reads any more does not keep the init from its work. [pipe(7)]"""
    read, write = full_pipe()
    run = start("child", "orphans", "20", "exit", "5", options=init.option("talkative"), err=write)
    os.close(write)
    run.expect("ready")
    run.signal(signal.SIGURG)
    run.say()
    run.expect("done")
    eventually(lambda: not run.orphans(), "every orphan reaped", DEADLINE)
    run.say()
    assert run.finish().status == 5
    os.close(read)
