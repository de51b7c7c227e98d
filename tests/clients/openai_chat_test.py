"""The openai package for Python: chat completions, whole and streamed, and text completions."""

import math

import openai
import pytest
from servers import OURS, Server

SKY = [{"role": "user", "content": "Why is the sky blue?"}]


def text_of(chunks) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_whole_answer(client: openai.OpenAI, name: str) -> None:
    reply = client.chat.completions.create(model=name, messages=SKY, temperature=0, max_completion_tokens=24)
    assert reply.object == "chat.completion" and reply.id and reply.model == name
    (choice,) = reply.choices
    assert (choice.index, choice.message.role, choice.finish_reason) == (0, "assistant", "length")
    assert choice.message.content.startswith("The sky is blue")
    assert reply.usage.completion_tokens == 24
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + 24


def test_a_stream_says_what_the_whole_answer_says(client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "messages": SKY, "temperature": 0, "max_tokens": 24}
    whole = client.chat.completions.create(**asked)
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert text_of(chunks) == whole.choices[0].message.content
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 24
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 10, "not piece by piece"


def test_the_stream_helper_accumulates(client: openai.OpenAI, name: str) -> None:
    with client.chat.completions.stream(model=name, messages=SKY, temperature=0, max_tokens=16) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        with pytest.raises(openai.LengthFinishReasonError):
            stream.get_final_completion()
    assert "".join(deltas).startswith("The sky is blue")


def test_a_stop_sequence_is_not_part_of_the_answer(client: openai.OpenAI, name: str) -> None:
    reply = client.chat.completions.create(model=name, messages=SKY, temperature=0, max_tokens=64, stop=["blue"])
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].message.content.rstrip() == "The sky is"


def test_a_seed_repeats_an_answer(client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "messages": SKY, "temperature": 1.2, "max_tokens": 24}
    first, again = (client.chat.completions.create(**asked, seed=7).choices[0].message.content for _ in range(2))
    others = {client.chat.completions.create(**asked, seed=seed).choices[0].message.content for seed in range(3)}
    assert first == again
    assert len(others) > 1


def test_several_choices(server: Server, client: openai.OpenAI, name: str) -> None:
    reply = client.chat.completions.create(model=name, messages=SKY, n=3, temperature=1, max_tokens=12)
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in reply.choices}) > 1
    counted = server.expected(36, llama_server=12, because="llama-server counts the tokens of one choice of n")
    assert reply.usage.completion_tokens == counted


def test_several_choices_in_one_stream(client: openai.OpenAI, name: str) -> None:
    texts, ended = {}, {}
    for chunk in client.chat.completions.create(model=name, messages=SKY, n=2, seed=1, max_tokens=12, stream=True):
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            ended[choice.index] = choice.finish_reason or ended.get(choice.index)
    assert ended == {0: "length", 1: "length"}
    assert all(texts.values())


def test_log_probabilities(server: Server, client: openai.OpenAI, name: str) -> None:
    reply = client.chat.completions.create(
        model=name, messages=SKY, temperature=0, max_tokens=6, logprobs=True, top_logprobs=3
    )
    tokens = reply.choices[0].logprobs.content
    assert len(tokens) == 6
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == reply.choices[0].message.content
    for token in tokens:
        likeliest = [other.logprob for other in token.top_logprobs]
        assert len(likeliest) == 3 and likeliest == sorted(likeliest, reverse=True)
        assert token.token == token.top_logprobs[0].token, "greedy decoding takes the likeliest"
        assert math.isclose(token.logprob, likeliest[0], abs_tol=1e-3) and token.logprob <= 0


def test_log_probabilities_in_a_stream(client: openai.OpenAI, name: str) -> None:
    chunks = client.chat.completions.create(
        model=name, messages=SKY, temperature=0, max_tokens=6, logprobs=True, stream=True
    )
    tokens, text = [], ""
    for chunk in chunks:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            tokens += choice.logprobs.content if choice.logprobs and choice.logprobs.content else []
    assert len(tokens) == 6
    assert "".join(token.token for token in tokens) == text


def test_a_bias_forbids_a_token(server: Server, client: openai.OpenAI, name: str) -> None:
    reply = server.started.client().json("POST", "/tokenize", {"content": "The"})
    assert isinstance(reply, dict)
    (the,) = reply["tokens"]
    answer = client.chat.completions.create(
        model=name, messages=SKY, temperature=0, max_tokens=8, logit_bias={str(the): -100}
    )
    assert not answer.choices[0].message.content.startswith("The")


def test_content_in_parts(client: openai.OpenAI, name: str) -> None:
    parts = [{"type": "text", "text": "Why is the "}, {"type": "text", "text": "sky blue?"}]
    asked = {"model": name, "temperature": 0, "max_tokens": 16}
    reply = client.chat.completions.create(messages=[{"role": "user", "content": parts}], **asked)
    assert reply.choices[0].message.content


def test_a_second_request_finds_the_first_ones_prompt_computed(client: openai.OpenAI, name: str) -> None:
    system = {"role": "system", "content": "You answer in one short sentence. " * 20}
    asked = {"model": name, "temperature": 0, "max_tokens": 4}
    first = client.chat.completions.create(messages=[system, *SKY], **asked)
    again = client.chat.completions.create(messages=[system, *SKY], **asked)
    assert again.usage.prompt_tokens == first.usage.prompt_tokens
    assert again.usage.prompt_tokens_details.cached_tokens > first.usage.prompt_tokens / 2


def test_text_completion(client: openai.OpenAI, name: str) -> None:
    asked = {"model": name, "prompt": "The capital of France is", "temperature": 0, "max_tokens": 8}
    reply = client.completions.create(**asked)
    assert reply.object == "text_completion"
    assert "Paris" in reply.choices[0].text
    assert reply.choices[0].finish_reason == "length" and reply.usage.completion_tokens == 8
    streamed = "".join(chunk.choices[0].text for chunk in client.completions.create(**asked, stream=True) if chunk.choices)
    assert streamed == reply.choices[0].text


def test_several_prompts_are_completed_in_their_order(client: openai.OpenAI, name: str) -> None:
    prompts = ["The capital of France is", "The capital of Germany is"]
    reply = client.completions.create(model=name, prompt=prompts, temperature=0, max_tokens=8)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert "Paris" in reply.choices[0].text and "Berlin" in reply.choices[1].text


def test_completion_log_probabilities(server: Server, client: openai.OpenAI, name: str) -> None:
    reply = client.completions.create(model=name, prompt="One, two,", temperature=0, max_tokens=4, logprobs=2)
    found = reply.choices[0].logprobs
    legacy = server.expected(
        True,
        llama_server=False,
        because="llama-server gives completions the log probabilities in the shape of chat completions",
    )
    if legacy:
        assert len(found.tokens) == len(found.token_logprobs) == len(found.top_logprobs) == len(found.text_offset) == 4
        assert "".join(found.tokens) == reply.choices[0].text
    else:
        assert len(found.content) == 4


SAID = dict[str, str]()


def test_both_choose_the_same_words(server: Server, client: openai.OpenAI, name: str) -> None:
    reply = client.completions.create(model=name, prompt="Once upon a time,", temperature=0, max_tokens=32)
    SAID[server.name] = reply.choices[0].text
    assert SAID.get(OURS) in (SAID[server.name], None)
