"""A conversation that is taken up where the last run left it: session.py MODEL FILE QUESTION..."""

import sys
from pathlib import Path

import vector_boot

path, state, *questions = sys.argv[1:]
with vector_boot.Model(path) as model:
    session = model.load(state) if Path(state).exists() else model.session()
    for question in questions:
        reply = session.chat(question, max_tokens=40)
        usage = reply.usage
        print(f"{reply}\n  ({usage.cached_tokens} of {usage.prompt_tokens} tokens were known)")
    session.save(state)
