"""The openai package for Python: the responses API, whole and streamed."""

import json

import openai
import pydantic
import pytest
from servers import NO_TOOLS, Server

CUT_OFF = "llama-server calls a response completed that was cut off by max_output_tokens"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
                   "additionalProperties": False},
    "strict": True,
}


def test_a_whole_response(server: Server, client: openai.OpenAI, name: str) -> None:
    reply = client.responses.create(model=name, input="Why is the sky blue?", temperature=0, max_output_tokens=16)
    assert reply.object == "response" and reply.id and reply.output_text.startswith("The sky is blue")
    assert reply.usage.output_tokens == 16
    assert reply.usage.total_tokens == reply.usage.input_tokens + 16
    assert reply.status == server.expected(
        "incomplete",
        llama_server="completed",
        because=CUT_OFF,
    )


def test_instructions_and_a_conversation(client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "temperature": 0, "max_output_tokens": 8}
    conversation = [
        {"role": "user", "content": "My name is Ada."},
        # With its type: without, llama-server does not know what it is.
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello Ada!"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "What is my name?"}]},
    ]
    plain = client.responses.create(input=conversation, **asked)
    instructed = client.responses.create(input=conversation, instructions="You are a polite assistant. " * 8, **asked)
    assert plain.output_text
    assert instructed.usage.input_tokens > plain.usage.input_tokens + 20


def test_a_stream_of_events(server: Server, client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "input": "Why is the sky blue?", "temperature": 0, "max_output_tokens": 16}
    whole = client.responses.create(**asked)
    events = list(client.responses.create(**asked, stream=True))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    for kind in ("output_item.added", "content_part.added", "output_text.done", "content_part.done", "output_item.done"):
        assert kinds.count(f"response.{kind}") == 1, kind
    assert kinds[-1] == server.expected(
        "response.incomplete",
        llama_server="response.completed",
        because=CUT_OFF,
    )
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 8 and "".join(deltas) == whole.output_text
    (done,) = (event for event in events if event.type == "response.output_text.done")
    assert done.text == whole.output_text
    numbered = server.expected(
        True, llama_server=False, because="llama-server's events of a response have no sequence_number"
    )
    if numbered:
        assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.usage.output_tokens == 16


def test_a_function_call_and_its_output(server: Server, client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "tools": [WEATHER], "temperature": 0, "max_output_tokens": 100}
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    called = client.responses.create(input=question, tool_choice="required", **asked)
    calls = [item for item in called.output if item.type == "function_call"]
    assert bool(calls) is server.expected(True, llama_server=False, because=NO_TOOLS)
    if not calls:
        return
    call = calls[0]
    assert call.name == "get_weather" and set(json.loads(call.arguments)) == {"city"}
    output = {"type": "function_call_output", "call_id": call.call_id, "output": '{"celsius": 21}'}
    items = [*question, *(item.model_dump(exclude_none=True) for item in called.output), output]
    answered = client.responses.create(input=items, tool_choice="none", **asked)
    assert answered.output_text.strip()


class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    name: str
    age: int


def test_a_pydantic_class_is_parsed(server: Server, client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "input": "Describe Ada, who is 36 years old, as short JSON.", "temperature": 0}
    parses = server.expected(
        True, llama_server=False, because="llama-server does not heed text.format of a response: its text is free"
    )
    if parses:
        reply = client.responses.parse(**asked, max_output_tokens=200, text_format=Person)
        assert isinstance(reply.output_parsed, Person)
    else:
        with pytest.raises(pydantic.ValidationError):
            client.responses.parse(**asked, max_output_tokens=50, text_format=Person)


def test_a_wrong_field(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=name, input="Hi", max_output_tokens="many")
