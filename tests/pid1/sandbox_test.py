"""What is refused to the runtime, tried by the real process: gdb, as root and from outside, calls libc's functions in it."""

import ctypes
import errno
import os
import re
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from conftest import IS_SANITIZED, LOOPBACK, TINY_MODEL, VECTOR_BOOT, eventually, status_of, vbctl

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else, and look into it")

NOBODYS = 65520  # the user of the runtime where there is no account "vector_boot"


def landlock_abi() -> int:
    """Of this kernel; 0: none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(444, None, 0, 1))


def configure(directory: Path, port: int, more: str = "", cache: Path | None = None) -> Path:
    path = directory / "config.toml"
    path.write_text(f'[engine]\nmodel = "{TINY_MODEL}"\ncache = "{cache or ""}"\n[listen]\nhttp = "{LOOPBACK}:{port}"\n'
                    f"{more}\n")
    return path


@pytest.fixture
def serve(start, port, tmp_path):
    """A ready vector_boot with that configuration."""

    def serve_one(more: str = "", **options):
        init = start("--config", str(configure(tmp_path, port, more, options.pop("cache", None))), **options)
        init.port = port
        eventually(lambda: status_of(port) == 200, "a ready runtime")
        return init

    return serve_one


def status_line(process: int, name: str) -> str:
    text = Path(f"/proc/{process}/status").read_text()
    return re.search(rf"^{name}:[ \t]*(.*)$", text, re.MULTILINE)[1].strip()


class Intruder:
    """Code of our own in the runtime."""

    def __init__(self, process: int) -> None:
        self.process = process

    def attempt(self, *expressions: str) -> list[tuple[int, str]]:
        """The result of each, and the name of errno where it is negative."""
        commands = ["set confirm off", "set pagination off", "set $e = (int*(*)(void))__errno_location"]
        for expression in expressions:
            commands += [f"set $r = (long)({expression})", r'printf "result %ld %d\n", $r, $r < 0 ? *$e() : 0']
        done = subprocess.run(["gdb", "--nx", "--quiet", "-batch", "-p", str(self.process),
                               *(word for command in commands for word in ("-ex", command))],
                              capture_output=True, text=True, timeout=120, check=False)
        results = re.findall(r"^result (-?\d+) (\d+)$", done.stdout, re.MULTILINE)
        assert len(results) == len(expressions), done.stdout + done.stderr
        return [(int(result), errno.errorcode.get(int(number), "")) for result, number in results]


ATTEMPTS = {
    "read /etc/shadow": ('((int(*)(const char*,int))open)("/etc/shadow", 0)', {"EACCES"}),
    "read another process": ('((int(*)(const char*,int))open)("/proc/1/environ", 0)', {"EACCES"}),
    "write outside": ('((int(*)(const char*,int,int))open)("/tmp/outside", 0101, 0600)', {"EACCES"}),
    "write to the model": (f'((int(*)(const char*,int))open)("{TINY_MODEL}", 1)', {"EACCES"}),
    "open a socket": ("((int(*)(int,int,int))socket)(2, 1, 0)", {"EPERM"}),
    "open a unix socket": ("((int(*)(int,int,int))socket)(1, 1, 0)", {"EPERM"}),
    "execute": ('((int(*)(const char*,void*,void*))execve)("/bin/true", 0, 0)', {"EPERM"}),
    "trace PID 1": ("((long(*)(int,int,long,long))ptrace)(16, 1, 0, 0)", {"EPERM"}),
    "fork": ("((int(*)(void))fork)()", {"EPERM"}),
    "signal PID 1": ("((int(*)(int,int))kill)(1, 0)", {"EPERM"}),
    "become root": ("((int(*)(int))setuid)(0)", {"EPERM"}),
    "mount": ('((int(*)(const char*,const char*,const char*,long,void*))mount)("n", "/tmp", "tmpfs", 0, 0)', {"EPERM"}),
    "make a namespace": ("((int(*)(int))unshare)(0x10000000)", {"EPERM"}),
}
# The same in a runtime that is not confined, less what would hurt it or PID 1.
HARMLESS = ["read /etc/shadow", "read another process", "open a socket", "open a unix socket", "signal PID 1", "become root"]


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitized runtime is not confined from inside")
def test_an_intruder_is_refused_everything(serve):
    runtime = serve().runtime()
    results = Intruder(runtime).attempt(*(expression for expression, _ in ATTEMPTS.values()))
    for (name, (_, expected)), (result, error) in zip(ATTEMPTS.items(), results, strict=True):
        if landlock_abi() == 0 and name in ("read another process", "write outside"):
            continue
        assert result == -1, name
        assert error in expected, name
    # Positive control: what it is there for works from in there, by the same means.
    read = Intruder(runtime).attempt(f'((int(*)(const char*,int))open)("{TINY_MODEL}", 0)')
    assert read[0][0] >= 0
    assert os.kill(runtime, 0) is None


def test_the_same_succeeds_without_the_sandbox(serve):
    init = serve("[sandbox]\nenabled = false")
    runtime = init.runtime()
    assert status_line(runtime, "Uid").split()[0] == "0"
    assert status_line(runtime, "NoNewPrivs") == "0"
    assert status_line(runtime, "Seccomp") == "0"
    for name, (result, error) in zip(HARMLESS, Intruder(runtime).attempt(*(ATTEMPTS[name][0] for name in HARMLESS)),
                                     strict=True):
        assert result >= 0, f"{name}: {error}"


def test_the_kernel_says_the_same(serve):
    runtime = serve().runtime()
    assert status_line(runtime, "Uid").split() == [str(NOBODYS)] * 4
    assert status_line(runtime, "Gid").split() == [str(NOBODYS)] * 4
    assert status_line(runtime, "Groups") == ""
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status_line(runtime, capabilities), 16) == 0
    assert status_line(runtime, "NoNewPrivs") == "1"
    if not IS_SANITIZED:
        assert status_line(runtime, "Seccomp") == "2"
    for thread in os.listdir(f"/proc/{runtime}/task"):
        assert status_line(int(thread), "Seccomp") == status_line(runtime, "Seccomp")


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitized runtime is not confined from inside")
def test_vbctl_status_shows_it(serve):
    landlock = f"Landlock ABI {landlock_abi()}" if landlock_abi() else "without Landlock"
    assert f"\nruntime: user {NOBODYS}, no capabilities, no_new_privs, seccomp, {landlock}\n" in vbctl(serve(), "status")


def test_a_reload_confines_and_sets_free(serve, tmp_path):
    init = serve()
    first = init.runtime()
    configure(tmp_path, init.port, "[sandbox]\nenabled = false")
    assert vbctl(init, "reload") == "changed runtime\n"
    eventually(lambda: init.runtime() != first and status_of(init.port) == 200, "another runtime that serves")
    assert status_line(init.runtime(), "Uid").split()[0] == "0"
    assert "\nruntime: user 0, capabilities 0x" in vbctl(init, "status")


def test_a_command_is_not_confined(start):
    _, out, _ = start("--", "grep", "-E", "^(NoNewPrivs|Uid)", "/proc/self/status").finish()
    assert re.search(r"NoNewPrivs:\s+0", out)
    assert re.search(r"Uid:\s+0\s", out)


def test_the_cache_is_the_runtimes_own(serve, tmp_path):
    cache = tmp_path / "one" / "cache"
    serve(cache=cache)
    assert (cache.stat().st_uid, cache.parent.stat().st_uid) == (NOBODYS, 0)
    kept = eventually(lambda: list(cache.glob("*.prefix")), "what the runtime keeps")
    assert kept[0].stat().st_uid == NOBODYS


def test_a_cache_of_somebody_else_stays_theirs(serve, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "theirs").touch()
    init = serve(cache=cache)
    init.signal(signal.SIGTERM)
    _, _, log = init.finish()
    assert cache.stat().st_uid == 0
    assert f"{cache} belongs to user 0, expected {NOBODYS}: chown -R it, or remove it" in log


def test_no_link_leads_the_cache_elsewhere(serve, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    init = serve(cache=tmp_path / "link")
    init.signal(signal.SIGTERM)
    _, _, log = init.finish()
    assert elsewhere.stat().st_uid == 0
    assert f"nothing is kept for the next start: open {tmp_path / 'link'}" in log


def test_a_model_that_its_user_may_not_read_is_one_clear_line(start, port, tmp_path):
    model = tmp_path / "model.gguf"
    shutil.copy(TINY_MODEL, model)
    model.chmod(stat.S_IRUSR)
    status, _, log = start("--model", str(model), "--listen", f"{LOOPBACK}:{port}").finish()
    assert status == 2
    assert [line for line in log.splitlines() if str(model) in line and "[sandbox]" in line] != []
    assert f'read {model}: user {NOBODYS} may not (EACCES): chmod or chown it and the directories above it, or set ' \
           '[sandbox] user = "root"' in log


def test_root_can_read_it_and_is_confined_all_the_same(serve, tmp_path):
    secret = tmp_path / "only_roots.gguf"
    shutil.copy(TINY_MODEL, secret)
    secret.chmod(stat.S_IRUSR)
    runtime = serve(f'[sandbox]\nuser = "root"\nreadable = ["{secret}"]').runtime()
    assert status_line(runtime, "Uid").split()[0] == "0"
    assert int(status_line(runtime, "CapBnd"), 16) == 0
    assert status_line(runtime, "NoNewPrivs") == "1"
    if landlock_abi() and not IS_SANITIZED:
        results = Intruder(runtime).attempt(ATTEMPTS["read /etc/shadow"][0],
                                            f'((int(*)(const char*,int))open)("{secret}", 0)')
        assert results[0] == (-1, "EACCES")
        assert results[1][0] >= 0, "[sandbox] readable"


def test_where_only_root_is_mapped_it_serves_as_root(start, port, tmp_path):
    """As in a container that an ordinary user has made."""
    config = configure(tmp_path, port)
    wrapper = tmp_path / "in_user_namespace"
    wrapper.write_text(f'#!/bin/sh\nexec unshare --user --map-root-user -- {VECTOR_BOOT} "$@"\n')
    wrapper.chmod(0o755)
    init = start("--config", str(config), program=wrapper, as_process=True)
    eventually(lambda: status_of(port) == 200, "a ready runtime")
    init.signal(signal.SIGTERM)
    status, _, log = init.finish()
    assert status == 0
    assert "the runtime runs as user 0: this user namespace" in log


def test_an_ordinary_user_runs_it_as_that_user(start, port, tmp_path):
    init = start("--config", str(configure(tmp_path, port)), as_process=True, user=12345, group=12345, extra_groups=[])
    eventually(lambda: status_of(port) == 200, "a ready runtime")
    runtime = init.runtime()
    assert status_line(runtime, "Uid").split()[0] == "12345"
    assert status_line(runtime, "NoNewPrivs") == "1"
    if not IS_SANITIZED:
        assert status_line(runtime, "Seccomp") == "2"
    init.signal(signal.SIGTERM)
    status, _, log = init.finish()
    assert status == 0
    assert "the runtime runs as user 12345: vector_boot is not root" in log
