"""The column `here` of the table for those who come from llama-cpp-python in docs/python.md: it works as it stands."""

import re

import pytest
from conftest import SOURCE
from vector_boot import Model, Options

PAGE = (SOURCE / "docs" / "python.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## Coming from llama-cpp-python")[1]
HERE = [row.split(" | ")[-1] for row in re.findall(r"^\| (?!there|---)(.*) \|$", TABLE, re.MULTILINE)]
CODE = [code for cell in HERE for code in re.findall(r"`([^`]+)`", cell)]
CALLS = [code for code in CODE if re.match(r"(model|reply|session|Model)\b", code)]
OPTIONS = [code for code in CODE if re.match(r"\w+=", code)]


def test_the_table_is_read():
    assert len(HERE) > 20 and len(CALLS) > 12 and len(OPTIONS) > 8
    assert {re.match(r"\w+", code).group() for code in OPTIONS} <= Options.__annotations__.keys()


@pytest.mark.parametrize("code", CALLS)
def test_what_is_called(code, tiny, tmp_path):
    with Model(tiny) as model:
        session = model.session()
        messages, prompt, texts, text = [{"role": "user", "content": "Hi"}], "Hi", ["Hi", "Ho"], "Hi"
        values = {"model": model, "session": session, "Model": Model, "p": tiny, "path": tmp_path / "state"}
        values |= {"messages": messages, "prompt": prompt, "texts": texts, "text": text, "tokens": model.tokenize(text)}
        values["reply"] = model.chat(messages, max_tokens=1)
        eval(code.replace("model.chat(messages)", "model.chat(messages, max_tokens=1)")
             .replace("model.complete(prompt)", "model.complete(prompt, max_tokens=1)"), values)


@pytest.mark.parametrize("code", OPTIONS)
def test_what_is_an_option(code, model):
    values = {"s": {"type": "boolean"}, "text": 'root ::= "a"'}
    options = eval(f"dict({code})", values)
    assert model.chat("Hi", **{"max_tokens": 3, **options}).usage.total_seconds > 0
