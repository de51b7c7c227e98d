"""The openai package for Python: what it raises, and what it and others meet after a client has left."""

import time

import openai
import pytest
from conftest import client_of
from servers import KEY, SECOND_KEY, Server

CODE_IS_STATUS = "llama-server's code is the HTTP status, and its type of a prompt too long is one of its own"
SKY = [{"role": "user", "content": "Why is the sky blue?"}]
LONG = [{"role": "user", "content": "Write a long story about a dragon and a princess."}]

WRONG = {
    "messages": {"messages": "hello"},
    "temperature": {"temperature": "hot"},
    "max_tokens": {"max_tokens": -5},
    "n": {"n": 0},
    "response_format": {"response_format": {"type": "xml"}},
}


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_field_is_named(server: Server, client: openai.OpenAI, name: str, field: str) -> None:
    asked = {"messages": SKY, "max_tokens": 1, **WRONG[field]}
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=name, **asked)
    assert raised.value.status_code == 400 and raised.value.type == "invalid_request_error"
    assert raised.value.body["message"]
    named = server.expected(True, llama_server=False, because="llama-server's errors have no param")
    param = raised.value.param
    assert (param.partition(".")[0] if param else None) == (field if named else None)  # or a field within it


def test_tools_that_are_none(server: Server, client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model=name, messages=SKY, max_tokens=1, tools={"type": "function"})
    assert raised.value.status_code == server.expected(
        400, llama_server=500, because="llama-server calls some faults of a request errors of its own, 500"
    )


def test_a_conversation_without_messages(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=name, messages=openai.omit)
    assert "messages" in str(raised.value)


def test_a_prompt_that_is_too_long(server: Server, client: openai.OpenAI, name: str) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(
                model=name, messages=[{"role": "user", "content": "word " * 5000}], stream=stream
            )
        code, kind = server.expected(
            ("context_length_exceeded", "invalid_request_error"),
            llama_server=("400", "exceed_context_size_error"),
            because=CODE_IS_STATUS,
        )
        assert (raised.value.code, raised.value.type) == (code, kind)


def test_a_path_that_does_not_exist(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing", cast_to=object)


def test_the_model_by_its_name(server: Server, client: openai.OpenAI, name: str) -> None:
    known = server.expected(
        True, llama_server=False, because="llama-server has no /v1/models/{model}: it lists its model only"
    )
    if known:
        assert client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


@pytest.mark.parametrize("key", [KEY, SECOND_KEY])
def test_a_right_key(locked: Server, key: str) -> None:
    with client_of(locked, key) as client:
        assert client.chat.completions.create(model="any", messages=SKY, max_tokens=1).choices


@pytest.mark.parametrize("key", ["sk-wrong", KEY[:-1], KEY + "x", "a b"])
def test_a_wrong_key(locked: Server, key: str) -> None:
    with client_of(locked, key) as client, pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model="any", messages=SKY, max_tokens=1)
    code = locked.expected(
        "invalid_api_key",
        llama_server="401",
        because=CODE_IS_STATUS,
    )
    assert raised.value.code == code
    assert key not in str(raised.value), "a key that somebody mistyped must not travel on into logs"


def test_health_needs_no_key(locked: Server) -> None:
    assert locked.started.client().request("GET", "/health").status == 200


def one_token_takes(client: openai.OpenAI, name: str) -> float:
    """Seconds: what other tests hold their waits against, since absolute times mean nothing here."""
    began = time.monotonic()
    client.chat.completions.create(model=name, messages=SKY, max_tokens=32, temperature=0)
    return (time.monotonic() - began) / 32


def test_a_stream_that_is_closed_frees_its_place(client: openai.OpenAI, name: str) -> None:
    token = one_token_takes(client, name)
    for _ in range(8):
        stream = client.chat.completions.create(model=name, messages=LONG, max_tokens=1900, stream=True)
        next(iter(stream))
        stream.close()
    began = time.monotonic()
    client.chat.completions.create(model=name, messages=SKY, max_tokens=4)
    assert time.monotonic() - began < 1000 * token, "it waited for answers that nobody wants"


def test_a_client_whose_time_is_over_frees_its_place(client: openai.OpenAI, name: str) -> None:
    token = one_token_takes(client, name)
    hasty = client.with_options(timeout=20 * token)
    for _ in range(4):
        with pytest.raises(openai.APITimeoutError):
            hasty.chat.completions.create(model=name, messages=LONG, max_tokens=1900)
    began = time.monotonic()
    client.chat.completions.create(model=name, messages=SKY, max_tokens=4)
    assert time.monotonic() - began < 1000 * token, "it waited for answers that nobody wants"
