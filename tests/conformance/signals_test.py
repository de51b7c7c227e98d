"""Signals to the init are for its main child."""

import os
import signal
import subprocess

import pytest
from harness import LAST, children_of, eventually, send_value, signals_of, state_of

both_places = pytest.mark.parametrize("place", ["pid1", "process"])

FAULTS = {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS}
STOPS = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]
NOT_FORWARDED = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGCONT, *STOPS, *FAULTS}
STANDARD = [int(number) for number in range(1, 32) if number not in NOT_FORWARDED]
REAL_TIME = [int(signal.SIGRTMIN) + more for more in (0, 1, 3, 15, 29)]


def listening(start, *words, **options):
    run = start("child", "listen", *words, **options)
    run.expect("ready")
    return run


def numbers(signals):
    return [number for number, _ in signals]


@both_places
@pytest.mark.parametrize("number", STANDARD)
def test_forwards_standard_signals(start, number):
    """Each standard signal that is not about a fault of the receiver or about job control reaches the main child. [signal(7)]"""
    run = listening(start)
    run.signal(number)
    assert run.line() == f"signal {number} -1"
    assert run.heard() == []


@pytest.mark.parametrize("number", REAL_TIME)
def test_forwards_real_time_signals(start, number):
    """Real-time signals reach the main child. [signal(7)]"""
    run = listening(start)
    run.signal(number)
    assert numbers(run.heard()) == [number]


def test_forwards_as_many_real_time_signals_as_came(start):
    """Of 300 real-time signals in a burst, 300 reach the main child: they queue. [signal(7), sigqueue(3)]"""
    run = listening(start)
    for _ in range(300):
        run.signal(signal.SIGRTMIN + 2)
    assert numbers(run.heard()) == [signal.SIGRTMIN + 2] * 300


@pytest.mark.extra
def test_forwards_the_value_of_a_signal(start):
    """The value that sigqueue sent along reaches the main child. [sigqueue(3)]"""
    run = listening(start)
    send_value(run.pid, signal.SIGRTMIN + 4, 4711)
    assert run.heard() == [(signal.SIGRTMIN + 4, 4711)]


@pytest.mark.extra
def test_keeps_the_order_of_a_burst(start):
    """300 values in a burst reach the main child in the order in which they were sent. [signal(7), sigqueue(3)]"""
    run = listening(start)
    for value in range(300):
        send_value(run.pid, signal.SIGRTMIN + 4, value)
    assert [value for _, value in run.heard()] == list(range(300))


def test_forwards_a_signal_from_within_the_namespace(start):
    """A signal that a process of the container sends to the init is forwarded like one from outside. [pid_namespaces(7)]"""
    run = listening(start, "ask")
    assert run.line() == f"signal {int(signal.SIGUSR1)} -1"


def test_forwards_a_signal_that_was_pending_when_it_began(start):
    """A signal that is pending when the init is executed is not lost. [execve(2), sigpending(2)]"""
    run = start("child", "listen", under=(f"pending={int(signal.SIGTERM)}",))
    if run.line() == "ready":
        assert numbers(run.heard()) == [signal.SIGTERM]
    else:  # it came before the child could listen
        assert run.finish().status == 128 + signal.SIGTERM


def takes_signals(run):
    # Before the exec there is fork(3), which blocks signals for a moment.
    is_executed = os.readlink(f"/proc/{run.pid}/exe") != run.programs.launch
    taken = signals_of(run.pid, "SigBlk") | signals_of(run.pid, "SigCgt")
    return is_executed and (signal.SIGTERM in taken or children_of(run.pid))


def test_loses_no_signal_before_the_child_is_there(start):
    """A signal that comes as soon as the init takes signals, before its child is executed, is not lost, in 20 runs. [sigprocmask(2), fork(2)]"""
    for _ in range(20):
        run = start("sleep", "1000")
        while not takes_signals(run):
            pass  # a pause could miss the moment
        run.signal(signal.SIGTERM)
        assert run.finish().status == 128 + signal.SIGTERM


@both_places
def test_forwards_a_second_request_to_end(start):
    """A second SIGTERM is forwarded like the first. [signal(7)]"""
    run = listening(start)
    for _ in range(2):
        run.signal(signal.SIGTERM)
        assert run.line() == f"signal {int(signal.SIGTERM)} -1"
    os.kill(run.main(), LAST)
    assert run.finish().status == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_leaves_it_to_the_child_what_a_signal_means(start, number):
    """A signal that the main child ignores does not end the init. [signal(7)]"""
    run = start("sh", "-c", f"trap '' {int(number)}; echo ready; read -r line; exit 5")
    run.expect("ready")
    run.signal(number)
    run.signal(signal.SIGCONT)
    run.say()
    assert run.finish().status == 5


