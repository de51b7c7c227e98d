"""What rules are tried on: devices that are plain files, and a machine that watches them."""

import http.client
import json
import os
import re
import struct
import urllib.request
from pathlib import Path

import pytest

from conftest import LOOPBACK, TINY_MODEL, eventually, status_of

VALVE = 'write = { device = "valve", offset = 0x10, values = { open = 17, close = 34 } }'
FREE = "[sandbox]\nenabled = false\n"


class Registers:
    """A plain file in a device's place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(64))

    def write(self, offset: int, value: int, form: str = "<I") -> None:
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(struct.pack(form, value))

    def read(self, offset: int) -> int:
        return int(struct.unpack_from("<I", self.path.read_bytes(), offset)[0])


class Machine:
    """A sensor with an interrupt, a valve, and what the machine says of them."""

    def __init__(self, start, folder: Path, port: int) -> None:
        self._start, self._port = start, port
        self._configuration, self._log = folder / "config.toml", folder / "log"
        self.sensor, self.valve = Registers(folder / "sensor"), Registers(folder / "valve")
        self.fifo = folder / "interrupt"
        os.mkfifo(self.fifo)
        self.folder = folder
        self.init = None

    def configure(self, rules: str, sections: str = FREE, model: Path = TINY_MODEL) -> Path:
        self._configuration.write_text(f"""
[engine]
model = "{model}"
cache = ""
[listen]
http = "{LOOPBACK}:{self._port}"
{sections}
[[device]]
name = "sensor"
file = "{self.sensor.path}"
interrupt = "{self.fifo}"
[[device]]
name = "valve"
file = "{self.valve.path}"
{rules}
""")
        return self._configuration

    def boot(self, rules: str, sections: str = FREE):
        configuration = self.configure(rules, sections)
        self.init = self._start("--config", str(configuration))
        eventually(lambda: status_of(self._port) == 200, "a ready runtime")
        return self

    def interrupt(self, count: int = 1) -> None:
        with open(self.fifo, "wb", buffering=0) as fifo:
            fifo.write(bytes(count))

    def log(self) -> str:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self._port}/logs") as reply:
            return "\n".join(line["text"] for line in json.load(reply)["lines"])

    def wait_for_log(self, pattern: str) -> re.Match:
        return eventually(lambda: re.search(pattern, self.log()), f"{pattern!r} in the log")

    def listen(self, after: int = 0) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=60)
        connection.request("GET", "/events", headers={"Last-Event-ID": str(after)})
        return connection.getresponse()

    def next_event(self, stream: http.client.HTTPResponse) -> dict:
        """The next one of the rules."""
        while not (line := stream.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
        return json.loads(line.removeprefix(b"data: "))


@pytest.fixture
def machine(start, tmp_path, port):
    return Machine(start, tmp_path, port)


def rule(*lines: str, name: str = "heat", device: str = "sensor", prompt: str = "It is {value}, was {before}.") -> str:
    return "\n".join(("[[on]]", f'name = "{name}"', f'device = "{device}"', f"prompt = '''{prompt}'''", *lines, ""))
