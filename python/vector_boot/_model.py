"""Models and sessions."""

from __future__ import annotations

import os

from . import _log, _vector_boot
from ._closing import Closing
from ._stream import Reply, Stream, reply_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Literal, Unpack

    from ._events import Waiting
    from ._options import Message, Options
    from ._vector_boot import Embeddings, ModelInfo


def _user_cache() -> str | None:
    """Where the XDG Base Directory Specification wants it; None if there is no such place."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
        if not os.path.isabs(base):
            return None
    directory = os.path.join(base, "vector_boot")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError:
        return None
    return directory


class Engine:
    """What a model, its sessions and its streams share."""

    __slots__ = ("_waiting", "handle")

    def __init__(self) -> None:
        self.handle = _vector_boot.Model()
        self._waiting: Waiting | None = None

    @property
    def waiting(self) -> Waiting:
        if self._waiting is None:
            from ._events import Waiting

            self._waiting = Waiting(self.handle)
        return self._waiting

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
        _log.deliver(self.handle)
        self.handle.close()
        if self._waiting is not None:
            self._waiting.wake()

    def answer(self, request: _vector_boot.Request, options: Options) -> Reply:
        try:
            return reply_of(request, request.rest(), with_logprobs=bool(options.get("logprobs")))
        finally:
            request.close()
            _log.deliver(self.handle)

    def stream(self, request: _vector_boot.Request, options: Options) -> Stream:
        return Stream(self, request, with_logprobs=bool(options.get("logprobs")))


class Model(Closing):
    """A model that is loaded and answers.

    Loading takes as long as the file needs; Ctrl-C ends it. ``with Model(...) as model:`` closes it at the end. Any
    thread may use a model; requests run side by side.

    Args:
        path: the GGUF file. None: the engine that vector_boot booted for this program, which is loaded once and stays
            when the model is closed; elsewhere the file that the environment variable VECTOR_BOOT_MODEL names.
        context: tokens that a prompt and its answer may have together. Default: 2048, or less if it was trained for
            less.
        threads: how many compute. Default: as many as the CPU affinity and the cgroup's quota allow.
        parallel: requests that are computed at once; more wait in their order. Default: 8.
        kept: tokens of past requests that stay computed, for those that begin alike. Default: as `context`.
        cache: a directory for what saves time at the next start: what the model computed of the beginning that all
            prompts share. Default: vector_boot in the user's cache directory ($XDG_CACHE_HOME, else ~/.cache).
            False: none.
        progress: called while the model loads, with how much is, from 0.0 to 1.0, at least ten times a second. What
            it raises gives up loading.

    Raises:
        ModelError: the file is missing, malformed or not supported.
        ResourceError: there is no memory, no thread or no CPU backend for it.
        RequestError: an argument is wrong.
    """

    __slots__ = ("__weakref__", "_engine", "_path")

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        context: int | None = None,
        threads: int | None = None,
        parallel: int | None = None,
        kept: int | None = None,
        cache: str | os.PathLike[str] | Literal[False] | None = None,
        progress: Callable[[float], object] | None = None,
    ) -> None:
        if path is None and not _vector_boot.is_booted():
            path = os.environ.get("VECTOR_BOOT_MODEL")
            if not path:
                raise _vector_boot.ModelError(
                    "which model? Give a path, Model('model.gguf'), or set the environment variable VECTOR_BOOT_MODEL"
                )
        if path is None and any(one is not None for one in (context, threads, parallel, kept, cache)):
            raise _vector_boot.RequestError(
                "the engine that booted is as its configuration says: context, threads, parallel, kept and cache "
                "belong in [engine] of config.toml, or to a Model with a path"
            )
        self._path = None if path is None else os.fspath(path)
        self._engine = Engine()
        handle = self._engine.handle
        if cache is None and path is not None:
            cache = _user_cache()
        elif cache is False:
            cache = None
        try:
            handle.open(path, context, threads, parallel, kept, cache, _log.wanted_level(), progress)
        finally:
            _log.deliver(handle)

    @property
    def path(self) -> str | None:
        """The GGUF file, or None for the engine that booted."""
        return self._path

    @property
    def info(self) -> ModelInfo:
        """What is known of the model, such as its name, context and vocabulary."""
        return self._engine.handle.info()

    def chat(self, messages: str | Sequence[Message], **options: Unpack[Options]) -> Reply:
        """The answer to a conversation, by the model's own chat template.

        Waits for the whole answer; other threads run meanwhile, and Ctrl-C ends it.

        Args:
            messages: a list of dicts as in OpenAI's API, or a str, which is one message of the user.
            options: those of Options, by their names.

        Raises:
            RequestError: the messages or an option are wrong, or the model is closed.
            ContextError: the prompt is longer than the context.
            DeadlineError: the option `deadline` was over.
            ResourceError: there is no memory for it.
            CancelledError: the model was closed meanwhile.
        """
        return self._engine.answer(self._engine.handle.chat(messages, options), options)

    def stream(self, messages: str | Sequence[Message], **options: Unpack[Options]) -> Stream:
        """The same as chat(), piece by piece: ``for piece in model.stream(...)``, or ``async for``.

        Args:
            messages: as for chat().
            options: those of Options, by their names.
        """
        return self._engine.stream(self._engine.handle.chat(messages, options), options)

    def complete(self, prompt: str | Sequence[int], **options: Unpack[Options]) -> Reply:
        """How the model goes on with a text, or with tokens, as they are: without a chat template.

        Args:
            prompt: a text, or a list of tokens.
            options: those of Options, by their names.
        """
        return self._engine.answer(self._engine.handle.complete(prompt, options), options)

    def stream_complete(self, prompt: str | Sequence[int], **options: Unpack[Options]) -> Stream:
        """The same as complete(), piece by piece.

        Args:
            prompt: a text, or a list of tokens.
            options: those of Options, by their names.
        """
        return self._engine.stream(self._engine.handle.complete(prompt, options), options)

    def embed(self, texts: str | Iterable[str]) -> Embeddings:
        """The embeddings of texts, of length 1 each.

        Blocks until all are computed; other requests go on meanwhile.

        Args:
            texts: each as long as the context at most; one str counts as one text.
        """
        try:
            return self._engine.handle.embed(texts)
        finally:
            _log.deliver(self._engine.handle)

    def tokenize(self, text: str, special: bool = True) -> list[int]:
        """The tokens of a text.

        Args:
            text: any text.
            special: names of control tokens, such as ``<|im_end|>``, count as those, and what the model wants at the
                beginning is added.
        """
        return self._engine.handle.tokenize(text, special)

    def detokenize(self, tokens: Iterable[int], special: bool = True) -> str:
        """The text of tokens. What is no whole character is U+FFFD.

        Args:
            tokens: their numbers.
            special: with the names of control tokens.
        """
        return self._engine.handle.detokenize(tokens, special)

    def render(self, messages: str | Sequence[Message]) -> str:
        """What the model's chat template makes of messages, for the model to go on.

        Args:
            messages: as for chat().
        """
        return self._engine.handle.render(messages)

    def session(self) -> Session:
        """A conversation that keeps its messages, and what is computed of them."""
        return Session(self._engine, self._engine.handle.session())

    def load(self, path: str | os.PathLike[str]) -> Session:
        """The session of a file that Session.save() wrote. Blocks.

        It must be of the same model file (its size, its time of modification and its content), the same libllama and
        ggml, the same features of the CPU and the same devices; what Model() was told may be something else. Only load
        files that nobody else could have written: one that others may write is refused.

        Args:
            path: the file; no symbolic link.

        Raises:
            StateFileError: the file is missing, damaged, or not for this model, library and CPU.
        """
        return Session(self._engine, self._engine.handle.load(path))

    def close(self) -> None:
        """Cancels what is under way and gives everything back. A closed model raises RequestError."""
        self._engine.close()

    def __repr__(self) -> str:
        return f"<vector_boot.Model {self._path!r}>"


class Session(Closing):
    """A conversation that keeps its messages: model.session() begins one, model.load() takes one up again.

    Each call adds its messages and, when it comes to its end, the answer. One that fails or is left before its end
    leaves the conversation as it was. One request at a time: a second one is a RequestError.
    """

    __slots__ = ("__weakref__", "_engine", "_handle")

    def __init__(self, engine: Engine, handle: _vector_boot.Session) -> None:
        """Model.session() and Model.load() make sessions."""
        self._engine = engine
        self._handle = handle

    @property
    def messages(self) -> list[Message]:
        """The conversation so far."""
        import json

        messages: list[Message] = json.loads(self._handle.messages())
        return messages

    def chat(self, messages: str | Sequence[Message], **options: Unpack[Options]) -> Reply:
        """The answer to the conversation and these messages; otherwise as Model.chat().

        Args:
            messages: what is new, as for Model.chat().
            options: those of Options, by their names.
        """
        return self._engine.answer(self._handle.chat(messages, options), options)

    def stream(self, messages: str | Sequence[Message], **options: Unpack[Options]) -> Stream:
        """The same as chat(), piece by piece.

        Args:
            messages: what is new, as for Model.chat().
            options: those of Options, by their names.
        """
        return self._engine.stream(self._handle.chat(messages, options), options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the conversation and what is computed of it to a file, as a whole or not at all. Blocks.

        Args:
            path: the file, which only its owner may read and write.
        """
        self._handle.save(path)

    def close(self) -> None:
        """Cancels what is under way and forgets the conversation."""
        self._handle.close()
