"""Finds the texts that mean most nearly the same as another one: embeddings.py MODEL QUERY TEXT..."""

import sys

import vector_boot


def likeness(one: list[float], other: list[float]) -> float:
    """Of embeddings, which have length 1: the cosine of their angle."""
    return sum(a * b for a, b in zip(one, other, strict=True))


query, *texts = sys.argv[2:] or ["A kitten", "The cat sleeps.", "Tax law of Luxembourg."]
with vector_boot.Model(sys.argv[1]) as model:
    wanted, *found = model.embed([query, *texts]).tolist()  # or numpy.asarray(): without a copy
ranking = sorted(((likeness(wanted, one), text) for one, text in zip(found, texts, strict=True)), reverse=True)
for score, text in ranking:
    print(f"{score:.3f} {text}")
