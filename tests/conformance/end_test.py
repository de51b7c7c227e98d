"""After the main child has ended, and while nothing happens."""

import os
import signal
import time
from pathlib import Path

import pytest
from harness import children_of, eventually, switches_of

both_places = pytest.mark.parametrize("place", ["pid1", "process"])

IDLE_SECONDS = 3.0


def left_behind(start, init, how, mark, **options):
    """The ending of an init whose main child ended with 5 and left somebody behind."""
    more = options.pop("options", [])
    run = start("child", "leave", how, str(mark), "5", options=[*more, *init.optional("short_grace")], **options)
    run.expect("ready")
    run.say()
    return run.finish()


@both_places
@pytest.mark.parametrize("how", ["polite", "stubborn", "stopped", "daemon"])
def test_reports_the_main_child_whatever_is_left(start, init, tmp_path, how):
    """The exit status is the main child's, whatever it left behind and however that ends. [wait(2), POSIX sh 2.8.2]"""
    assert left_behind(start, init, how, tmp_path / "mark").status == 5


@pytest.mark.extra
@pytest.mark.parametrize("how", ["polite", "daemon"])
def test_gives_the_rest_time_to_end(start, init, tmp_path, how):
    """What the main child left behind gets SIGTERM, and time to end in order. [kill(2), pid_namespaces(7)]"""
    left_behind(start, init, how, tmp_path / "mark")
    assert (tmp_path / "mark").exists()


@pytest.mark.extra
def test_wakes_what_is_stopped_so_that_it_can_end(start, init, tmp_path):
    """A stopped process that the main child left behind is continued, so that it can end in order. [signal(7) SIGCONT]"""
    left_behind(start, init, "stopped", tmp_path / "mark")
    assert (tmp_path / "mark").exists()


def test_is_not_held_up_by_processes_that_fork_for_ever(start, init, tmp_path):
    """Processes that ignore every signal and fork without end do not keep the init from ending. [kill(2), fork(2)]"""
    assert left_behind(start, init, "forking", tmp_path / "mark").status == 5


@pytest.mark.extra
@pytest.mark.parametrize("how", ["polite", "stubborn", "stopped", "daemon"])
def test_leaves_nobody_behind_as_an_ordinary_process(start, init, tmp_path, how):
    """An init that is not PID 1 has ended every process that its main child left behind. [PR_SET_CHILD_SUBREAPER(2const)]"""
    options = init.option("as_subreaper")
    assert not left_behind(start, init, how, tmp_path / "mark", options=options, place="process").left


def test_adopts_orphans_as_a_subreaper(start, init):
    """With the option for it, an init that is not PID 1 adopts and reaps the orphans below it. [PR_SET_CHILD_SUBREAPER(2const)]"""
    run = start("child", "orphans", "100", "waiting", "5", options=init.option("as_subreaper"), place="process")
    run.expect("ready")
    run.say()
    run.expect("done")
    assert len(run.orphans()) == 100
    for orphan in run.orphans():
        os.kill(orphan, signal.SIGKILL)
    eventually(lambda: not run.orphans(), "every orphan reaped")
    run.say()
    assert run.finish().status == 5


@pytest.mark.extra
def test_ends_with_its_parent(start, init):
    """With the option for it, the init hands on a signal when its own parent ends. [PR_SET_PDEATHSIG(2const)]"""
    # The shell is the init's parent, and PID 1 of the namespace adopts it.
    run = start("child", "wait", options=init.option("on_parent_death", signal="SIGTERM"), place="process",
                before=("sh", "-c", '"$@" & wait', "sh"))
    run.expect("ready")
    main = run.main()
    os.kill(run.pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{main}").exists(), "the end of the main child")


@pytest.mark.extra
def test_does_not_wake_up_while_idle(start):
    """While nothing happens, the init does not run at all. [signalfd(2), sigwaitinfo(2)]"""
    run = start("child", "wait")
    run.expect("ready")
    time.sleep(0.3)
    before = switches_of(run.pid)
    time.sleep(IDLE_SECONDS)
    assert switches_of(run.pid) == before


def test_works_where_the_clock_is_another(start, init, tmp_path):
    """In a time namespace, whose clocks are a year ahead, nothing ends early and nothing waits for ever. [time_namespaces(7)]"""
    assert left_behind(start, init, "stubborn", tmp_path / "mark", under=("clock=31536000",)).status == 5


def test_does_not_mind_a_jump_of_the_wall_clock(start, init, tmp_path, request):
    """When the wall clock is set back by a day during the end, what is left is still ended in time. [clock_gettime(2), time(7)]"""
    if not request.config.getoption("--set-clock"):
        pytest.skip("would set the clock of the machine; --set-clock permits it")
    run = start("child", "leave", "stubborn", str(tmp_path / "mark"), "5", options=init.optional("short_grace"))
    run.expect("ready")
    main = run.main()
    run.say()
    eventually(lambda: main not in children_of(run.pid), "the end of the main child")
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    wall = time.clock_gettime(time.CLOCK_REALTIME)
    try:
        time.clock_settime(time.CLOCK_REALTIME, wall - 86_400)
        assert run.finish().status == 5
    finally:
        time.clock_settime(time.CLOCK_REALTIME, wall + time.clock_gettime(time.CLOCK_MONOTONIC) - began)
