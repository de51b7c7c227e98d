"""Answers many questions side by side, on one thread: stream_async.py MODEL QUESTION..."""

import asyncio
import sys

import vector_boot


async def ask(model: vector_boot.Model, question: str) -> str:
    answer = ""
    async for piece in model.stream(question, max_tokens=40):
        answer += piece  # or send it to somebody
    return answer


async def main(path: str, questions: list[str]) -> None:
    with vector_boot.Model(path) as model:
        answers = await asyncio.gather(*(ask(model, question) for question in questions))
    for question, answer in zip(questions, answers, strict=True):
        print(f"{question}\n  {answer}")


asyncio.run(main(sys.argv[1], sys.argv[2:] or ["What is rain?", "What is snow?", "What is hail?"]))
