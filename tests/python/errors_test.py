"""What goes wrong, and what it says."""

import math
import time

import pytest
import vector_boot


def test_the_hierarchy():
    for name in ("ModelError", "ResourceError", "RequestError", "CancelledError", "DeadlineError", "StateFileError"):
        assert issubclass(getattr(vector_boot, name), vector_boot.Error)
    assert issubclass(vector_boot.RequestError, ValueError)
    assert issubclass(vector_boot.ContextError, vector_boot.RequestError)
    assert issubclass(vector_boot.DeadlineError, TimeoutError)
    assert issubclass(vector_boot.ForkedError, RuntimeError)
    assert vector_boot.Error("one").path is None


def test_a_missing_model():
    with pytest.raises(vector_boot.ModelError, match="/nonexistent/model.gguf.*No such file") as raised:
        vector_boot.Model("/nonexistent/model.gguf")
    assert raised.value.path == "/nonexistent/model.gguf"
    assert raised.value.status == -2


def test_a_malformed_model(tmp_path, tiny):
    file = tmp_path / "half.gguf"
    file.write_bytes(tiny.read_bytes()[:300_000])
    with pytest.raises(vector_boot.ModelError, match=r"half\.gguf.*file size is 300000, expected at least") as raised:
        vector_boot.Model(file)
    assert raised.value.path == str(file)


def test_no_path(monkeypatch, tiny):
    monkeypatch.delenv("VECTOR_BOOT_MODEL", raising=False)
    with pytest.raises(vector_boot.ModelError, match="Give a path.*VECTOR_BOOT_MODEL"):
        vector_boot.Model()
    monkeypatch.setenv("VECTOR_BOOT_MODEL", str(tiny))
    with vector_boot.Model() as model:
        assert model.path == str(tiny)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"top_p": 2}, vector_boot.RequestError, "top_p is 2.*expected 0 to 1"),
        ({"temperature": -1}, vector_boot.RequestError, "temperature is -1.*expected 0 or more"),
        ({"temperature": math.nan}, vector_boot.RequestError, "temperature"),
        ({"temperature": "hot"}, TypeError, "temperature must be a number, not str"),
        ({"max_tokens": 0}, ValueError, "max_tokens is 0, expected 1 or more"),
        ({"max_tokens": -1}, ValueError, "max_tokens is -1"),
        ({"max_tokens": 2**40}, ValueError, "max_tokens is 1099511627776"),
        ({"max_tokens": 1.5}, TypeError, "max_tokens must be an int, not float"),
        ({"seed": -1}, ValueError, "seed is -1, expected 0 to 4294967295"),
        ({"stop": 3}, TypeError, "stop must be a str or a list of str, not int"),
        ({"stop": [3]}, TypeError, "stop: each of the list must be a str, not int"),
        ({"stop": [""]}, vector_boot.RequestError, r"stop\[0\] is empty"),
        ({"stop": "a\0b"}, ValueError, "stop contains a NUL"),
        ({"grammar": "nonsense"}, vector_boot.RequestError, "grammar"),
        ({"grammar": 1}, TypeError, "grammar must be a str, not int"),
        ({"schema": [1]}, TypeError, "schema must be a dict or JSON text, not list"),
        ({"schema": {"a": {1, 2}}}, TypeError, "schema: set is not JSON"),
        ({"schema": {"a": math.inf}}, ValueError, "schema: inf is not JSON"),
        ({"logprobs": 21}, ValueError, "logprobs is 21, expected at most 20"),
        ({"logit_bias": [1]}, TypeError, "logit_bias must be a dict"),
        ({"logit_bias": {100000: 1}}, vector_boot.RequestError, r"logit_bias\[0\].token is 100000"),
        ({"logit_bias": {"a": 1}}, TypeError, "logit_bias: a token must be an int, not str"),
        ({"deadline": "soon"}, TypeError, "deadline must be a number, not str"),
        ({"deadline": math.nan}, ValueError, "deadline is nan"),
        ({"temprature": 1}, TypeError, "unexpected keyword argument 'temprature'.*temperature"),
    ],
)
def test_wrong_options(model, options, kind, text):
    for ask in (model.chat, model.complete):
        with pytest.raises(kind, match=text):
            ask("Hi", **options)
    with pytest.raises(kind, match=text):
        next(model.stream("Hi", **options))


