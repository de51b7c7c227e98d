"""Types of what callers pass in, for annotations: `def ask(**options: Unpack[vector_boot.Options])`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

Message: TypeAlias = dict[str, Any]
"""A message as in OpenAI's API: ``{"role": "user", "content": "Why is the sky blue?"}``."""


class Options(TypedDict, total=False):
    """How a request is answered: the keywords of chat(), stream(), complete() and stream_complete().

    What is left out, or None, is the default. The values are checked when the request begins; what is wrong is a
    RequestError, another type a TypeError.
    """

    max_tokens: int | None
    """The most tokens of the answer; by default as many as the context holds."""
    temperature: float | None
    """0, the default, takes the likeliest token each time; 1 chooses as the model has it."""
    top_k: int | None
    """Choose among so many of the likeliest tokens; 0, the default, is all."""
    top_p: float | None
    """Choose among the likeliest that have this probability together; 1, the default, is all."""
    min_p: float | None
    """Choose among those with this part of the likeliest one's probability; 0, the default, is all."""
    repeat_penalty: float | None
    """Divides the logits of the last `penalty_tokens` tokens; 1, the default, is no penalty."""
    frequency_penalty: float | None
    """Subtracted from a logit for each time that the token was there; 0 by default."""
    presence_penalty: float | None
    """Subtracted from the logits of tokens that were there; 0 by default."""
    penalty_tokens: int | None
    """How far the penalties look back; 64 tokens by default."""
    seed: int | None
    """The same seed, the same choices; 0 to 4294967295, by default another one each time."""
    stop: str | Sequence[str] | None
    """Texts that end the answer before them."""
    grammar: str | None
    """A GBNF grammar whose rule `root` the answer obeys."""
    schema: Mapping[str, Any] | str | None
    """A JSON schema, as a dict or as JSON text, that the answer obeys. Not together with `grammar`."""
    logprobs: bool | int | None
    """With True, reply.logprobs has a Token for each token; with N, each has the N likeliest as well, at most 20."""
    logit_bias: Mapping[int, float] | None
    """Added to the logits of these tokens; -inf means never."""
    deadline: float | None
    """Seconds from the beginning of the request; then it fails with DeadlineError. By default there is none."""
    slides: bool | None
    """When the context is full, go on without its oldest half, except its first tokens; by default it does not."""
