"""Answers, whole and piece by piece, and what can be asked of them."""

import json
import math
import threading

import pytest
import vector_boot

QUESTION = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Hello"}]


def test_a_text_is_one_message_of_the_user(model):
    assert model.render("Hi") == model.render([{"role": "user", "content": "Hi"}])
    assert model.chat("Hi", max_tokens=8).text == model.chat([{"role": "user", "content": "Hi"}], max_tokens=8).text


def test_the_template_gets_every_character(model):
    content = 'quote " backslash \\ newline \n tab \t escape \x1b delete \x7f German ß Japanese 日本 face 😀 end'
    assert model.render(content) == f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"


def test_a_reply(model):
    reply = model.chat(messages=QUESTION, max_tokens=12)
    assert str(reply) == reply.text
    assert reply.text
    assert reply.finish_reason == "length"
    assert reply.logprobs is None
    assert reply.usage.prompt_tokens == len(model.tokenize(model.render(QUESTION)))
    assert reply.usage.completion_tokens == 12
    assert 0 < reply.usage.first_token_seconds <= reply.usage.total_seconds < 60
    assert repr(reply) == f"Reply({reply.text!r}, finish_reason='length')"


def test_a_stream_gives_the_same_in_pieces(model):
    whole = model.chat(QUESTION, max_tokens=30).text
    stream = model.stream(QUESTION, max_tokens=30)
    with pytest.raises(RuntimeError, match="no reply"):
        _ = stream.reply
    pieces = list(stream)
    assert "".join(pieces) == whole == stream.reply.text
    assert len(pieces) > 3
    assert all(pieces)
    assert list(stream) == []
    assert stream.reply.usage.completion_tokens == 30


def test_completing_text_and_tokens_is_the_same(model):
    prompt = "import json\n"
    tokens = model.tokenize(prompt)
    whole = model.complete(prompt, max_tokens=20).text
    assert model.complete(tokens, max_tokens=20).text == whole
    assert model.complete(tuple(tokens), max_tokens=20).text == whole
    assert "".join(model.stream_complete(prompt, max_tokens=20)) == whole


def test_options_that_are_none_are_defaults(model):
    names = vector_boot.Options.__annotations__
    none = {name: None for name in names if name != "max_tokens"}
    assert model.chat("Hi", max_tokens=9, **none).text == model.chat("Hi", max_tokens=9).text


def test_every_documented_option_is_known(model):
    with pytest.raises(TypeError) as raised:
        model.chat("Hi", nonsense=1)
    listed = str(raised.value).split(" are ")[1].split(", ")
    assert listed == list(vector_boot.Options.__annotations__)


def test_seeds(model):
    def draw(seed: int) -> str:
        return model.chat("Hi", max_tokens=24, temperature=1.5, top_k=40, top_p=0.9, min_p=0.01, seed=seed).text

    assert draw(7) == draw(7)
    assert len({draw(seed) for seed in range(6)}) > 1


def test_penalties_and_bias_change_the_answer(model):
    plain = model.chat("Hi", max_tokens=24).text
    assert model.chat("Hi", max_tokens=24, repeat_penalty=5.0, penalty_tokens=32).text != plain
    assert model.chat("Hi", max_tokens=24, frequency_penalty=2.0, presence_penalty=2.0).text != plain
    first = model.chat("Hi", max_tokens=1, logprobs=True).logprobs[0]
    biased = model.chat("Hi", max_tokens=1, logprobs=True, logit_bias={first.id: float("-inf")}).logprobs[0]
    assert biased.id != first.id
    (letter,) = model.tokenize("A")
    assert model.chat("Hi", max_tokens=3, logit_bias={letter: 1000}).text == "AAA"


def test_stop_texts_end_the_answer_before_them(model):
    whole = model.chat("Hi", max_tokens=40).text
    stop = whole[8:11]
    cut = model.chat("Hi", max_tokens=40, stop=stop)
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"
    assert model.chat("Hi", max_tokens=40, stop=["never there", stop]).text == cut.text


def test_logprobs(model):
    reply = model.chat("Hi", max_tokens=10, logprobs=3)
    assert len(reply.logprobs) == reply.usage.completion_tokens
    assert b"".join(token.bytes for token in reply.logprobs).decode(errors="replace") == reply.text
    for token in reply.logprobs:
        assert token.logprob <= 0
        assert len(token.alternatives) == 3
        assert token.alternatives[0].id == token.id  # greedy
        probabilities = [other.logprob for other in token.alternatives]
        assert probabilities == sorted(probabilities, reverse=True)
    assert all(token.alternatives == () for token in model.chat("Hi", max_tokens=4, logprobs=True).logprobs)


