"""Conversations that keep their state, in memory and in files."""

import pytest
import vector_boot


def test_a_session_remembers(model):
    session = model.session()
    assert session.messages == []
    first = session.chat([{"role": "system", "content": "Brief."}, {"role": "user", "content": "One"}], max_tokens=6)
    second = session.chat("Two", max_tokens=6)
    conversation = [
        {"role": "system", "content": "Brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": first.text},
        {"role": "user", "content": "Two"},
        {"role": "assistant", "content": second.text},
    ]
    assert session.messages == conversation
    assert second.text == model.chat(conversation[:-1], max_tokens=6).text
    assert second.usage.cached_tokens > 10


def test_streams(model):
    session = model.session()
    stream = session.stream("One", max_tokens=6)
    pieces = list(stream)
    assert session.messages[-1] == {"role": "assistant", "content": "".join(pieces)}


def test_an_answer_that_was_left_did_not_happen(model):
    session = model.session()
    session.chat("One", max_tokens=4)
    before = session.messages
    for _ in session.stream("Two", slides=True):
        break
    assert session.messages == before
    with pytest.raises(TimeoutError):
        session.chat("Three", slides=True, deadline=0.1)
    assert session.messages == before
    session.chat("Four", max_tokens=2)
    assert len(session.messages) == 4


def test_one_request_at_a_time(model):
    session = model.session()
    with session.stream("One", slides=True) as stream:
        next(stream)
        with pytest.raises(vector_boot.RequestError, match="has not ended"):
            session.chat("Two")


def test_saving_and_loading(tmp_path, tiny, model):
    file = tmp_path / "conversation.state"
    with vector_boot.Model(tiny) as one:
        session = one.session()
        session.chat("A question that is long enough to be worth keeping", max_tokens=8)
        session.save(file)
        expected = session.chat("Next", max_tokens=8)
    with vector_boot.Model(tiny) as another:
        loaded = another.load(file)
        assert loaded.messages[0]["content"].startswith("A question")
        reply = loaded.chat("Next", max_tokens=8)
        assert reply.text == expected.text
        assert reply.usage.cached_tokens > 20


def test_files_that_cannot_be(tmp_path, model):
    with pytest.raises(vector_boot.StateFileError, match="missing.state") as raised:
        model.load(tmp_path / "missing.state")
    assert raised.value.path == str(tmp_path / "missing.state")
    damaged = tmp_path / "damaged.state"
    damaged.write_bytes(b"what is this?" * 100)
    with pytest.raises(vector_boot.StateFileError, match="damaged.state"):
        model.load(damaged)
    with pytest.raises(vector_boot.Error, match="nowhere"):
        model.session().save(tmp_path / "nowhere" / "file")


def test_a_closed_session(model):
    with model.session() as session:
        stream = session.stream("One", slides=True)
        next(stream)
    with pytest.raises(vector_boot.CancelledError):
        for _ in stream:
            pass
    with pytest.raises(vector_boot.RequestError, match="the session is closed"):
        session.chat("Two")
    with pytest.raises(vector_boot.RequestError, match="the session is closed"):
        _ = session.messages


def test_a_session_outlives_the_name_of_its_model(tiny):
    session = vector_boot.Model(tiny).session()
    assert session.chat("Hi", max_tokens=3).usage.completion_tokens == 3
