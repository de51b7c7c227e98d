"""vbctl and systemd's varlinkctl against the control server: a small program that serves a sample machine."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import BUILD, SOURCE, eventually

SERVER = BUILD / "tests" / "bin" / "control_server"
VBCTL = BUILD / "bin" / "vbctl"
GROUP = 7777
OTHER = 12345


def run(*words: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})


def as_user(user: int, *groups: int) -> list[str]:
    """The beginning of a command that another user runs."""
    listed = [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", *listed]


class Served:
    def __init__(self, *arguments: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vb-control-"))
        self.folder.chmod(0o755)
        self.socket = self.folder / "control.sock"
        self.process = subprocess.Popen([SERVER, self.socket, *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "listening\n"

    def vbctl(self, *words: str, prefix: list[str] | None = None, **options) -> subprocess.CompletedProcess[str]:
        return run(*(prefix or []), VBCTL, words[0], "--socket", self.socket, *words[1:], **options)

    def varlinkctl(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        return run("varlinkctl", verb, f"unix:{self.socket}", *words)

    def call(self, method: str, parameters: str = "{}", *options: str) -> subprocess.CompletedProcess[str]:
        return run("varlinkctl", *options, "--json=short", "call", f"unix:{self.socket}",
                   f"io.vectorboot.Control.{method}", parameters)

    def finish(self) -> str:
        """What it logged."""
        self.process.terminate()
        _, log = self.process.communicate(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)
        return log


@pytest.fixture
def serve():
    servers: list[Served] = []

    def start(*arguments: str) -> Served:
        servers.append(Served(*arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.finish()


@pytest.fixture
def served(serve):
    return serve()


def test_varlinkctl_info(served):
    done = served.varlinkctl("info")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Product: vector_boot\n.*Version: 0.1.0\n", done.stdout)
    assert "io.vectorboot.Control" in done.stdout


def test_varlinkctl_introspects_the_file(served):
    done = served.varlinkctl("introspect", "io.vectorboot.Control")
    assert done.returncode == 0, done.stderr
    # varlinkctl parses the description and writes it anew: what is left without blanks and comments is the same.
    written = (SOURCE / "src" / "control" / "io.vectorboot.Control.varlink").read_text()
    bare = [re.sub(r"\s+|#.*", "", text, flags=re.M) for text in (written, done.stdout)]
    assert bare[0] == bare[1]
    assert served.varlinkctl("introspect").returncode == 0  # org.varlink.service as well
    assert "io.vectorboot.Control.Watch" in served.varlinkctl("list-methods").stdout


def test_both_files_are_valid_varlink():
    for file in (SOURCE / "src" / "control").glob("*.varlink"):
        assert run("varlinkctl", "validate-idl", file).returncode == 0


def test_varlinkctl_calls_every_method(served):
    status = json.loads(served.call("Status").stdout)
    assert status["state"] == "degraded" and [unit["name"] for unit in status["units"]] == ["runtime", "sshd", "dhcp"]
    for method in ("Start", "Restart", "Stop"):
        done = served.call(method, '{"unit": "sshd"}')
        assert done.returncode == 0, done.stderr
    assert json.loads(served.call("Reload").stdout) == {"changed": ["runtime", "sshd", "dhcp"]}
    assert served.call("SetLogLevel", '{"level": "debug"}').returncode == 0
    assert served.call("Halt").returncode == 0
    assert served.process.wait(timeout=60) == 0


@pytest.mark.parametrize(("method", "parameters", "subject", "words"), [
    ("Start", '{"unit": "nothing"}', {"unit": "nothing"}, "io.vectorboot.Control.NoSuchUnit"),
    ("Start", "{}", {"parameter": "unit"}, "Invalid argument"),
    ("Explode", "{}", {"method": "io.vectorboot.Control.Explode"}, "No such device or address"),
    ("Watch", "{}", {}, "called without 'more' flag"),
])
def test_varlinkctl_understands_the_errors(served, method, parameters, subject, words):
    done = served.call(method, parameters)
    assert done.returncode == 1 and json.loads(done.stdout) == subject
    assert words in done.stderr


def test_varlinkctl_watches(served):
    watcher = subprocess.Popen(["varlinkctl", "-E", "--json=short", "call", f"unix:{served.socket}",
                                "io.vectorboot.Control.Watch", "{}"], stdout=subprocess.PIPE, text=True)
    try:
        def next_unit() -> dict:
            return json.loads(watcher.stdout.readline().lstrip("\x1e"))["unit"]  # RFC 7464: JSON text sequences

        assert [next_unit()["name"] for _ in range(3)] == ["runtime", "sshd", "dhcp"]
        assert served.vbctl("restart", "sshd").returncode == 0
        assert [next_unit()["state"] for _ in range(2)] == ["restarting", "ready"]
    finally:
        watcher.kill()
        watcher.communicate()


def test_vbctl_status(served):
    done = served.vbctl("status")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("vector_boot 0.1.0 as PID 1 of a container: degraded, up ")
    assert lines[2].split() == ["UNIT", "STATE", "PID", "SINCE", "RESTARTS", "MEMORY", "LAST", "EXIT", "STATUS"]
    assert lines[3].startswith("runtime  ready     41  ")
    assert "\x1b" not in done.stdout
    assert json.loads(served.vbctl("status", "--json").stdout).keys() \
        >= {"version", "place", "state", "uptime_ms", "boot_ms", "units"}


def test_vbctl_status_has_colours_on_a_terminal(served):
    command = f"{VBCTL} status --socket {served.socket}"
    assert "\x1b[32mready" in run("script", "-qec", command, "/dev/null").stdout
    assert "\x1b" not in run("script", "-qec", command, "/dev/null", environment={"NO_COLOR": "1"}).stdout


def test_vbctl_does_what_it_is_told(serve):
    served = serve()
    for words in (("start", "sshd"), ("stop", "sshd"), ("restart", "sshd"), ("log-level", "debug")):
        done = served.vbctl(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert served.vbctl("reload").stdout == "changed runtime\nchanged sshd\nchanged dhcp\n"
    assert served.vbctl("poweroff").returncode == 0
    assert served.process.wait(timeout=60) == 0
    assert re.search(r"control: Restart sshd asked by process \d+ of user 0\n", served.finish())


@pytest.mark.parametrize("word", ["poweroff", "reboot", "halt"])
def test_vbctl_ends_it(served, word):
    assert served.vbctl(word).returncode == 0
    assert served.process.wait(timeout=60) == 0


def test_vbctl_watch_until_the_end(served):
    watcher = subprocess.Popen([VBCTL, "watch", "--socket", served.socket], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    for unit in ("runtime: ready", "sshd: stopped", "dhcp: failed"):
        assert unit in watcher.stdout.readline()
    served.vbctl("start", "sshd")
    assert re.match(r"\[ +\d+\.\d{3}\] sshd: starting\n", watcher.stdout.readline())
    assert re.match(r"\[ +\d+\.\d{3}\] sshd: ready, pid 100\n", watcher.stdout.readline())
    served.vbctl("halt")
    _, error = watcher.communicate(timeout=60)
    assert (watcher.returncode, error) == (1, "vbctl: vector_boot closed the connection\n")


def expect(done: subprocess.CompletedProcess[str], status: int, error: str) -> None:
    assert done.returncode == status, done
    assert len(done.stderr.splitlines()) == 1 and re.search(error, done.stderr), done.stderr


def test_vbctl_says_what_is_wrong(serve):
    served = serve()
    expect(served.vbctl("restart", "nothing"), 4, "^vbctl: there is no unit nothing$")
    expect(served.vbctl("log-level", "loud"), 5, "^vbctl: this level is not valid$")
    expect(served.vbctl("restart"), 1, "UNIT is required")
    expect(serve(str(GROUP), "line 3: expected a number").vbctl("reload"), 5, "^vbctl: line 3: expected a number$")
    served.finish()
    expect(served.vbctl("status"), 2, r"^vbctl: connect to .*control\.sock: .* \(ENOENT\)$")


def test_only_root_may_connect_by_default(served):
    assert served.socket.stat().st_mode & 0o777 == 0o600
    expect(served.vbctl("status", prefix=as_user(OTHER)), 3, "EACCES")


def test_the_group_may_do_everything_and_others_nothing(serve):
    served = serve(str(GROUP))
    assert served.socket.stat().st_mode & 0o777 == 0o660 and served.socket.stat().st_gid == GROUP
    assert served.vbctl("restart", "sshd", prefix=as_user(OTHER, GROUP)).returncode == 0
    expect(served.vbctl("restart", "sshd", prefix=as_user(OTHER)), 3, "EACCES")
    served.socket.chmod(0o666)  # whoever could open the file is still not asked in
    for words in (("status",), ("watch",), ("restart", "sshd"), ("poweroff",)):
        expect(served.vbctl(*words, prefix=as_user(OTHER)), 3, "only root, the user that vector_boot runs as")
    assert run(*as_user(OTHER), "varlinkctl", "info", f"unix:{served.socket}").returncode == 0


def test_it_does_not_wake_up_by_itself(served):
    """Neither an idle client nor one that does not read makes it turn."""
    def switches() -> int:
        text = Path(f"/proc/{served.process.pid}/status").read_text()
        return sum(int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", text))

    def descriptors() -> int:
        return len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))

    at_first = descriptors()
    watcher = subprocess.Popen([VBCTL, "watch", "--socket", served.socket], stdout=subprocess.PIPE, text=True)
    stuck = subprocess.Popen(["python3", "-c", f"""
import socket
client = socket.socket(socket.AF_UNIX)
client.connect({str(served.socket)!r})
client.settimeout(0.2)
try:
    while True:
        client.sendall(b'{{"method":"io.vectorboot.Control.Status"}}' + bytes(1))
except TimeoutError:
    print("full", flush=True)
input()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(3):
            watcher.stdout.readline()
        assert stuck.stdout.readline() == "full\n"
        before = switches()
        ticks = Path(f"/proc/{served.process.pid}/stat").read_text().split()[13:15]
        run("sleep", "1")
        assert switches() == before
        assert Path(f"/proc/{served.process.pid}/stat").read_text().split()[13:15] == ticks
        assert served.vbctl("status").returncode == 0
    finally:
        for process in (watcher, stuck):
            process.kill()
            process.communicate()
    eventually(lambda: descriptors() == at_first, "closed connections")
