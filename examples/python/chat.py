"""Asks a question and prints the answer as it comes: chat.py MODEL [QUESTION]."""

import sys

import vector_boot

question = sys.argv[2] if len(sys.argv) > 2 else "Why is the sky blue?"
with vector_boot.Model(sys.argv[1]) as model:
    stream = model.stream(question, max_tokens=100)
    for piece in stream:
        print(piece, end="", flush=True)
    usage = stream.reply.usage
    print(f"\n\n{usage.completion_tokens} tokens in {usage.total_seconds:.2f} s", file=sys.stderr)
