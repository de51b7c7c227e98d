"""[[service]]: real programs, in the order and in the state that the configuration asks for."""

import json
import os
import signal
from pathlib import Path

import pytest

from conftest import children_of, eventually, private_memory

PROBE = """
import json, os, resource, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
json.dump({"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "cwd": os.getcwd(), "environment": dict(os.environ),
           "nofile": resource.getrlimit(resource.RLIMIT_NOFILE), "status": status, "session": os.getsid(0) == os.getpid(),
           "pid": os.getpid(), "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))}, open(sys.argv[1], "w"))
os.rename(sys.argv[1], sys.argv[1] + ".done")
"""


@pytest.fixture
def configure(tmp_path):
    def write(*services: str, more: str = "") -> str:
        config = tmp_path / "config.toml"
        config.write_text(more + "".join(f"[[service]]\n{service}\n" for service in services))
        return str(config)

    return write


def shell(script: str) -> str:
    return f"command = {json.dumps(['/bin/sh', '-c', script])}\n"


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_service_is_what_its_configuration_says(start, configure, tmp_path):
    out = tmp_path / "out"
    config = configure(
        f'name = "probe"\ncommand = {json.dumps(["/usr/bin/python3", "-c", PROBE, str(out)])}\n'
        'type = "oneshot"\nuser = "daemon"\ngroup = "mail"\ndirectory = "/usr"\nenvironment = ["COLOUR=blue"]\n'
        'limits = { nofile = 99 }\ncapabilities = ["CAP_NET_BIND_SERVICE"]\nno_new_privileges = true\n'
        'sockets = ["127.0.0.1:0"]\n')
    start("--config", config, "--", "sleep", "60")
    probe = json.loads(eventually(lambda: out.with_name("out.done").exists() and out.with_name("out.done").read_text(), "the probe"))
    assert (probe["uid"], probe["gid"], probe["cwd"]) == (1, 8, "/usr")
    environment = probe["environment"]
    assert environment["COLOUR"] == "blue" and environment["USER"] == "daemon" and environment["HOME"] == "/usr/sbin"
    assert (environment["LISTEN_FDS"], environment["LISTEN_PID"]) == ("1", str(probe["pid"]))
    assert probe["nofile"] == [99, 99]
    only = f"{1 << 10:016x}"
    assert [probe["status"][name] for name in ("CapBnd", "CapEff", "CapPrm", "CapAmb", "NoNewPrivs")] == [only] * 4 + ["1"]
    assert probe["session"]
    assert probe["status"]["SigBlk"] == probe["status"]["SigIgn"].replace("1", "0") == "0" * 16


def test_services_start_in_their_order_and_stop_in_reverse(start, configure, tmp_path):
    log = tmp_path / "log"

    def talking(name: str) -> str:
        # A shell runs its trap only between commands, so it waits for a background sleep.
        return shell(f"trap 'echo -{name} >> {log}; exit 0' TERM; echo +{name} >> {log}; echo >&$READY_FD; sleep 60 & wait")

    config = configure(
        'name = "third"\nafter = ["second"]\nready = "fd"\n' + talking("third"),
        'name = "second"\nafter = ["first"]\nready = "fd"\n' + talking("second"),
        f'name = "first"\ntype = "oneshot"\n' + shell(f"sleep 0.2; echo +first >> {log}"))
    init = start("--config", config, "--", "sleep", "60")
    eventually(lambda: "+third" in lines_of(log), "the last service")
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 128 + signal.SIGTERM
    assert lines_of(log) == ["+first", "+second", "+third", "-third", "-second"]


def test_readiness_by_notification(start, configure, tmp_path):
    mark = tmp_path / "mark"
    notify = "import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); " \
             "s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:]); s.send(b'READY=1'); import time; time.sleep(60)"
    config = configure(
        f'name = "a"\nready = "notify"\ncommand = {json.dumps(["/usr/bin/python3", "-c", notify])}\n',
        'name = "b"\nafter = ["a"]\n' + shell(f"echo up > {mark}; sleep 60"))
    start("--config", config, "--", "sleep", "60")
    eventually(mark.exists, "the service that waits for the other one")


def test_a_service_that_dies_is_started_again_and_at_last_given_up(start, configure, tmp_path):
    log = tmp_path / "log"
    config = configure('name = "a"\nlimit = 3\n' + shell(f"echo x >> {log}; exit 7"))
    init = start("--config", config, "--", "sleep", "60")
    said = []
    while "given up" not in (line := init.outer.stderr.readline()):
        said.append(line)
    assert "service a failed 3 times in a row" in line
    assert sum("service a ended with status 7" in line for line in said) == 3
    assert len(lines_of(log)) == 3


def test_what_a_service_leaves_behind_is_killed_with_it(start, configure, tmp_path):
    pid = tmp_path / "pid"
    config = configure('name = "a"\nrestart = "never"\n' + shell(f"sleep 300 & echo $! > {pid}.new; mv {pid}.new {pid}; exit 0"))
    init = start("--config", config, "--", "sleep", "60")
    eventually(pid.exists, "the service")
    eventually(lambda: len(children_of(init.pid)) == 1, "nobody but the command")


def test_a_service_that_cannot_be_executed_says_why(start, configure):
    config = configure('name = "a"\nlimit = 1\ncommand = ["/no/such/program"]\n',
                       'name = "b"\nlimit = 1\nuser = "nobody-at-all"\ncommand = ["/bin/true"]\n')
    _, _, log = start("--config", config, "--", "sleep", "0.3").finish()
    assert "service a: execute /no/such/program: No such file or directory (ENOENT)" in log
    assert "service b: find the user nobody-at-all: expected a number or a name in /etc/passwd" in log


def test_a_bad_service_is_named_with_its_line(start, configure):
    status, _, log = start("--config", configure('name = "a"\ncommand = ["/bin/true"]\nafter = ["b"]\n')).finish()
    assert status == 1
    assert "line 4: `after = [\"b\"]`: expected after in [service]" in log


def test_ten_services_cost_little_memory(start, configure):
    config = configure(*(f'name = "s{number}"\n' + shell("exec sleep 60") for number in range(10)))
    init = start("--config", config, "--", "sleep", "60")
    eventually(lambda: len(children_of(init.pid)) == 11, "all services")
    eventually(lambda: private_memory(init.pid) <= 1024, "at most one MiB once it has started up")
