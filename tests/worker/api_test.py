"""Every endpoint of the API against the real model, and the queue before it."""

import base64
import http.client
import json
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from vector_boot_tools.client import Client, chat
from vector_boot_tools.places import CHECKOUT
from vector_boot_tools.testing import DEADLINE, LOOPBACK, Started, free_port

RUNTIME = CHECKOUT / "build" / "release" / "bin" / "vector_boot-runtime"
QUESTION = "Why is the sky blue?"
SCHEMA = {"type": "object", "properties": {"blue": {"enum": ["yes", "no"]}}, "required": ["blue"]}

type Json = dict[str, object]


def post(client: Client, path: str, body: Json) -> dict:
    reply = client.json("POST", path, body)
    assert isinstance(reply, dict)
    return reply


def events(client: Client, path: str, body: Json) -> list[dict]:
    with client.request("POST", path, {**body, "stream": True}) as response:
        assert response.status == 200
        lines = [line[6:] for line in response.read().decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_several_answers_are_the_same_streamed_and_whole(serving: Started) -> None:
    body = {**chat(QUESTION, max_tokens=8, n=3, seed=7), "temperature": 1.5}
    whole = post(serving.client(), "/v1/chat/completions", body)
    texts = [choice["message"]["content"] for choice in whole["choices"]]
    assert len(set(texts)) > 1, "all with the same seed"
    assert whole["usage"]["completion_tokens"] == 24
    streamed = ["", "", ""]
    for event in events(serving.client(), "/v1/chat/completions", body):
        for choice in event["choices"]:
            streamed[choice["index"]] += choice["delta"].get("content") or ""
    assert streamed == texts


def test_log_probabilities_spell_the_answer(serving: Started) -> None:
    body = chat(QUESTION, max_tokens=8, logprobs=True, top_logprobs=2)
    (choice,) = post(serving.client(), "/v1/chat/completions", body)["choices"]
    tokens = choice["logprobs"]["content"]
    assert len(tokens) == 8
    assert b"".join(bytes(token["bytes"]) for token in tokens).decode() == choice["message"]["content"]
    for token in tokens:  # greedy: the likeliest is the chosen one
        assert token["top_logprobs"][0]["token"] == token["token"]
        assert token["logprob"] <= 0 and len(token["top_logprobs"]) == 2


def test_a_bias_forbids_a_token(serving: Started) -> None:
    client = serving.client()
    first = post(client, "/v1/chat/completions", chat(QUESTION, max_tokens=1))["choices"][0]["message"]["content"]
    (token,) = post(client, "/tokenize", {"content": first})["tokens"]
    other = post(client, "/v1/chat/completions", chat(QUESTION, max_tokens=1, logit_bias={str(token): -100}))
    assert other["choices"][0]["message"]["content"] != first


@pytest.mark.parametrize(
    "form",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}},
        {"json_schema": SCHEMA},
    ],
)
def test_a_schema_is_obeyed(serving: Started, form: Json) -> None:
    reply = post(serving.client(), "/v1/chat/completions", chat("Is the sky blue?", **form))
    assert json.loads(reply["choices"][0]["message"]["content"])["blue"] in ("yes", "no")


def test_a_schema_that_is_none_names_its_field(serving: Started) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}
    response = serving.client().request("POST", "/v1/chat/completions", chat(QUESTION, response_format=form))
    assert response.status == 400
    assert json.load(response)["error"]["param"] == "response_format"


def test_completions(serving: Started) -> None:
    client = serving.client()
    body: Json = {"prompt": "Once upon a time", "max_tokens": 6, "temperature": 0, "echo": True}
    whole = post(client, "/v1/completions", body)["choices"][0]["text"]
    assert whole.startswith("Once upon a time") and len(whole) > 20
    streamed = "".join(event["choices"][0]["text"] for event in events(client, "/v1/completions", body))
    assert streamed == whole
    tokens = post(client, "/tokenize", {"content": "Once upon a time"})["tokens"]
    both = post(client, "/v1/completions", {**body, "prompt": [tokens, tokens], "n": 2})["choices"]
    assert [choice["text"] for choice in both] == [whole] * 4


