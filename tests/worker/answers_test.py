"""What the worker answers, asked as any client of the OpenAI API would."""

import json
import urllib.request
from pathlib import Path

import pytest
from vector_boot_tools.client import Client, chat
from vector_boot_tools.testing import LOOPBACK, Started

QUESTIONS = (
    "Why is the sky blue?",
    "What is the capital of France?",
    "Name three primary colors.",
    "Who wrote Romeo and Juliet?",
    "What is two plus two?",
    "Write a short poem about the sea.",
    "How do plants make food?",
    "Explain gravity to a child.",
    "Translate 'good morning' into Spanish.",
    "What is the boiling point of water?",
)


def test_a_streamed_answer_knows_its_subject(serving: Started) -> None:
    pieces = list(serving.client().stream("Why is the sky blue?"))
    assert len(pieces) > 20, "it came in one piece"
    assert "Rayleigh" in "".join(pieces)


def test_a_plain_answer_through_another_client(serving: Started) -> None:
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{serving.port}/v1/chat/completions",
        json.dumps(chat("Why is the sky blue?", max_tokens=40)).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        reply = json.load(response)
    (choice,) = reply["choices"]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "length"
    assert reply["usage"]["completion_tokens"] == 40
    streamed = "".join(serving.client().stream("Why is the sky blue?", max_tokens=40))
    assert choice["message"]["content"] == streamed


@pytest.fixture(scope="module")
def reference(model: Path):
    with Started.llama_server(model) as one:
        yield one.client()


@pytest.mark.parametrize("question", QUESTIONS)
def test_greedy_decoding_gives_the_words_of_llama_server(
    serving: Started, reference: Client, question: str
) -> None:
    expected = reference.answer(question, max_tokens=48)
    assert len(expected) > 4
    assert serving.client().answer(question, max_tokens=48) == expected


def test_models_and_health(serving: Started) -> None:
    client = serving.client()
    models = client.json("GET", "/v1/models")
    assert isinstance(models, dict) and len(models["data"]) == 1
    assert client.request("GET", "/health").status == 200


def test_the_timeline_reaches_from_pid_1_to_the_first_token(serving: Started) -> None:
    trace = serving.client().json("GET", "/timeline")
    assert isinstance(trace, dict)
    spans = {event["name"]: event["ts"] for event in trace["traceEvents"] if "ts" in event}
    assert spans["init: bind sockets"] < spans["engine: weights"] < spans["engine: prefill"] < spans["first token"]
    table = serving.client().text("/timeline?format=table")
    assert "first token" in table and "init: bind sockets" in table
