"""The examples, as they are; and `python -m vector_boot`, also on a terminal."""

import os
import pty
import re
import select
import signal
import time
import urllib.request

from conftest import ENVIRONMENT, SOURCE
from vector_boot_tools.testing import eventually, free_port

EXAMPLES = SOURCE / "examples" / "python"
MACHINE = SOURCE / "examples" / "machine"


def test_chat(run, smollm2):
    done = run(EXAMPLES / "chat.py", smollm2, "What is the capital of France? Answer in one word.")
    assert done.status == 0
    assert "Paris" in done.output
    assert "tokens in" in done.errors


def test_stream_async(run, tiny):
    done = run(EXAMPLES / "stream_async.py", tiny, "One", "Two", "Three")
    assert (done.status, done.errors) == (0, "")
    assert [line for line in done.output.splitlines() if line in ("One", "Two", "Three")] == ["One", "Two", "Three"]


def test_embeddings(run, smollm2):
    done = run(EXAMPLES / "embeddings.py", smollm2)
    assert (done.status, done.errors) == (0, "")
    assert [line.split(" ", 1)[1] for line in done.output.splitlines()] == ["The cat sleeps.", "Tax law of Luxembourg."]


def test_session(run, tiny, tmp_path):
    state = tmp_path / "state"
    first = run(EXAMPLES / "session.py", tiny, state, "One")
    second = run(EXAMPLES / "session.py", tiny, state, "Two")
    assert (first.status, second.status, second.errors) == (0, 0, "")
    known = [int(re.search(r"\((\d+) of \d+ tokens", done.output)[1]) for done in (first, second)]
    assert known[1] > known[0]


def test_a_machines_program_on_a_laptop(run, start, tiny, tmp_path):
    done = run(MACHINE / "hello.py", "", env={"VECTOR_BOOT_MODEL": str(tiny)})
    assert (done.status, done.errors) == (0, "")
    assert done.output.startswith("on a laptop\n")

    sensor, port = tmp_path / "sensor", free_port()
    sensor.write_bytes((21500).to_bytes(64, "little"))
    environment = {"VECTOR_BOOT_MODEL": str(tiny), "VECTOR_BOOT_DEVICE_SENSOR": f"file:{sensor}", "PORT": str(port)}
    assistant = start(MACHINE / "assistant.py", "", env=environment)
    assert ask(port), "an answer"
    assistant.send_signal(signal.SIGINT)
    assert assistant.wait(30) != 0


def ask(port: int) -> str:
    def answer() -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ask?question=Hello", timeout=30) as reply:
                return reply.read().decode()
        except OSError:
            return None

    return eventually(answer, "the assistant's answer")


def test_there_is_a_test_for_each():
    elsewhere = {"edu", "edu_simulator", "keys", "neural_interrupt"}  # tests/vm, tests/pid1
    assert {path.stem for path in MACHINE.glob("*.py")} == {"hello", "assistant"} | elsewhere
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"chat", "stream_async", "embeddings", "session"}


def test_once(run, smollm2):
    question = "What is the capital of France? Answer in one word."
    done = run("-m", "vector_boot", smollm2, "--once", question)
    assert (done.status, done.errors) == (0, "")
    assert "Paris" in done.output
    assert run("-m", "vector_boot", "--once", "Hi", "--max-tokens", "1", env={"VECTOR_BOOT_MODEL": str(smollm2)}).status == 0


def test_questions_from_a_pipe(run, tiny):
    done = run("-m", "vector_boot", tiny, "--max-tokens", "5", "--system", "Brief.", input="One\n\nTwo\n")
    assert (done.status, done.errors) == (0, "")
    assert "> " not in done.output


def test_what_goes_wrong_is_one_line(run):
    done = run("-m", "vector_boot", "/nonexistent.gguf", "--once", "Hi")
    assert (done.status, done.output) == (1, "")
    assert done.errors == "vector_boot: /nonexistent.gguf: No such file or directory\n"
    assert run("-m", "vector_boot", "--help").output.startswith("usage: python -m vector_boot")
    assert run("-m", "vector_boot", "--version").output.startswith("vector_boot 0.")
    assert run("-m", "vector_boot", "--nonsense").status == 2


class Terminal:
    def __init__(self, start, *arguments: object) -> None:
        self.master, slave = pty.openpty()
        self.seen = ""
        self.process = start(
            "-m", "vector_boot", *arguments, stdin=slave, stdout=slave, stderr=slave,
            env={**ENVIRONMENT, "TERM": "dumb"},
        )
        os.close(slave)

    def read(self, seconds: float) -> bool:
        """What comes within the time; False: nothing did."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.seen += os.read(self.master, 4096).decode(errors="replace")
        return bool(ready)

    def wait_for(self, text: str) -> str:
        while text not in self.seen:
            assert self.read(60), f"{text!r} never came after {self.seen!r}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def wait_for_prompt(self) -> None:
        """An answer may have the same characters, but goes on after them."""
        end = time.monotonic() + 60
        while self.read(0.5) or not self.seen.endswith("> "):
            assert time.monotonic() < end, f"no prompt after {self.seen[-200:]!r}"
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())


def test_a_conversation_in_a_terminal(start, tiny):
    terminal = Terminal(start, tiny, "--max-tokens", "100000", "--temperature", "1")
    terminal.wait_for_prompt()
    terminal.type("Hello\n")
    terminal.wait_for("Hello")
    terminal.wait_for("\n")
    while not terminal.seen:  # the answer has begun
        assert terminal.read(60)
    terminal.process.send_signal(signal.SIGINT)  # Ctrl-C stops the answer, or the line
    terminal.wait_for_prompt()
    terminal.process.send_signal(signal.SIGINT)
    terminal.wait_for_prompt()
    terminal.type("\x04")
    assert terminal.process.wait(timeout=30) == 0