@pytest.mark.parametrize(
    ("messages", "kind", "text"),
    [
        (1, TypeError, "messages must be a str or a list of dicts, not int"),
        ({"role": "user"}, TypeError, "messages must be a str or a list of dicts, not dict"),
        (["Hi"], TypeError, "messages in a list must be dicts, not str"),
        ([{"role": "user", "content": b"Hi"}], TypeError, "messages: bytes is not JSON"),
        ([{1: "user"}], TypeError, "the key 1 is not a str"),
        ([], vector_boot.RequestError, "messages"),
        ([{"role": "user"}], vector_boot.RequestError, "content"),
        ("\ud800", UnicodeEncodeError, "surrogates"),
        ("Hi " * 3000, vector_boot.ContextError, "expected less than the context's 2048"),
    ],
)
def test_wrong_messages(model, messages, kind, text):
    with pytest.raises(kind, match=text):
        model.chat(messages)


def test_a_dict_that_contains_itself(model):
    message = {"role": "user", "content": "Hi"}
    message["again"] = [message]
    with pytest.raises(RecursionError):
        model.chat([message])


def test_wrong_tokens_and_texts(model):
    for wrong, kind in ((1, TypeError), ("1", TypeError), ([1.5], TypeError), ([-1], ValueError), ([2**31], ValueError)):
        with pytest.raises(kind):
            model.detokenize(wrong)
    with pytest.raises(vector_boot.RequestError):
        model.complete([100_000], max_tokens=1)
    with pytest.raises(TypeError):
        model.tokenize(b"bytes")
    with pytest.raises(TypeError, match="texts"):
        model.embed([1])
    with pytest.raises(ValueError, match="NUL"):
        model.embed(["a\0b"])


def test_wrong_settings(tiny):
    for settings, kind, text in (
        ({"threads": 100_000}, vector_boot.RequestError, "threads is 100000"),
        ({"parallel": 1000}, vector_boot.RequestError, "parallel is 1000"),
        ({"context": -1}, ValueError, "context is -1"),
        ({"context": "big"}, TypeError, "context must be an int, not str"),
        ({"cache": 3}, TypeError, "int"),
        ({"progress": 3}, TypeError, "progress must be callable, not int"),
        ({"speed": 3}, TypeError, "unexpected keyword argument 'speed'"),
    ):
        with pytest.raises(kind, match=text):
            vector_boot.Model(tiny, **settings)


def test_deadlines(model):
    began = time.monotonic()
    with pytest.raises(vector_boot.DeadlineError) as raised:
        model.chat("Hi", slides=True, deadline=0.2)
    assert raised.value.status == -7
    assert time.monotonic() - began >= 0.2
    with pytest.raises(TimeoutError):
        model.chat("Hi", deadline=-1)
    stream = model.stream("Hi", slides=True, deadline=0.2)
    with pytest.raises(TimeoutError):
        for _ in stream:
            pass
    assert list(stream) == []
    assert model.chat("Hi", max_tokens=1, deadline=math.inf).text is not None


def test_a_closed_model(tiny):
    model = vector_boot.Model(tiny)
    stream = model.stream("Hi", slides=True)
    later = model.stream("Hi")
    session = model.session()
    next(stream)
    model.close()
    model.close()
    with pytest.raises(vector_boot.CancelledError):
        for _ in stream:
            pass
    with pytest.raises(vector_boot.CancelledError, match="the model is closed"):
        next(later)
    with pytest.raises(vector_boot.CancelledError):
        session.chat("Hi")
    for use in (lambda: model.chat("Hi"), lambda: model.info, lambda: model.tokenize("a"), model.session):
        with pytest.raises(vector_boot.RequestError, match="the model is closed"):
            use()


def test_progress(tiny):
    seen: list[float] = []
    vector_boot.Model(tiny, progress=seen.append).close()
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] == 1.0


def test_progress_may_give_up(tiny):
    def stop(loaded: float) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        vector_boot.Model(tiny, progress=stop)