def test_a_grammar_is_obeyed(model):
    assert model.chat("Hi", grammar='root ::= "yes" | "no"').text in ("yes", "no")


@pytest.mark.parametrize("as_text", [False, True])
def test_a_schema_is_obeyed(sensible, as_text):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "country": {"enum": ["France", "Italy"]}},
        "required": ["city", "country"],
        "additionalProperties": False,
    }
    reply = sensible.chat(
        "What is the capital of France? Answer in JSON.", schema=json.dumps(schema) if as_text else schema, max_tokens=80
    )
    answer = json.loads(reply.text)
    assert set(answer) == {"city", "country"}
    assert answer["country"] in ("France", "Italy")


def test_the_context_slides_where_it_is_asked_to(tiny):
    with vector_boot.Model(tiny, context=256) as small:
        endless = {token: -math.inf for name in ("<|im_end|>", "<|endoftext|>") for token in small.tokenize(name)}
        full = small.chat("Hi", logit_bias=endless)
        assert full.finish_reason == "length"
        assert full.usage.prompt_tokens + full.usage.completion_tokens <= small.info.context + 1
        more = 2 * small.info.context
        assert small.chat("Hi", logit_bias=endless, max_tokens=more, slides=True).usage.completion_tokens == more


def test_tokens_and_text(model):
    text = "def main():\n    return 'ß 日本 😀'\n"
    assert model.detokenize(model.tokenize(text)) == text
    special = model.tokenize("<|im_end|>")
    assert special != model.tokenize("<|im_end|>", special=False)
    assert model.detokenize(special, special=False) == ""
    assert model.tokenize("") == []
    assert model.detokenize([]) == ""
    assert model.detokenize(iter([104, 105])) == model.detokenize((104, 105))


def test_what_is_known_of_a_model(tiny):
    with vector_boot.Model(tiny, context=300, threads=1, parallel=2, kept=100) as one:
        assert one.info.name == "tiny"
        assert one.info.context >= 300
        assert one.info.threads == 1
        assert one.info.vocabulary == 515
        assert one.info.embedding == 64
        assert one.path == str(tiny)
        assert repr(one) == f"<vector_boot.Model {str(tiny)!r}>"


def test_threads_ask_side_by_side(model):
    alone = [model.chat(f"Question {index}", max_tokens=16).text for index in range(8)]
    answers: dict[int, str] = {}

    def ask(index: int) -> None:
        answers[index] = model.chat(f"Question {index}", max_tokens=16).text

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[index] for index in range(8)] == alone


def test_one_thread_reads_a_stream_at_a_time(model):
    stream = model.stream("Hi", slides=True)
    next(stream)
    refused: list[str] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                next(stream)
        except (RuntimeError, vector_boot.CancelledError, StopIteration) as error:
            refused.append(str(error))
            done.set()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert any("read by another thread" in text for text in refused)


def test_closing_a_stream_from_another_thread_wakes_its_reader(model):
    stream = model.stream("Hi", slides=True)
    next(stream)
    threading.Timer(0.1, stream.close).start()
    with pytest.raises(vector_boot.CancelledError):
        for _ in stream:
            pass


def test_leaving_the_loop_gives_the_sequence_back(tiny):
    with vector_boot.Model(tiny, parallel=1) as one:
        for _ in range(5):
            for _piece in one.stream("Hi", slides=True):  # would never end
                break
            with one.stream("Hi", slides=True) as stream:
                next(stream)
            assert one.chat("Hi", max_tokens=2, deadline=30).usage.completion_tokens == 2


def test_a_stream_that_is_not_read_does_not_begin(tiny):
    with vector_boot.Model(tiny, parallel=1) as one:
        streams = [one.stream("Hi", slides=True) for _ in range(20)]
        assert one.chat("Hi", max_tokens=2, deadline=30).text
        for stream in streams:
            stream.close()
            assert list(stream) == []


def test_the_default_model_makes_sense(sensible):
    reply = sensible.chat("What is the capital of France? Answer in one word.", max_tokens=20)
    assert "Paris" in reply.text
    assert reply.finish_reason == "stop"
    assert "".join(sensible.stream("What is the capital of France? Answer in one word.", max_tokens=20)) == reply.text
