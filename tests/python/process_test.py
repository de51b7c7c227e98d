"""What the package does to the process around it: signals, forks, the end, logs, imports."""

import signal
import time

import pytest

OPEN = "import os, sys, signal, vector_boot\nmodel = vector_boot.Model(os.environ['TINY'])\n"


def succeeds(done, output: str) -> None:
    assert (done.status, done.output, done.errors) == (0, output, "")


@pytest.mark.parametrize(
    "ending",
    [
        "stream = model.stream('Hi', slides=True); next(stream)",
        "stream = model.stream('Hi', slides=True); next(stream); cycle = [stream]; cycle.append(cycle)",
        "streams = [model.stream('Hi', slides=True) for _ in range(8)]; [next(one) for one in streams]; sys.exit()",
        "session = model.session(); stream = session.stream('Hi', slides=True); next(stream); del model, session",
        "stream = model.stream('Hi', slides=True); next(stream); sys.stream = stream; sys.model = model",
        "embeddings = model.embed(['Hi']); view = memoryview(embeddings); capsule = embeddings.__dlpack__(); del model",
        "import atexit; atexit.register(lambda: model.chat('Hi', max_tokens=1))",
        "import threading\n"
        "threading.Thread(target=lambda: list(model.stream('Hi', max_tokens=50))).start()",
    ],
)
def test_the_end_of_the_process_is_quiet(run, ending):
    succeeds(run(OPEN + ending), "")


def test_the_end_with_an_event_loop_that_was_left(run):
    script = """
import asyncio
async def main():
    async def read():
        async for _ in model.stream('Hi', slides=True): pass
    tasks = [asyncio.create_task(read()) for _ in range(5)]
    await asyncio.sleep(0.1)
asyncio.run(main())
"""
    succeeds(run(OPEN + script), "")


def test_a_daemon_thread_that_reads_does_not_keep_the_process(run):
    script = """
import threading
began = threading.Event()
def read():
    try:
        for _ in model.stream('Hi', slides=True): began.set()
    except vector_boot.CancelledError:
        pass
threading.Thread(target=read, daemon=True).start()
began.wait()
"""
    succeeds(run(OPEN + script), "")


def test_fork_in_the_middle(run):
    script = """
stream = model.stream('Hi', max_tokens=40)
first = next(stream)
session = model.session()
later = model.stream('Hi')
import warnings; warnings.simplefilter('ignore')  # threads and fork(): that is what is tested
child = os.fork()
if child == 0:
    uses = [lambda: next(stream), lambda: next(later), lambda: model.chat('Hi'), lambda: model.tokenize('a'),
            lambda: session.chat('Hi'), lambda: model.embed(['a']), lambda: session.messages]
    for use in uses:
        try:
            use()
        except vector_boot.ForkedError as error:
            assert 'process' in str(error), error
            continue
        os._exit(1)
    stream.close(); model.close()
    with vector_boot.Model(os.environ['TINY']) as own:  # one of its own
        assert own.chat('Hi', max_tokens=3).usage.completion_tokens == 3
    sys.exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), len(first + ''.join(stream)) > 10, stream.reply.usage.completion_tokens)
"""
    succeeds(run(OPEN + script), "0 True 40\n")


def test_multiprocessing_forks(run):
    script = """
import multiprocessing
def work(question):
    with vector_boot.Model(os.environ['TINY']) as own:
        return own.chat(question, max_tokens=5).text
if __name__ == '__main__':
    import warnings; warnings.simplefilter('ignore')
    with multiprocessing.get_context('fork').Pool(2) as pool:
        print(pool.map(work, ['Hi'] * 4) == [model.chat('Hi', max_tokens=5).text] * 4)
"""
    succeeds(run(OPEN + script), "True\n")


