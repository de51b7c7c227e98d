"""What the main child inherits: as if the caller had executed it without an init in between."""

import os
import resource
import signal
from pathlib import Path

import pytest
from harness import descendants_of, descriptors_of, eventually, signals_of, status_of

both_places = pytest.mark.parametrize("place", ["pid1", "process"])


def main_of(start, *words, **options):
    """The pid of a waiting main child, out here."""
    run = start("child", "wait", *words, **options)
    run.expect("ready")
    return run.main()


def stat_of(process):
    """The fields of proc(5) stat, from the third on."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()


@both_places
def test_blocks_no_signal_of_the_child(start):
    """No signal is blocked in the main child that was not blocked in the init's caller. [sigprocmask(2), execve(2)]"""
    assert signals_of(main_of(start), "SigBlk") == set()
    number = int(signal.SIGUSR2)
    assert signals_of(main_of(start, under=(f"block={number}",)), "SigBlk") <= {number}


@both_places
def test_ignores_no_signal_of_the_child(start):
    """No signal is ignored in the main child that was not ignored in the init's caller. [signal(7), execve(2)]"""
    assert signals_of(main_of(start), "SigIgn") == set()


@pytest.mark.extra
def test_gives_the_child_a_clean_mask(start):
    """A signal that the init's caller had blocked is not blocked in the main child. [sigprocmask(2)]"""
    assert signals_of(main_of(start, under=(f"block={int(signal.SIGTERM)}",)), "SigBlk") == set()


@pytest.mark.extra
@pytest.mark.parametrize("number", [int(signal.SIGPIPE), int(signal.SIGHUP)])
def test_gives_the_child_default_dispositions(start, number):
    """SIGPIPE or SIGHUP that the init's caller ignored has its default action in the main child. [signal(7), execve(2)]"""
    assert signals_of(main_of(start, under=(f"ignore={number}",)), "SigIgn") == set()


@both_places
def test_reaps_where_sigchld_was_ignored(start):
    """An init that inherits an ignored SIGCHLD still learns the main child's status. [wait(2) NOTES, execve(2)]"""
    run = start("sh", "-c", "exit 3", under=(f"ignore={int(signal.SIGCHLD)}",))
    assert run.finish().status == 3


def test_gives_the_child_no_descriptor_of_its_own(start):
    """The main child has no descriptors but those of the init's caller. [open(2) O_CLOEXEC]"""
    assert set(descriptors_of(main_of(start))) == {0, 1, 2}


@pytest.mark.extra
def test_passes_descriptors_on(start, tmp_path):
    """Descriptors that the caller left open for the command are open in it, as after execve. [execve(2), sd_listen_fds(3)]"""
    passed = os.open(tmp_path, os.O_RDONLY)
    assert descriptors_of(main_of(start, pass_fds=(passed,))).get(passed) == str(tmp_path)
    os.close(passed)


def test_hands_on_standard_input_and_output(start):
    """Standard input, output and error are those of the init's caller, and the init reads nothing. [execve(2)]"""
    run = start("sh", "-c", "cat; echo told >&2")
    run.say("through")
    assert run.line() == "through"
    run.outer.stdin.close()
    assert "told" in run.finish().err


@both_places
def test_passes_the_arguments_on(start):
    """Arguments arrive as they are: empty, with blanks and newlines, not UTF-8, and those that look like options. [execve(2)]"""
    words = ["", " a  b ", "new\nline", os.fsdecode(b"\xff\xfe"), "--", "-h", "--version", "-x", "$HOME", "*"]
    line = Path(f"/proc/{main_of(start, *words)}/cmdline").read_bytes()
    assert line.removesuffix(b"\0").split(b"\0")[2:] == [os.fsencode(word) for word in words]


def test_passes_many_arguments_on(start):
    """A long list of arguments and a large environment arrive whole. [execve(2) Limits]"""
    words = [f"{number:0100}" for number in range(4_000)]
    environment = {f"NAME_{number}": "x" * 100 for number in range(2_000)}
    main = main_of(start, *words, env={**os.environ, **environment})
    assert len(Path(f"/proc/{main}/cmdline").read_bytes().split(b"\0")) == 2 + len(words) + 1
    assert set(variables_of(main)) >= set(environment)


@pytest.mark.extra
def test_leaves_the_commands_options_alone_without_a_separator(start, init):
    """In INIT CMD -h --version, without --, the options are the command's. [POSIX XBD 12.2 Guideline 9]"""
    if init.words[-1] != "--":
        pytest.skip("its command has no -- to leave out")
    ending = start("echo", "-h", "--version", separated=False).finish()
    assert (ending.status, ending.out) == (0, "-h --version\n")


