"""Types of what callers pass in, for annotations: `def ask(**options: Unpack[vector_boot.Options])`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

# As in OpenAI's API: {"role": "user", "content": "Why is the sky blue?"}.
Message: TypeAlias = dict[str, Any]


class Options(TypedDict, total=False):
    """How a request is answered: the keywords of chat(), stream(), complete() and stream_complete().

    What is left out, or None, is the default. The values are checked when the request begins; what is wrong is a
    RequestError, another type a TypeError.
    """

    max_tokens: int | None
    """The most tokens of the answer. Default: as many as the context holds."""
    temperature: float | None
    """0, the default: always the likeliest token. 1: as the model has it."""
    top_k: int | None
    """Choose among so many of the likeliest tokens. Default, 0: all."""
    top_p: float | None
    """Choose among the likeliest that have this probability together. Default, 1: all."""
    min_p: float | None
    """Choose among those with this part of the likeliest one's probability. Default, 0: all."""
    repeat_penalty: float | None
    """Divides the logits of the last `penalty_tokens` tokens. Default, 1: no penalty."""
    frequency_penalty: float | None
    """Subtracted from a logit for each time that the token was there. Default: 0."""
    presence_penalty: float | None
    """Subtracted from the logits of tokens that were there. Default: 0."""
    penalty_tokens: int | None
    """How far the penalties look back. Default: 64 tokens."""
    seed: int | None
    """The same seed, the same choices: 0 to 2**32 - 1. Default: another one each time."""
    stop: str | Sequence[str] | None
    """Texts that end the answer before them."""
    grammar: str | None
    """A GBNF grammar whose rule `root` the answer obeys."""
    schema: Mapping[str, Any] | str | None
    """A JSON schema, as a dict or as JSON text, that the answer obeys. Not together with `grammar`."""
    logprobs: bool | int | None
    """True: reply.logprobs has a Token for each token. N: each with the N likeliest as well, at most 20."""
    logit_bias: Mapping[int, float] | None
    """Added to the logits of these tokens; -inf: never."""
    deadline: float | None
    """Seconds from the beginning of the request; then it fails with DeadlineError. Default: none."""
    slides: bool | None
    """When the context is full, go on without its oldest half, except its first tokens. Default: False."""
