"""vbctl and varlinkctl against the real PID 1."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import BUILD, LOOPBACK, TINY_MODEL, children_of, eventually, private_memory, status_of

VBCTL = BUILD / "bin" / "vbctl"


class Controlled:
    def __init__(self, init, config: Path, port: int) -> None:
        self.init, self.config, self.port = init, config, port
        self.socket = Path(f"/proc/{init.pid}/root/run/vector_boot/control.sock")
        eventually(self.socket.exists, "the control socket")

    def vbctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([VBCTL, words[0], "--socket", self.socket, *words[1:]], capture_output=True, text=True,
                              timeout=60, check=False, stdin=subprocess.DEVNULL)

    def status(self) -> dict:
        done = self.vbctl("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def unit(self, name: str) -> dict:
        return next(unit for unit in self.status()["units"] if unit["name"] == name)

    def configure(self, services: str, context: int = 512) -> None:
        self.config.write_text(f'[engine]\nmodel = "{TINY_MODEL}"\ncontext = {context}\ncache = ""\n'
                               f'[listen]\nhttp = "{LOOPBACK}:{self.port}"\n{services}')


def service(name: str, script: str = "exec sleep 60") -> str:
    return f'[[service]]\nname = "{name}"\ncommand = ["/bin/sh", "-c", "{script}"]\n'


@pytest.fixture
def controlled(start, port, tmp_path) -> Controlled:
    config = tmp_path / "config.toml"
    made = Controlled.__new__(Controlled)
    made.config, made.port = config, port
    made.configure(service("kept") + service("other"))
    one = Controlled(start("--config", str(config)), config, port)
    eventually(lambda: status_of(port) == 200, "a ready runtime")
    return one


def test_the_status_is_what_runs(controlled):
    status = eventually(lambda: (now := controlled.status())["state"] == "ready" and now, "everything ready")
    assert status["place"] == "container" and status["boot_ms"] > 0
    units = {unit["name"]: unit for unit in status["units"]}
    assert list(units) == ["runtime", "kept", "other"]
    assert all(unit["state"] == "ready" for unit in units.values())
    pids = {int(line.split()[1]) for child in children_of(controlled.init.pid)
            for line in Path(f"/proc/{child}/status").read_text().splitlines() if line.startswith("NSpid:")}
    assert len(pids) == 3
    table = controlled.vbctl("status").stdout
    assert "runtime" in table and "serving" in table


def test_the_runtime_is_restarted_without_refusing_anyone(controlled):
    before = controlled.unit("runtime")["pid"]
    assert controlled.vbctl("restart", "runtime").returncode == 0
    eventually(lambda: controlled.unit("runtime")["pid"] not in (None, before), "another runtime")
    assert status_of(controlled.port) in (200, 503)
    eventually(lambda: controlled.unit("runtime")["state"] == "ready", "readiness again")
    assert controlled.unit("runtime")["restarts"] == 1


def test_units_are_stopped_and_started(controlled):
    for unit in ("runtime", "other"):
        assert controlled.vbctl("stop", unit).returncode == 0
        eventually(lambda unit=unit: controlled.unit(unit)["state"] == "stopped", "the end of it")
        assert controlled.unit(unit).get("pid") is None
        assert controlled.vbctl("start", unit).returncode == 0
        eventually(lambda unit=unit: controlled.unit(unit)["state"] == "ready", "its start")
    done = controlled.vbctl("restart", "nothing")
    assert done.returncode == 4 and "nothing" in done.stderr


def test_a_reload_applies_differences_only(controlled):
    kept, runtime = (controlled.unit(name)["pid"] for name in ("kept", "runtime"))
    controlled.configure(service("kept") + service("other", "exec sleep 61") + service("new"))
    done = controlled.vbctl("reload")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) >= {"other", "new"}
    eventually(lambda: all(unit["state"] == "ready" for unit in controlled.status()["units"]), "all of them ready")
    assert [unit["name"] for unit in controlled.status()["units"]] == ["runtime", "kept", "other", "new"]
    assert (controlled.unit("kept")["pid"], controlled.unit("runtime")["pid"]) == (kept, runtime)
    controlled.configure("", context=256)
    assert controlled.vbctl("reload").returncode == 0
    eventually(lambda: (now := controlled.unit("runtime"))["pid"] != runtime and now["state"] == "ready", "a new runtime")
    eventually(lambda: len(children_of(controlled.init.pid)) == 1, "the end of the services")


def test_the_first_services_can_come_with_a_reload(start, port, tmp_path):
    """Each way of saying that one is ready, where none was configured when PID 1 began."""
    one = Controlled.__new__(Controlled)
    one.config, one.port = tmp_path / "config.toml", port
    one.configure("")
    one.__init__(start("--config", str(one.config)), one.config, port)
    says_so = "import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); " \
        "s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1)); time.sleep(60)"
    one.configure(service("writes", "echo >&$READY_FD; exec sleep 60") + 'ready = "fd"\n'
                  '[[service]]\nname = "notifies"\nready = "notify"\n'
                  f'command = {json.dumps(["/usr/bin/python3", "-c", says_so])}\n')
    assert one.vbctl("reload").returncode == 0
    for name in ("notifies", "writes"):
        eventually(lambda name=name: one.unit(name)["state"] == "ready", "its readiness")


def test_a_bad_configuration_is_refused_and_changes_nothing(controlled):
    before = controlled.status()["units"]
    controlled.config.write_text('[engine]\ncontxt = 1\n')
    done = controlled.vbctl("reload")
    assert done.returncode == 5
    assert "line 2: `contxt = 1`: unknown key contxt" in done.stderr
    assert [unit["pid"] for unit in controlled.status()["units"]] == [unit["pid"] for unit in before]


def test_varlinkctl_powers_off(controlled):
    done = subprocess.run(["varlinkctl", "call", f"unix:{controlled.socket}", "io.vectorboot.Control.PowerOff", "{}"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    status, _, log = controlled.init.finish()
    assert status == 0
    assert "ending in order" in log


def test_watch_tells_of_a_death(controlled):
    watch = subprocess.Popen([VBCTL, "watch", "--socket", controlled.socket], stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(3):
            watch.stdout.readline()
        killed = controlled.init.runtime()
        os.kill(killed, signal.SIGKILL)
        line = watch.stdout.readline()
        assert "runtime" in line
    finally:
        watch.kill()
        watch.communicate()


def test_asking_costs_no_memory(controlled):
    for _ in range(200):
        controlled.status()
    eventually(lambda: private_memory(controlled.init.pid) <= 1024, "at most one MiB")