def first_word_of(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:  # it has gone
        return b""


def test_keeps_the_first_argument(start):
    """The main child's argument zero is the word that was given, not a path that it was found at. [execve(2), exec(3)]"""
    run = start("sleep", "1000")

    eventually(
        lambda: any(first_word_of(process) == b"sleep" for process in descendants_of(run.pid)),
        "a process that calls itself sleep",
    )


def variables_of(process):
    """As the kernel gave them to the program."""
    pairs = Path(f"/proc/{process}/environ").read_bytes().removesuffix(b"\0").split(b"\0")
    return dict(os.fsdecode(pair).partition("=")[::2] for pair in pairs if pair)


@both_places
def test_passes_the_environment_on(start):
    """The environment arrives as it is, nothing is added and nothing taken. [environ(7), execve(2)]"""
    given = {"PATH": os.environ["PATH"], "EMPTY": "", "ODD": "a=b\nc", "LISTEN_FDS": "0", "NOTIFY_SOCKET": "/nowhere"}
    assert variables_of(main_of(start, env=given)) == given


def test_finds_the_program_by_path(start, tmp_path):
    """A command without a slash is looked for in the directories of PATH. [exec(3), POSIX XBD 8.3]"""
    program = tmp_path / "conformance-program"
    program.write_text("#!/bin/sh\nexit 11\n")
    program.chmod(0o755)
    run = start(program.name, env={"PATH": f"/nonexistent:{tmp_path}:/usr/bin:/bin"})
    assert run.finish().status == 11


@both_places
def test_keeps_the_working_directory(start, tmp_path):
    """The main child's working directory is that of the init's caller. [chdir(2)]"""
    assert os.readlink(f"/proc/{main_of(start, cwd=tmp_path)}/cwd") == str(tmp_path)


def test_keeps_the_umask(start):
    """The main child's umask is that of the init's caller. [umask(2)]"""
    assert status_of(main_of(start, under=("umask=027",)))["Umask"] == "0027"


def test_keeps_the_priority(start):
    """The main child's nice value and CPU affinity are those of the init's caller. [nice(2), sched_setaffinity(2)]"""
    main = main_of(start, under=("nice=7", "processor=0"))
    assert stat_of(main)[16] == "7"
    assert status_of(main)["Cpus_allowed_list"] == "0"


def test_keeps_the_score_for_the_out_of_memory_killer(start):
    """The main child's oom_score_adj is that of the init's caller. [proc_pid_oom_score_adj(5)]"""
    assert Path(f"/proc/{main_of(start, under=('oom=321',))}/oom_score_adj").read_text() == "321\n"


def test_keeps_the_limits(start):
    """The main child's resource limits are those of the init's caller. [getrlimit(2)]"""
    main = main_of(start, under=("descriptors=333",))
    assert resource.prlimit(main, resource.RLIMIT_NOFILE) == (333, 333)
    here = resource.getrlimit(resource.RLIMIT_CORE)
    assert resource.prlimit(main, resource.RLIMIT_CORE) == here


def test_keeps_the_credentials(start):
    """The main child's user, groups and capabilities are those of the init's caller. [credentials(7), capabilities(7)]"""
    for under in ((), ("user=65533",), ("no-capabilities",)):
        run = start("child", "wait", under=under)
        run.expect("ready")
        of_init, of_main = status_of(run.pid), status_of(run.main())
        for line in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"):
            assert of_init[line] == of_main[line], line
        if under == ("user=65533",):
            assert of_main["Uid"].split() == ["65533"] * 4


def test_asks_for_no_signal_on_its_own_death(start):
    """The main child has no parent-death signal that nobody asked for. [PR_SET_PDEATHSIG(2const)]"""
    assert start("child", "parent").line() == "0"


@pytest.mark.extra
def test_leads_a_process_group(start):
    """The main child leads a process group of its own, so that it can be stopped and signalled as a job. [setpgid(2), credentials(7)]"""
    main = main_of(start)
    assert int(stat_of(main)[2]) == main


@pytest.mark.extra
@both_places
def test_is_silent_when_all_is_well(start, init):
    """Where nothing is wrong, the init writes nothing. [POSIX XCU 1.4 STDERR]"""
    ending = start("true", options=init.optional("as_subreaper")).finish()
    assert (ending.status, ending.out, ending.err) == (0, "", "")
