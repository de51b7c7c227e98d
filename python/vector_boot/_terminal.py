"""A conversation with a model in the terminal."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from . import Error, Model, Session, Stream, __version__
from ._options import Message, Options

_END = "\033[0m"
_DIM = "\033[2m"


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        with _open(given.model, context=given.context, threads=given.threads) as model:
            session = model.session()
            system: list[Message] = [{"role": "system", "content": given.system}] if given.system else []
            options: Options = {"max_tokens": given.max_tokens, "temperature": given.temperature, "seed": given.seed}
            if given.once is not None:
                question = [*system, {"role": "user", "content": given.once}]
                return 0 if _show(session.stream(question, **options)) else 130
            _talk(session, system, options, hints=sys.stdin.isatty())
    except Error as error:
        print(f"vector_boot: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at the end
        return 141
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vector_boot",
        description="Chat with a GGUF model. Ctrl-C stops an answer, Ctrl-D leaves.",
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="the GGUF file (default: $VECTOR_BOOT_MODEL)")
    parser.add_argument("--once", metavar="QUESTION", help="answer one question and leave")
    parser.add_argument("--system", metavar="TEXT", help="what the model is told first")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the most tokens of an answer")
    parser.add_argument("--temperature", type=float, metavar="T", help="0 (default): always the likeliest token")
    parser.add_argument("--seed", type=int, metavar="N", help="the same choices each time")
    parser.add_argument("--context", type=int, metavar="N", help="tokens of the conversation (default: 2048)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads that compute (default: all CPUs)")
    parser.add_argument("--version", action="version", version=f"vector_boot {__version__}")
    return parser


def _open(path: str | None, *, context: int | None, threads: int | None) -> Model:
    if not sys.stderr.isatty():
        return Model(path, context=context, threads=threads)

    def progress(loaded: float) -> None:
        print(f"\r{_DIM}loading {loaded:4.0%}{_END}", end="", file=sys.stderr, flush=True)

    try:
        return Model(path, context=context, threads=threads, progress=progress)
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _talk(session: Session, messages: list[Message], options: Options, *, hints: bool) -> None:
    if hints:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 (input() edits lines and remembers them with it)
    while True:
        try:  # all of it: Ctrl-C comes when it wants
            question = input("> " if hints else "").strip()
            if question and _show(session.stream([*messages, {"role": "user", "content": question}], **options)):
                messages = []  # the session has them now
        except EOFError:
            if hints:
                print()
            return
        except KeyboardInterrupt:
            if not hints:
                raise
            print()
        except Error as error:
            if not hints:
                raise
            print(f"vector_boot: {error}", file=sys.stderr)


def _show(stream: Stream) -> bool:
    """Prints the answer as it comes; False where Ctrl-C stopped it."""
    try:
        for piece in stream:
            print(piece, end="", flush=True)
    except KeyboardInterrupt:
        print()
        return False
    print()
    return True