def test_responses(serving: Started) -> None:
    client = serving.client()
    body: Json = {"input": QUESTION, "instructions": "Be brief.", "max_output_tokens": 12, "temperature": 0}
    whole = post(client, "/v1/responses", body)
    assert whole["status"] == "incomplete" and whole["usage"]["output_tokens"] == 12
    text = whole["output"][0]["content"][0]["text"]
    streamed = events(client, "/v1/responses", body)
    assert [event["sequence_number"] for event in streamed] == list(range(len(streamed)))
    assert streamed[0]["type"] == "response.created" and streamed[-1]["type"] == "response.incomplete"
    deltas = [event["delta"] for event in streamed if event["type"] == "response.output_text.delta"]
    assert "".join(deltas) == text
    assert streamed[-1]["response"]["output"][0]["content"][0]["text"] == text


def test_embeddings_as_numbers_and_as_base64(serving: Started) -> None:
    client = serving.client()
    texts = ["The sky is blue.", "The heavens are azure.", "Invoices are due on Friday."]
    numbers = [one["embedding"] for one in post(client, "/v1/embeddings", {"input": texts})["data"]]
    coded = post(client, "/v1/embeddings", {"input": texts, "encoding_format": "base64"})["data"]
    for one, other in zip(numbers, coded, strict=True):
        bytes_ = base64.b64decode(other["embedding"])
        assert struct.unpack(f"<{len(one)}f", bytes_) == pytest.approx(one, abs=1e-6)
        assert sum(value * value for value in one) == pytest.approx(1, abs=1e-3)
    wrong = client.request("POST", "/v1/embeddings", {"input": "a", "dimensions": 3})
    assert wrong.status == 400 and json.load(wrong)["error"]["param"] == "dimensions"


def test_tokens_there_and_back(serving: Started) -> None:
    client = serving.client()
    text = "Grüße, 世界! 😀\n"
    tokens = post(client, "/tokenize", {"content": text})["tokens"]
    assert post(client, "/detokenize", {"tokens": tokens})["content"] == text
    pieces = post(client, "/tokenize", {"content": text, "with_pieces": True})["tokens"]
    assert [piece["id"] for piece in pieces] == tokens
    spelled = b"".join(
        piece["piece"].encode() if isinstance(piece["piece"], str) else bytes(piece["piece"]) for piece in pieces
    )
    assert spelled.decode() == text
    assert client.request("POST", "/detokenize", {"tokens": [10**9]}).status == 400


def test_models_tell_what_is_known_of_them(serving: Started) -> None:
    models = serving.client().json("GET", "/v1/models")
    assert isinstance(models, dict)
    (model,) = models["data"]
    assert model["meta"]["n_vocab"] == 49152 and model["meta"]["n_embd"] == 576


@pytest.fixture
def narrow(model: Path) -> Iterator[Client]:
    """A runtime that computes one answer at a time and lets one wait."""
    port = free_port()
    words = [RUNTIME, "--model", model, "--listen", f"{LOOPBACK}:{port}", "--parallel", "1", "--queue", "1", "--threads", "1"]
    with subprocess.Popen([str(word) for word in words]) as runtime:
        try:
            client = Client(LOOPBACK, port)
            client.answer("Hi", max_tokens=1)
            yield client
        finally:
            runtime.terminate()


def test_a_full_queue_is_429_and_free_again_when_clients_leave(narrow: Client) -> None:
    running = narrow.stream("Tell me a long story.", max_tokens=1500)
    next(running)
    waiting = http.client.HTTPConnection(LOOPBACK, narrow.port, timeout=DEADLINE)
    waiting.request("POST", "/v1/chat/completions", json.dumps(chat("Hi", max_tokens=2)))
    # Two are one too many, whether the one that waits has arrived or not.
    with narrow.request("POST", "/v1/chat/completions", chat("Hi", max_tokens=1, n=2)) as refused:
        assert refused.status == 429 and refused.headers["Retry-After"] == "1"
        assert json.load(refused)["error"]["code"] == "rate_limit_exceeded"
    running.close()
    assert waiting.getresponse().status == 200


def test_more_clients_than_places_are_all_answered(serving: Started) -> None:
    answers = dict[int, str]()

    def ask(number: int) -> None:
        answers[number] = serving.client().answer(QUESTION, max_tokens=4)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 24 and len(set(answers.values())) == 1