def test_does_not_forward_sigchld(start):
    """The death of an orphan is the init's business: its SIGCHLD is not forwarded. [signal(7), wait(2)]"""
    run = listening(start, "orphan")
    orphan, = eventually(run.orphans, "the orphan as a child of the init")
    os.kill(orphan, signal.SIGKILL)
    eventually(lambda: not run.orphans(), "a reaped orphan")
    assert run.heard() == []


@both_places
def test_a_stopped_child_has_not_ended(start):
    """A main child that is stopped and continued has not ended. [wait(2) WUNTRACED, WCONTINUED]"""
    run = start("child", "exit", "5")
    run.expect("ready")
    main = run.main()
    for number, state in ((signal.SIGSTOP, "T"), (signal.SIGCONT, "S")) * 2:
        os.kill(main, number)
        eventually(lambda wanted=state: state_of(main) == wanted, f"a main child in state {state}")
    run.say()
    assert run.finish().status == 5


@pytest.mark.extra
@pytest.mark.parametrize("number", STOPS)
def test_hands_on_the_wish_to_stop(start, number):
    """SIGTSTP, SIGTTIN and SIGTTOU to the init reach the main child or stop it. [signal(7) Standard signals]"""
    run = listening(start)
    main = run.main()
    run.signal(number)
    eventually(lambda: state_of(main) == "T" or run.has_said_something(), "a stopped or informed child")


@pytest.mark.parametrize("number", STOPS)
def test_goes_on_after_a_stop(start, number):
    """After SIGTSTP, SIGTTIN or SIGTTOU and then SIGCONT to the init, child and init work as before. [signal(7)]"""
    run = start("child", "wait")
    run.expect("ready")
    run.signal(number)
    run.signal(signal.SIGCONT)
    eventually(lambda: state_of(run.main()) == "S", "a child that runs")
    run.signal(signal.SIGTERM)
    assert run.finish().status == 128 + signal.SIGTERM


def test_loses_nothing_while_it_is_stopped(start):
    """The init, stopped and continued from outside, has lost no signal. [signal(7) Interruption by stop signals]"""
    run = listening(start)
    run.signal(signal.SIGSTOP)
    eventually(lambda: state_of(run.pid) == "T", "a stopped init")
    run.signal(signal.SIGUSR1)
    run.signal(signal.SIGRTMIN + 1)
    run.signal(signal.SIGCONT)
    assert set(numbers(run.heard())) - {signal.SIGCONT} == {signal.SIGUSR1, signal.SIGRTMIN + 1}


def test_survives_a_debugger(start, programs):
    """The init, stopped by a debugger and let go, works as before. [ptrace(2)]"""
    run = listening(start)
    debugger = subprocess.Popen([programs.child, "attach", str(run.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert debugger.stdout.readline() == b"attached\n"
    run.signal(signal.SIGUSR2)
    debugger.communicate(b"\n")
    assert debugger.returncode == 0
    assert run.line() == f"signal {int(signal.SIGUSR2)} -1"


def test_does_not_take_a_traced_child_for_dead(start):
    """A main child that a tracer stops and lets go has not ended. [ptrace(2), wait(2)]"""
    run = start("child", "traced")
    run.expect("ready")
    run.say()
    assert run.finish().status == 6


@pytest.mark.parametrize("number", sorted({signal.SIGKILL, signal.SIGSTOP, *FAULTS}))
def test_cannot_be_killed_from_within(start, number):
    """SIGKILL, SIGSTOP and signals of faults that a process of the container sends do not end PID 1. [pid_namespaces(7), kill(2)]"""
    deaf = "" if number in (signal.SIGKILL, signal.SIGSTOP) else f"trap '' {int(number)}; "  # it may be forwarded
    assert start("sh", "-c", f"{deaf}kill -{int(number)} 1; sleep 0.1; exit 4").finish().status == 4


def test_does_not_hear_its_own_group(start):
    """A signal that the main child sends to its own process group does not come back through the init. [kill(2), setpgid(2)]"""
    run = listening(start, "shout")
    assert run.line() == f"signal {int(signal.SIGRTMIN) + 3} -1"
    assert run.heard() == []


def with_grandchild(start, programs, options):
    """A listening child of the main child, which is deaf."""
    run = start("sh", "-c", f"trap '' USR1; {programs.child} listen & wait", options=options)
    run.expect("ready")
    return run


@pytest.mark.extra
def test_tells_the_whole_group(start, init, programs):
    """With the option for it, a signal reaches the main child's whole process group. [kill(2), its own documentation]"""
    run = with_grandchild(start, programs, init.option("to_group"))
    run.signal(signal.SIGUSR1)
    assert run.line() == f"signal {int(signal.SIGUSR1)} -1"


@pytest.mark.extra
def test_tells_nobody_but_the_child(start, init, programs):
    """Without such an option, or with one that says so, a signal reaches only the main child. [kill(2), its own documentation]"""
    run = with_grandchild(start, programs, init.option("to_child_only"))
    run.signal(signal.SIGUSR1)
    os.kill(run.main(), LAST)
    assert run.line() == f"signal {LAST} -1"
