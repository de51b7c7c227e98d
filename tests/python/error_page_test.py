"""docs/errors.md says what the header, the package and the engine say."""

import os
import re

import pytest
import vector_boot
from conftest import SOURCE

PAGE = (SOURCE / "docs" / "errors.md").read_text(encoding="utf-8")
HEADER = (SOURCE / "include" / "vector_boot.h").read_text(encoding="utf-8")
STATUS = re.compile(r"^#define (VB_(?:OK|END|AGAIN|ERROR_[A-Z]+)) \(?(-?\d+)\)? +/\*\*< (.*) \*/$", re.MULTILINE)
ROW = re.compile(r"^\| `(VB_[A-Z_]+)` \| (-?\d+) \| (?:`(\w+)` )?\| ([^|]+) \|", re.MULTILINE)


def test_every_status_is_there_with_its_number():
    told = {name: int(number) for name, number, _, _ in ROW.findall(PAGE)}
    assert told == {name: int(number) for name, number, _ in STATUS.findall(HEADER)}
    assert len(told) >= 13


def test_each_means_what_the_header_says():
    meanings = {name: meaning for name, _, _, meaning in ROW.findall(PAGE)}
    for name, _, meaning in STATUS.findall(HEADER):
        said = re.sub(r"(vb_\w+)\(\)", r"`\1`", meaning)
        assert said in meanings[name], name


def test_the_exceptions_have_these_statuses():
    exceptions = {name: int(number) for _, number, name, _ in ROW.findall(PAGE) if name and name != "RequestError"}
    assert {name: getattr(vector_boot, name).status for name in exceptions} == exceptions
    everyone = {name for name in vector_boot.__all__ if name.endswith("Error")}
    assert everyone == set(exceptions) | {"RequestError"}


@pytest.fixture
def small(tiny):
    with vector_boot.Model(tiny, context=256) as model:
        yield model


def second_answer(model: vector_boot.Model) -> None:
    session = model.session()
    first = session.stream("Hi")
    next(first)
    session.chat("Hi")


def closed_under_a_stream(model: vector_boot.Model) -> None:
    stream = model.stream("Hi", slides=True)
    next(stream)
    model.close()
    list(stream)


MESSAGES = [
    lambda model: model.chat("Hi", top_p=2),
    lambda model: model.chat("Hi", stop=[""]),
    lambda model: model.chat("Hi", schema={}, grammar='root ::= "a"'),
    lambda model: vector_boot.Model(model.path, parallel=65),
    lambda model: vector_boot.Model("/models/none.gguf"),
    lambda model: model.chat([{"role": "user"}]),
    lambda model: model.chat([]),
    lambda model: model.chat("Hi", grammar="root ::= other"),
    lambda model: model.chat("Hi", schema={"type": "nonsense"}),
    lambda model: model.chat("word " * 1000),
    lambda model: model.chat("Hi", slides=True, deadline=0.01),
    lambda model: model.load("/models/none.state"),
    second_answer,
    closed_under_a_stream,
]


@pytest.mark.parametrize("fail", MESSAGES)
def test_the_messages_are_real(small, fail):
    with pytest.raises(vector_boot.Error) as raised:
        fail(small)
    assert re.search(rf"^(?:vb_\w+: options\.)?{re.escape(str(raised.value))}$", PAGE, re.MULTILINE)


def test_the_messages_about_files_are_real(tmp_path, tiny, small):
    half = tmp_path / "half.gguf"
    half.write_bytes(tiny.read_bytes()[:300_000])
    bad = tmp_path / "bad.state"
    bad.write_text("x" * 100)
    bad.chmod(0o600)
    everybodys = tmp_path / "open.state"
    everybodys.write_text("x" * 100)
    everybodys.chmod(0o666)
    for fail in (lambda: vector_boot.Model(half), lambda: small.load(bad), lambda: small.load(everybodys)):
        with pytest.raises(vector_boot.Error) as raised:
            fail()
        text = str(raised.value).replace(str(tmp_path), "/models")
        shape = re.sub(r"\d+", r"\\d+", re.escape(text))  # sizes are the tiny model's
        assert re.search(rf"^{shape}$", PAGE, re.MULTILINE), text


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # threads and fork(): that is what is tested
def test_the_message_about_forks_is_real(small):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            small.chat("Hi")
        except vector_boot.ForkedError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    assert re.search(rf"^vb_\w+: {re.escape(text)}$", PAGE, re.MULTILINE), text