def interrupt(process, wait: float = 0.2) -> None:
    assert process.stdout.readline() == "ready\n"
    time.sleep(wait)  # into the middle; it is there sooner or later
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    "call",
    [
        "model.chat('Hi', slides=True)",
        "[None for _ in model.stream('Hi', slides=True)]",
        "model.session().chat('Hi', slides=True)",
        "import asyncio; asyncio.run(asyncio.wait_for(model.stream('Hi', slides=True), 60))",
        "vector_boot.Model(os.environ['TINY'], parallel=1).chat('Hi ' * 1000, slides=True)",
    ],
)
def test_ctrl_c_ends_an_answer(start, call):
    script = f"""
print('ready', flush=True)
try:
    {call}
except KeyboardInterrupt:
    print('interrupted', model.chat('Hi', max_tokens=3).usage.completion_tokens)
"""
    process = start(OPEN + script)
    interrupt(process)
    output, errors = process.communicate(timeout=60)
    assert (output, errors, process.returncode) == ("interrupted 3\n", "", 0)


@pytest.mark.parametrize("progress", ["None", "lambda loaded: None"])
def test_ctrl_c_ends_loading(run, smollm2, progress):
    script = f"""
import os, signal, threading, time, vector_boot
def press():
    while not began: pass
    os.kill(os.getpid(), signal.SIGINT)
began = False
thread = threading.Thread(target=press)
thread.start()
try:
    began = True
    model = vector_boot.Model({str(smollm2)!r}, progress={progress})
    print('loaded')
except KeyboardInterrupt:
    print('interrupted')
thread.join()
"""
    succeeds(run(script), "interrupted\n")


def test_a_handler_that_raises_nothing_does_not_disturb(run):
    script = """
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
tokens = model.chat('Hi', max_tokens=200).usage.completion_tokens
signal.setitimer(signal.ITIMER_REAL, 0)  # Python's handlers go before the process does
print(tokens, len(seen) > 0)
"""
    succeeds(run(OPEN + script), "200 True\n")


def test_logs_go_to_logging(run, tmp_path):
    script = f"""
import logging, os, sys, threading
records = []
class Keep(logging.Handler):
    def emit(self, record): records.append((record.name, record.levelname, record.getMessage(), threading.get_ident()))
logging.getLogger('vector_boot').addHandler(Keep())
logging.getLogger('vector_boot').setLevel(logging.DEBUG)
import vector_boot
with vector_boot.Model(os.environ['TINY'], cache={str(tmp_path)!r}) as model:
    model.chat('Hi', max_tokens=2)
print({{name for name, *_ in records}}, {{thread for *_, thread in records}} == {{threading.get_ident()}})
print(any('libllama' in text and level == 'DEBUG' for _, level, text, _ in records))
"""
    succeeds(run(script), "{'vector_boot'} True\nTrue\n")


def test_nothing_is_said_unless_asked(run):
    succeeds(run(OPEN + "model.chat('Hi', max_tokens=2)"), "")


def test_the_first_answer_needs_no_heavy_module(run):
    heavy = "{'asyncio', 'json', 'logging', 'typing', 're', 'ctypes', 'dataclasses', 'inspect', 'threading', 'numpy'}"
    script = OPEN + f"model.chat('Hi', max_tokens=2)\nprint(sorted({heavy} & set(sys.modules) - before))"
    succeeds(run("import sys; before = set(sys.modules)\n" + script), "[]\n")


def test_two_interpreters(run):
    script = """
import _interpreters
one = _interpreters.create('legacy')
failed = _interpreters.exec(one, '''
import os, sys
sys.path[:0] = os.environ['PYTHONPATH'].split(':')
import vector_boot
with vector_boot.Model(os.environ['TINY']) as model:
    assert model.chat('Hi', max_tokens=3).usage.completion_tokens == 3
    try:
        model.chat(1)
    except TypeError:
        pass
''')
print(failed, model.chat('Hi', max_tokens=3).usage.completion_tokens)
_interpreters.destroy(one)
"""
    succeeds(run(OPEN + script), "None 3\n")
