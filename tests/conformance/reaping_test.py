"""Orphans: whose parent has gone, and whom the init has to wait for."""

import os
import signal

import pytest
from harness import DEADLINE, descriptors_of, eventually, kilobytes_of, state_of


def all_reaped(run, seconds=DEADLINE):
    eventually(lambda: not run.orphans(), "every orphan reaped", seconds)


def orphans(start, count, how="exit", *after, **options):
    """A main child that makes orphans when it is told to, and then waits."""
    run = start("child", "orphans", str(count), how, *map(str, after), **options)
    run.expect("ready")
    return run


def make(run):
    run.say()
    run.expect("done")


def test_reaps_an_orphan(start):
    """An orphan that ends is reaped. [wait(2)]"""
    run = orphans(start, 1)
    make(run)
    all_reaped(run)


def test_reaps_ten_thousand_orphans(start):
    """10,000 orphans are reaped, and none is left. [wait(2)]"""
    run = orphans(start, 10_000)
    make(run)
    all_reaped(run, 3 * DEADLINE)


@pytest.mark.parametrize("how", ["killed", "clone", "vfork"])
def test_reaps_orphans_of_every_kind(start, how):
    """Orphans that were killed, cloned without an exit signal, or made by vfork are reaped. [clone(2), vfork(2), wait(2)]"""
    run = orphans(start, 100, how)
    make(run)
    all_reaped(run)


def test_reaps_those_that_died_before_their_adoption(start):
    """Children that were zombies already when their parent died are reaped. [wait(2)]"""
    run = orphans(start, 100, "zombie")
    make(run)
    all_reaped(run)


def test_reaps_a_chain_of_daemons(start):
    """Of a chain in which each process forks the next and ends, every one is reaped. [daemon(7), wait(2)]"""
    run = orphans(start, 300, "chain")
    make(run)
    all_reaped(run)


def test_reaps_many_deaths_behind_one_sigchld(start):
    """Deaths that came while the init could not run, so that one SIGCHLD stands for all, are all reaped. [signal(7)]"""
    run = orphans(start, 300)
    run.signal(signal.SIGSTOP)
    make(run)
    eventually(lambda: len(run.orphans()) == 300, "300 zombies")
    run.signal(signal.SIGCONT)
    all_reaped(run)


def test_sees_the_main_child_among_many_deaths(start):
    """The main child's death is seen when it comes together with those of orphans. [signal(7), wait(2)]"""
    run = orphans(start, 300, "exit", 5)
    main = run.main()
    run.signal(signal.SIGSTOP)
    make(run)
    run.say()
    eventually(lambda: state_of(main) in "Z?", "a dead main child")
    run.signal(signal.SIGCONT)
    assert run.finish().status == 5


def test_reaps_while_signals_come(start):
    """Orphans are reaped while signals come in a burst, and the main child's end is not lost in it. [signal(7)]"""
    run = orphans(start, 2_000, "exit", 6)
    run.say()
    for _ in range(500):
        run.signal(signal.SIGURG)  # which is ignored by default
    run.expect("done")
    all_reaped(run)
    run.say()
    assert run.finish().status == 6


def test_an_orphan_is_not_the_main_child(start):
    """The end of an orphan, whatever its status, does not end the init. [wait(2)]"""
    run = orphans(start, 20, "exit", 0)
    make(run)
    all_reaped(run)
    run.say()
    assert run.finish().status == 0


def test_does_not_take_a_stopped_orphan_for_dead(start):
    """An orphan that stops and goes on is left alone, and is reaped when it dies. [wait(2)]"""
    run = orphans(start, 1, "waiting")
    make(run)
    orphan, = eventually(run.orphans, "the orphan as a child of the init")
    for number, state in ((signal.SIGSTOP, "T"), (signal.SIGCONT, "S")):
        os.kill(orphan, number)
        eventually(lambda wanted=state: state_of(orphan) == wanted, f"an orphan in state {state}")
    os.kill(orphan, signal.SIGKILL)
    all_reaped(run)
    assert run.main()


def test_takes_no_memory_for_orphans(start):
    """The init's private memory does not grow over 20,000 orphans. [wait(2)]"""
    run = orphans(start, 20_000)
    before = kilobytes_of(run.pid, "Private_Dirty")
    make(run)
    all_reaped(run, 3 * DEADLINE)
    assert kilobytes_of(run.pid, "Private_Dirty") - before <= 64  # a few pages that it touches for the first time


def test_takes_no_descriptors(start):
    """The init has no more descriptors after 2,000 orphans and 200 signals than before. [open(2)]"""
    run = orphans(start, 2_000)
    before = descriptors_of(run.pid)
    make(run)
    for _ in range(200):
        run.signal(signal.SIGURG)
    all_reaped(run)
    assert descriptors_of(run.pid) == before
