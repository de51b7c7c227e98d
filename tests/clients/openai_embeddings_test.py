"""The openai package for Python: embeddings, as floats and as base64."""

import base64
import math
import struct

import openai
import pytest
from conftest import client_of
from servers import OURS, Server

TEXTS = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose again."]


def cosine(one, other) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.fixture
def client(embedding: Server):
    with client_of(embedding) as one:
        yield one


def test_several_texts(client: openai.OpenAI) -> None:
    reply = client.embeddings.create(model="any", input=TEXTS, encoding_format="float")
    assert [one.index for one in reply.data] == [0, 1, 2] and reply.object == "list"
    cat, kitten, rates = (one.embedding for one in reply.data)
    assert all(math.isclose(cosine(one, one), 1, abs_tol=1e-3) for one in (cat, kitten, rates))
    assert cosine(cat, kitten) > cosine(cat, rates)
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 10


def test_one_text_is_the_same_as_a_list_of_it(client: openai.OpenAI) -> None:
    (one,) = client.embeddings.create(model="any", input=TEXTS[0], encoding_format="float").data
    (listed,) = client.embeddings.create(model="any", input=TEXTS[:1], encoding_format="float").data
    assert cosine(one.embedding, listed.embedding) > 0.9999


def test_base64_holds_the_same_floats(client: openai.OpenAI) -> None:
    (plain,) = client.embeddings.create(model="any", input=TEXTS[0], encoding_format="float").data
    (coded,) = client.embeddings.create(model="any", input=TEXTS[0], encoding_format="base64").data
    content = base64.b64decode(coded.embedding)
    assert cosine(struct.unpack(f"<{len(content) // 4}f", content), plain.embedding) > 0.9999
    (decoded,) = client.embeddings.create(model="any", input=TEXTS[0]).data  # the package asks for base64 by itself
    assert cosine(decoded.embedding, plain.embedding) > 0.9999


EMBEDDED = dict[str, list[float]]()


def test_both_embed_alike(embedding: Server, client: openai.OpenAI) -> None:
    (one,) = client.embeddings.create(model="any", input=TEXTS[0], encoding_format="float").data
    EMBEDDED[embedding.name] = one.embedding
    assert cosine(EMBEDDED.get(OURS, one.embedding), one.embedding) > 0.999


def test_a_text_as_tokens(client: openai.OpenAI, embedding: Server) -> None:
    reply = embedding.started.client().json("POST", "/tokenize", {"content": TEXTS[0]})
    assert isinstance(reply, dict)
    (tokens,) = client.embeddings.create(model="any", input=reply["tokens"], encoding_format="float").data
    (text,) = client.embeddings.create(model="any", input=TEXTS[0], encoding_format="float").data
    assert cosine(tokens.embedding, text.embedding) > 0.99


def test_a_text_that_is_too_long(embedding: Server, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.embeddings.create(model="any", input="word " * 5000)
    assert raised.value.status_code == embedding.expected(
        400, llama_server=500, because="llama-server calls some faults of a request errors of its own, 500"
    )


def test_nothing_to_embed(embedding: Server, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="any", input=[])
