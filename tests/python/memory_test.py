"""Nothing is left behind."""

import gc
import os
import sys

import vector_boot

CHATS = int(os.environ.get("VB_PYTHON_CHATS", "2000" if os.environ.get("CI") else "10000"))


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_thousands_of_answers_leave_the_memory_as_it_was(model):
    def ask(count: int) -> None:
        for _ in range(count):
            model.chat("Hi", max_tokens=1, stop=["never"], logit_bias={1: 0.5}, logprobs=2)

    ask(500)
    gc.collect()
    before = resident()
    ask(CHATS)
    gc.collect()
    assert resident() - before < 1_500_000


def test_errors_and_streams_that_were_left_do_too(model):
    def fail(count: int) -> None:
        for _ in range(count):
            for wrong in ({"top_p": 3}, {"max_tokens": "a"}, {"nonsense": 1}):
                try:
                    model.chat("Hi", **wrong)
                except (vector_boot.Error, TypeError):
                    pass
            for _ in model.stream("Hi", max_tokens=3):
                break
            model.embed(["a"]).tolist()
            model.detokenize(model.tokenize("some text"))

    fail(CHATS // 20)
    gc.collect()
    before = resident()
    fail(CHATS // 20)
    gc.collect()
    assert resident() - before < 1_500_000


def test_models_too(tiny):
    def load(count: int) -> None:
        for _ in range(count):
            with vector_boot.Model(tiny, context=256) as one:
                one.session().chat("Hi", max_tokens=1)

    load(10)
    descriptors = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    before = resident()
    load(30)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert len(os.listdir("/proc/self/task")) <= threads
    assert resident() - before < 8_000_000


def test_references_are_given_back(model):
    objects = [None, True, model, vector_boot.Usage, vector_boot.Token, vector_boot.Embeddings, vector_boot.Reply]

    def use() -> None:
        model.chat("Hi", max_tokens=2, logprobs=2, deadline=None)
        list(model.stream("Hi", max_tokens=2))
        model.embed(["a", "b"])[0].tolist()
        _ = model.info
        session = model.session()
        session.chat("Hi", max_tokens=1)
        _ = session.messages

    use()
    gc.collect()
    before = [sys.getrefcount(one) for one in objects]
    for _ in range(50):
        use()
    gc.collect()
    for one, count in zip(objects, before, strict=True):
        assert abs(sys.getrefcount(one) - count) < 10, one
