"""Greedy answers beside llama-server's of the same libllama: the same tokens for the same tokens."""

from collections.abc import Iterator

import pytest
from vector_boot_tools.client import Client
from vector_boot_tools.testing import Started

QUESTIONS = (
    "Why is the sky blue?",
    "What is the capital of Australia?",
    "Name the planets of the solar system in order.",
    "Who painted the Mona Lisa, and when?",
    "What is 17 times 23? Show each step.",
    "Write a haiku about rain.",
    "How does a bicycle stay upright?",
    "Explain recursion to a ten-year-old.",
    "Translate 'where is the railway station' into French.",
    "At what temperature does water freeze, in Fahrenheit?",
    "Write a Python function that reverses a list.",
    "Summarise the plot of Hamlet in two sentences.",
    "What are the three states of matter?",
    "Give me a recipe for pancakes.",
    "Why do leaves change colour in autumn?",
    "What does the abbreviation HTTP stand for?",
    "List five animals that lay eggs.",
    "Was ist die Hauptstadt von Österreich?",
    "日本の首都はどこですか。",
    "Complete the sequence: 1, 1, 2, 3, 5, 8,",
    "Write a JSON object with a name and an age.",
    "How many legs does a spider have?",
    "Describe the taste of an orange 🍊 without the word sweet.",
    "What is the difference between a virus and a bacterium?",
)
TOKENS = 48


@pytest.fixture(scope="module")
def reference(smollm2) -> Iterator[Client]:
    with Started.llama_server(smollm2) as one:
        client = one.client()
        client.answer("?", max_tokens=1)
        yield client


@pytest.mark.parametrize("question", QUESTIONS)
def test_greedy_answers_have_the_tokens_of_llama_server(sensible, reference, question):
    text = sensible.render(question)
    prompt = sensible.tokenize(text, special=True)
    assert reference.json("POST", "/tokenize", {"content": text, "add_special": True})["tokens"] == prompt
    asked = {"prompt": prompt, "n_predict": TOKENS, "temperature": 0, "return_tokens": True}
    expected = reference.json("POST", "/completion", asked)
    reply = sensible.complete(prompt, max_tokens=TOKENS, temperature=0, logprobs=True)
    tokens = [token.id for token in reply.logprobs]
    assert len(tokens) > 2
    assert tokens == expected["tokens"]
    assert reply.text == expected["content"]
