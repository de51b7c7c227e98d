"""vbctl chat: one answer in a pipe, and a conversation in a terminal."""

import http.server
import json
import os
import pty
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from servers import KEY, KEYS, Server
from vector_boot_tools.places import BINARIES
from vector_boot_tools.testing import DEADLINE, LOOPBACK, eventually

VBCTL = str(BINARIES / "vbctl")


def ask(url: str, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    source = {"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}
    command = [VBCTL, "chat", "--url", url, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **source)


def test_one_question(server: Server) -> None:
    done = ask(server.address, "Why is the sky blue?")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() and done.stdout.endswith("\n")


def test_standard_input_and_a_system_prompt(server: Server) -> None:
    done = ask(server.url, "--system", "You answer in one sentence.", typed="What is a cat?\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_a_question_that_is_too_long(server: Server) -> None:
    done = ask(server.address, typed="word " * 5000)
    assert done.returncode == 5 and done.stdout == ""
    assert "answered 400" in done.stderr and "context" in done.stderr


def test_a_key(locked: Server, tmp_path) -> None:
    file = tmp_path / "key"
    file.write_text("# of the server\n\n" + "".join(KEYS.values()))
    assert ask(locked.address, "--key-file", str(file), "Hi").returncode == 0
    refused = ask(locked.address, "Hi")
    assert refused.returncode == 3 and "--key-file" in refused.stderr and KEY not in refused.stderr


def test_nobody_is_there() -> None:
    done = ask(f"http://{LOOPBACK}:9", "Hi")
    assert done.returncode == 2 and "nobody answers" in done.stderr


@pytest.mark.parametrize("url", ["https://localhost", "localhost:8080", "http://", "ftp://x"])
def test_an_address_that_is_none(url: str) -> None:
    done = ask(url, "Hi")
    assert done.returncode == 1 and "expected http://HOST:PORT" in done.stderr


def test_this_machine_speaks_tls() -> None:
    configuration = r'[listen]\nhttp = "0.0.0.0:8443"\n[http]\ncertificate = "/c.pem"\nprivate_key = "/k.pem"\n'
    place = f"mount -t tmpfs tmpfs /etc; mkdir /etc/vector_boot; printf '{configuration}' >/etc/vector_boot/config.toml"
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", f"{place}; exec {VBCTL} chat Hi"],
                          capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 1
    assert done.stderr == f"vbctl: https://{LOOPBACK}:8443: expected http://HOST:PORT (for https use another client, as curl)\n"


def test_a_question_that_is_empty() -> None:
    assert ask(f"http://{LOOPBACK}:9", typed=" \n").returncode == 1


# --- a terminal -----------------------------------------------------------------------------------------------


class Terminal:
    """vbctl chat in a terminal of its own."""

    def __init__(self, url: str, *words: str) -> None:
        self._terminal, inner = pty.openpty()
        command = ["setsid", "--ctty", VBCTL, "chat", "--url", url, *words]
        self._process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner)
        os.close(inner)
        self.seen = ""

    def until(self, text: str) -> str:
        """What is shown up to this text, which is taken away with it."""

        def shown() -> bool:
            if text not in self.seen and select.select([self._terminal], [], [], 0)[0]:
                try:
                    self.seen += os.read(self._terminal, 4096).decode(errors="replace").replace("\r\n", "\n")
                except OSError:  # it has ended
                    assert text in self.seen, f"it ended before it showed {text!r}; it showed:\n{self.seen}"
            return text in self.seen

        try:
            eventually(shown, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; it showed:\n{self.seen}") from error
        before, _, self.seen = self.seen.partition(text)
        return before

    def say(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")
        self.until(line + "\n")  # the terminal's echo

    def press(self, key: bytes) -> None:
        os.write(self._terminal, key)

    def status(self) -> int:
        return self._process.wait(DEADLINE)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def terminal(server: Server) -> Iterator[Terminal]:
    one = Terminal(server.address)
    one.until("> ")
    yield one
    one.close()


INTERRUPT, END = b"\x03", b"\x04"


def test_an_answer_is_stopped_and_the_conversation_goes_on(terminal: Terminal) -> None:
    for _ in range(2):
        terminal.say("Write a long story about a dragon and a princess.")
        terminal.until("e")  # it is under way
        terminal.press(INTERRUPT)
        terminal.until("\n> ")
    terminal.say("/quit")
    assert terminal.status() == 0


def test_an_interrupt_where_nothing_is_answered_ends(terminal: Terminal) -> None:
    terminal.press(INTERRUPT)
    assert terminal.status() == 128 + signal.SIGINT


# --- a server that does what real ones do rarely --------------------------------------------------------------


def chunk(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


@contextmanager
def scripted(*replies: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, list[dict]]]:
    """Gives these replies one after the other; yields its address and the bodies that came."""
    left, bodies = list(replies), list[dict]()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers, body = left.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}", bodies
        finally:
            server.shutdown()
            thread.join(DEADLINE)


STREAM = {"Content-Type": "text/event-stream"}
DONE = b"data: [DONE]\n\n"


def test_it_waits_while_the_model_loads() -> None:
    loading = (503, {"Retry-After": "1"}, b'{"error": {"message": "Loading model"}}')
    with scripted(loading, loading, (200, STREAM, chunk("Hello.") + DONE)) as (url, _):
        done = ask(url, "Hi")
    assert (done.returncode, done.stdout) == (0, "Hello.\n")
    assert done.stderr.count("not ready yet") == 1


def test_an_answer_that_is_cut_off() -> None:
    with scripted((200, STREAM, chunk("Half an"))) as (url, _):
        done = ask(url, "Hi")
    assert (done.returncode, done.stdout) == (1, "Half an\n") and "cut off" in done.stderr


def test_a_stream_that_ends_with_an_error() -> None:
    error = b'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n'
    with scripted((200, STREAM, chunk("Half an") + error)) as (url, _):
        done = ask(url, "Hi")
    assert done.returncode == 5 and "out of memory" in done.stderr


def test_a_server_of_another_kind() -> None:
    with scripted((404, {}, b"<html>nothing here</html>")) as (url, _):
        done = ask(url, "Hi")
    assert done.returncode == 5 and "--url" in done.stderr


def test_a_conversation_has_a_history_until_a_new_one() -> None:
    answers = [(200, STREAM, chunk(f"Answer {number}.") + DONE) for number in range(3)]
    with scripted(*answers) as (url, bodies):
        terminal = Terminal(url)
        terminal.until("> ")
        for line in ("First", "Second", "/new", "Third"):
            terminal.say(line)
            terminal.until("> ")
        terminal.press(END)
        assert terminal.status() == 0
        terminal.close()
    assert [[message["content"] for message in body["messages"]] for body in bodies] == [
        ["First"], ["First", "Answer 0.", "Second"], ["Third"],
    ]


def test_a_failure_in_a_conversation_does_not_end_it() -> None:
    with scripted((500, {}, b""), (200, STREAM, chunk("Hello.") + DONE)) as (url, bodies):
        terminal = Terminal(url, "--system", "Be brief.")
        terminal.until("> ")
        terminal.say("First")
        terminal.until("answered 500")
        terminal.until("> ")
        terminal.say("Second")
        terminal.until("Hello.")
        terminal.until("> ")
        terminal.press(END)
        assert terminal.status() == 0
        terminal.close()
    expected = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Second"}]
    assert bodies[1] == {"messages": expected, "stream": True}, "the question that failed is not asked again"


def test_a_terminal_gets_no_control_characters() -> None:
    hostile = (200, STREAM, chunk("a\x1b[2Jb\nc") + DONE)
    with scripted(hostile, hostile) as (url, _):
        terminal = Terminal(url)
        terminal.until("> ")
        terminal.say("Hi")
        assert terminal.until("> ") == "a?[2Jb\nc\n"
        terminal.press(END)
        terminal.close()
        assert ask(url, "Hi").stdout == "a\x1b[2Jb\nc\n", "a pipe gets what the model said"
