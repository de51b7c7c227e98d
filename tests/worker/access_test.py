"""The runtime alone, with TLS, keys, an origin and the log of requests."""

import http.client
import json
import os
import signal
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from vector_boot_tools.places import BINARIES
from vector_boot_tools.testing import LOOPBACK, eventually, free_port

RUNTIME = BINARIES / "vector_boot-runtime"
PATIENCE = 60.0


class Runtime:
    def __init__(self, model: Path, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        certificate, key, self.keys = folder / "chain.pem", folder / "key.pem", folder / "keys"
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
        subprocess.run([*make.split(), "-addext", f"subjectAltName=IP:{LOOPBACK}", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        self.keys.write_text("# ours\nalpha\nbeta\n", encoding="ascii")
        self.context = ssl.create_default_context(cafile=certificate)
        words = ["--model", model, "--listen", f"{LOOPBACK}:{self.port}", "--certificate", certificate, "--private-key", key,
                 "--keys", self.keys, "--origin", "https://app.example", "--access-log"]
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen([RUNTIME, *words], stderr=log)
        eventually(self.answers, "the runtime")

    def answers(self) -> bool:
        try:
            return self.status("/live") == 200
        except ConnectionRefusedError:
            return False

    def status(self, path: str, headers: Mapping[str, str] | None = None) -> int:
        connection = http.client.HTTPSConnection(LOOPBACK, self.port, context=self.context, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers or {})
            return connection.getresponse().status
        finally:
            connection.close()

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def runtime(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    one = Runtime(model, tmp_path_factory.mktemp("access"))
    yield one
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(PATIENCE) == 0


def test_a_key_is_needed_and_the_log_says_whose(runtime: Runtime) -> None:
    assert runtime.status("/v1/models") == 401
    assert runtime.status("/v1/models?secret=1", {"Authorization": "Bearer beta", "X-Request-Id": "mine"}) == 200
    line = eventually(lambda: next((line for line in runtime.log().splitlines() if "mine" in line), None), "its line")
    entry = json.loads(line[line.index("{") :])
    assert (entry["client"], entry["method"], entry["path"], entry["status"]) == ("key 2", "GET", "/v1/models", 200)
    assert entry["complete"] and entry["bytes"] > 0
    assert "beta" not in runtime.log() and "secret" not in runtime.log()


def test_other_keys_need_no_restart(runtime: Runtime) -> None:
    new = runtime.folder / "keys.new"
    new.write_text("gamma\n", encoding="ascii")
    os.rename(new, runtime.keys)
    eventually(lambda: runtime.status("/v1/models", {"x-api-key": "gamma"}) == 200, "the new key")
    assert runtime.status("/v1/models", {"x-api-key": "alpha"}) == 401
    runtime.keys.write_text("two words\n", encoding="ascii")
    eventually(lambda: "line 1: a key is" in runtime.log(), "a word about the faulty file")
    assert runtime.status("/v1/models", {"x-api-key": "gamma"}) == 200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--certificate", "/nothing", "--private-key", "/nothing"], "use the certificate /nothing: No such file"),
        (["--certificate", "/etc/passwd", "--private-key", "/nothing"], "use the certificate /etc/passwd: no start line"),
        (["--keys", "/nothing"], "open /nothing: No such file"),
        (["--keys", "/dev/null"], "read the keys of /dev/null: there is none in it"),
    ],
)
def test_what_cannot_be_used_ends_the_start(model: Path, words: list[str], said: str) -> None:
    command = [RUNTIME, "--model", model, "--listen", f"{LOOPBACK}:{free_port()}", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1
    assert said in ended.stderr
