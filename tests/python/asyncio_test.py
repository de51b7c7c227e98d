"""Streams in asyncio: many at once, on one thread."""

import asyncio
import gc
import threading

import pytest
import vector_boot


async def text_of(stream: vector_boot.Stream) -> str:
    return "".join([piece async for piece in stream])


def test_the_same_as_without_asyncio(model):
    stream = model.stream("Hello", max_tokens=25)
    assert asyncio.run(text_of(stream)) == model.chat("Hello", max_tokens=25).text == stream.reply.text


def test_twenty_at_once_on_one_thread(model):
    alone = [model.chat(f"Question {index}", max_tokens=20).text for index in range(20)]
    threads: set[int] = set()
    order: list[int] = []

    async def ask(index: int) -> str:
        pieces = []
        async for piece in model.stream(f"Question {index}", max_tokens=20):
            threads.add(threading.active_count())
            order.append(index)
            pieces.append(piece)
        return "".join(pieces)

    async def ask_all() -> list[str]:
        return await asyncio.gather(*(ask(index) for index in range(20)))

    before = threading.active_count()
    assert asyncio.run(ask_all()) == alone
    assert threads == {before}
    assert order != sorted(order)  # side by side


def test_awaiting_a_stream_gives_the_reply(model):
    async def ask() -> vector_boot.Reply:
        return await model.stream("Hello", max_tokens=7, logprobs=True)

    reply = asyncio.run(ask())
    assert reply.text == model.chat("Hello", max_tokens=7).text
    assert len(reply.logprobs) == 7


def test_the_loop_stays_free(model):
    async def tick(ticks: list[float]) -> None:
        while True:
            ticks.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0)

    async def ask() -> int:
        ticks: list[float] = []
        ticking = asyncio.create_task(tick(ticks))
        await model.stream("Hello", max_tokens=50)
        ticking.cancel()
        return len(ticks)

    assert asyncio.run(ask()) > 50


def test_cancelling_the_task_cancels_the_request(tiny):
    with vector_boot.Model(tiny, parallel=1) as one:

        async def cancel() -> vector_boot.Reply:
            began = asyncio.Event()

            async def read() -> None:
                async for _ in one.stream("Hello", slides=True):
                    began.set()

            task = asyncio.create_task(read())
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await one.stream("Hello", max_tokens=3, deadline=30)

        for _ in range(3):
            assert asyncio.run(cancel()).usage.completion_tokens == 3


def test_leaving_the_loop_gives_the_sequence_back(tiny):
    with vector_boot.Model(tiny, parallel=1) as one:

        async def leave() -> None:
            for _ in range(5):
                async for _piece in one.stream("Hello", slides=True):
                    break
                gc.collect()
                await one.stream("Hello", max_tokens=2, deadline=30)

        asyncio.run(leave())


def test_a_timeout(model):
    async def ask() -> None:
        async with asyncio.timeout(0.2):
            await model.stream("Hello", slides=True)

    with pytest.raises(TimeoutError):
        asyncio.run(ask())


def test_errors_are_raised_where_one_waits(model):
    async def ask(**options: object) -> None:
        await model.stream("Hello", **options)

    with pytest.raises(vector_boot.DeadlineError):
        asyncio.run(ask(slides=True, deadline=0.1))
    with pytest.raises(vector_boot.RequestError, match="top_p"):
        asyncio.run(ask(top_p=3))


def test_a_slow_reader_does_not_keep_the_loop_busy(model):
    async def count() -> int:
        slow = model.stream("Hello", max_tokens=200)
        await anext(slow)
        loop = asyncio.get_running_loop()
        turns = 0
        fast = asyncio.create_task(text_of(model.stream("Hello, you", max_tokens=100)))
        original = loop._run_once

        def counted() -> None:
            nonlocal turns
            turns += 1
            original()

        loop._run_once = counted
        await fast
        await slow
        assert len(slow.reply.text) > 100
        return turns

    assert asyncio.run(count()) < 3000


def test_two_loops_in_two_threads(model):
    expected = model.chat("Hello", max_tokens=40).text
    answers: list[list[str]] = []

    async def ask() -> list[str]:
        return await asyncio.gather(*(text_of(model.stream("Hello", max_tokens=40)) for _ in range(4)))

    threads = [threading.Thread(target=lambda: answers.append(asyncio.run(ask()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
    assert answers == [[expected] * 4] * 3


def test_closing_the_model_wakes_who_waits(tiny):
    async def close() -> None:
        one = vector_boot.Model(tiny, parallel=1)
        began = asyncio.Event()

        async def read() -> None:
            async for _ in one.stream("Hello", slides=True):
                began.set()

        reading = [asyncio.create_task(read()) for _ in range(3)]
        await began.wait()
        one.close()
        for result in await asyncio.gather(*reading, return_exceptions=True):
            assert isinstance(result, vector_boot.CancelledError)

    asyncio.run(asyncio.wait_for(close(), 30))


def test_a_stream_is_read_in_one_way(model):
    async def mix() -> None:
        stream = model.stream("Hello", max_tokens=30)
        await anext(stream)
        with pytest.raises(RuntimeError, match="async for"):
            next(stream)

    asyncio.run(mix())


def test_sessions_too(model):
    async def talk() -> list[dict[str, str]]:
        session = model.session()
        await session.stream("One", max_tokens=4)
        await session.stream("Two", max_tokens=4)
        return session.messages

    roles = [message["role"] for message in asyncio.run(talk())]
    assert roles == ["user", "assistant"] * 2
