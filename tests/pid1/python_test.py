"""The handoff to Python: the user's program in the runtime's process, with the engine that booted."""

import os
import signal
import socket
import threading
import time
import zipfile

import pytest
from vector_boot_tools.client import Client
from vector_boot_tools.testing import runtime_of

from conftest import LOOPBACK, eventually, status_of


def test_the_engine_is_the_one_that_booted(program):
    init = program.boot(program.write("""
        import os, vector_boot
        model = vector_boot.Model()
        say(vector_boot.is_booted(), model.path, model.info.name, os.getpid() == os.getpid())
        say(len(str(model.chat("Hello", max_tokens=4))) > 0)
        with vector_boot.Model() as second:
            say(sum(1 for _ in second.stream("Hello", max_tokens=3)) > 0)
        say(str(model.chat("Hello again", max_tokens=4)) != "")
        maps = open("/proc/self/maps").read()
        say("maps", maps.count("libllama.so"), "libvector_boot.so" in maps)
        say("done")
        import time
        time.sleep(3600)
    """))
    program.wait_for("done")
    lines = program.lines()
    assert lines[0] == "True None tiny True"
    assert lines[1:4] == ["True", "True", "True"]
    assert lines[4].endswith("False"), "one engine in one process"
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 0


def test_main_is_as_the_interpreters_own(program):
    program.write("ANSWER = 42\n", "beside.py")
    app = program.write("""
        import sys, beside
        say(__name__, __file__, sys.argv, sys.path[0], beside.ANSWER, sys.modules["__main__"].__file__)
        say(sys.flags.no_site, "site" in sys.modules, sys.stdout.encoding, sys.stdin.read() == "")
        say(sys.executable, sys.version_info[:2] >= (3, 14))
    """)
    program.boot(app, handoff__arguments=["--one", "two words"], failure__policy="exit").finish()
    lines = program.lines()
    assert lines[0] == (f"__main__ {app} {[str(app), '--one', 'two words']} {program.folder} 42 {app}")
    assert lines[1] == "1 False utf-8 True"
    assert lines[2].startswith("/usr/bin/python3") and lines[2].endswith("True")


def test_a_directory_a_zip_and_a_function(program):
    (program.folder / "package").mkdir()
    program.write("say('directory', __name__)\n", "package/__main__.py")
    program.boot(program.folder / "package", failure__policy="exit").finish()
    with zipfile.ZipFile(program.folder / "app.zip", "w") as archive:
        archive.write(program.write("say('zip', __name__)\n", "zipped.py"), "__main__.py")
    program.boot(program.folder / "app.zip", failure__policy="exit").finish()
    program.write("""
        def start():
            say("function", __name__)
            return 7
    """, "application.py")
    status, _, _ = program.boot("application:start", handoff__directory=str(program.folder), failure__policy="exit").finish()
    assert program.lines() == ["directory __main__", "zip __main__", "function application"]
    assert status == 7


@pytest.mark.parametrize("source, status", [("", 0), ("raise SystemExit(3)", 3), ("import sys; sys.exit('text')", 1),
                                            ("1/0", 1), ("import os; os._exit(9)", 9)])
def test_its_status_is_carried_through_where_the_policy_is_to_exit(program, source, status):
    ended, _, log = program.boot(program.write(source), failure__policy="exit").finish()
    assert ended == status, log
    assert ("ZeroDivisionError: division by zero" in log) == (source == "1/0")


def test_a_line_is_printed_in_one_piece(program):
    app = program.write("""
        import os, threading
        def log():
            for _ in range(300): os.write(1, b"of another thread\\n")
        threading.Thread(target=log).start()
        for number in range(300): print("printed", number, "in", "pieces")
    """)
    _, _, log = program.boot(app, failure__policy="exit").finish()
    said = [line.partition("] ")[2] for line in log.splitlines()]
    assert [line for line in said if "printed" in line] == [f"runtime: printed {number} in pieces" for number in range(300)]
    assert said.count("runtime: of another thread") == 300


def test_an_exception_is_in_the_journal_and_the_program_is_started_again(program):
    init = program.boot(program.write("""
        import os
        first = not os.path.exists("@")
        open("@", "w").close()
        say("run")
        if first: raise RuntimeError("of the first run")
        import time
        time.sleep(3600)
    """.replace("@", str(program.folder / "flag"))))
    eventually(lambda: program.lines() == ["run", "run"], "a second run")
    init.signal(signal.SIGTERM)
    status, _, log = init.finish()
    assert "Traceback (most recent call last):" in log and "RuntimeError: of the first run" in log
    assert status == 0


def test_sigterm_is_an_exception_in_the_main_thread(program):
    init = program.boot(program.write("""
        import atexit, threading, time
        atexit.register(say, "atexit")
        try:
            say("up")
            time.sleep(3600)
        except SystemExit as end:
            say("SystemExit", end.code, threading.current_thread() is threading.main_thread())
            raise
        finally:
            say("finally")
    """))
    program.wait_for("up")
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 0
    assert program.lines() == ["up", "SystemExit 0 True", "finally", "atexit"]


def test_sigterm_ends_a_wait_for_the_model_and_an_event_loop(program):
    init = program.boot(program.write("""
        import asyncio, vector_boot
        async def main():
            try:
                async for piece in vector_boot.Model().stream("Hello", slides=True, temperature=1, seed=1): say("piece")
                await asyncio.sleep(3600)
            finally:
                say("cancelled")
        asyncio.run(main())
    """))
    program.wait_for("piece")
    init.signal(signal.SIGTERM)
    status, _, log = init.finish()
    assert status == 0, log
    assert program.lines()[-1] == "cancelled"


def test_children_are_its_own(program):
    init = program.boot(program.write("""
        import asyncio, multiprocessing, os, subprocess, sys, threading

        def square(number):
            return number * number

        async def child():
            process = await asyncio.create_subprocess_exec("sh", "-c", "exit 5")
            return await process.wait()

        if __name__ == "__main__":
            say(subprocess.run(["sh", "-c", "exit 3"]).returncode)
            say(asyncio.run(child()))
            with multiprocessing.Pool(2) as pool:
                say(pool.map(square, [1, 2, 3]))
            with multiprocessing.get_context("fork").Pool(1) as pool:
                say(pool.map(square, [4]))
            thread = threading.Thread(target=say, args=["thread"])
            thread.start()
            thread.join()
            say(subprocess.run(["sh", "-c", "echo ${LISTEN_FDS-none} ${WATCHDOG_USEC-none}; ls /proc/self/fd"],
                               capture_output=True, text=True).stdout.split())
            say("done")
            import time
            time.sleep(3600)
    """))
    program.wait_for("done")
    assert program.lines()[:5] == ["3", "5", "[1, 4, 9]", "[16]", "thread"]
    assert program.lines()[5] == str(["none", "none", "0", "1", "2", "3"]), "no descriptor is passed on"
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 0


def test_it_serves_beside_itself_on_the_machines_sockets(program):
    init = program.boot(program.write("""
        import time, vector_boot
        vector_boot.serve()
        vector_boot.serve()
        say("serving")
        time.sleep(3600)
    """))
    # Connected before there is a runtime: nobody is refused.
    eventually(lambda: init.children(), "the first child")
    answer = Client(LOOPBACK, program.port).answer("Hello", max_tokens=3)
    assert answer
    program.wait_for("serving")
    assert status_of(program.port) == 200
    init.signal(signal.SIGTERM)
    assert init.finish()[0] == 0


def test_clients_wait_while_it_is_killed_and_started_again(program):
    init = program.boot(program.write("""
        import time, vector_boot
        vector_boot.serve()
        say("serving")
        time.sleep(3600)
    """))
    program.wait_for("serving")
    eventually(lambda: status_of(program.port) == 200, "an answer")
    os.kill(init.runtime(), signal.SIGKILL)
    refused = []
    for _ in range(20):
        try:
            socket.create_connection((LOOPBACK, program.port), timeout=5).close()
        except OSError as error:
            refused.append(error)
    assert not refused
    eventually(lambda: status_of(program.port) == 200, "an answer of the next one")


def test_ready_is_the_engines_word_or_the_programs_too(program):
    init = program.boot(program.write("""
        import os, time, vector_boot
        vector_boot.status("warming up")
        say("up")
        while not os.path.exists("@"): time.sleep(0.01)
        vector_boot.ready()
        time.sleep(3600)
    """.replace("@", str(program.folder / "go"))), handoff__ready="app", log__level="debug")
    program.wait_for("up")
    log = []
    reading = threading.Thread(target=lambda: log.extend(init.outer.stderr))
    reading.start()
    eventually(lambda: any("warming up" in line for line in log), "the program's status")
    time.sleep(0.3)
    assert not any("ready to serve" in line for line in log)
    (program.folder / "go").touch()
    eventually(lambda: any("ready to serve" in line for line in log), "readiness")
    init.signal(signal.SIGTERM)
    init.outer.wait(30)
    reading.join()


def test_a_program_that_hangs_is_killed_and_started_again(program):
    init = program.boot(program.write("""
        import time, vector_boot
        vector_boot.Model()
        say("run")
        vector_boot.watchdog(0.2)
        time.sleep(3600)
    """))
    eventually(lambda: program.lines() == ["run", "run"], "a second run")
    init.signal(signal.SIGTERM)
    _, _, log = init.finish()
    assert "the program gives no sign of life" in log


def test_a_watchdog_that_is_called_in_time_or_given_up_kills_nobody(program):
    init = program.boot(program.write("""
        import time, vector_boot
        for _ in range(30):
            vector_boot.watchdog(0.5)
            time.sleep(0.05)
        vector_boot.watchdog(0)
        time.sleep(1)
        say("alive")
    """), failure__policy="exit")
    assert init.finish()[0] == 0
    assert program.lines() == ["alive"]


def test_an_engine_that_fails_ends_the_program_and_the_container(program, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(60))
    status, _, log = program.boot(program.write("""
        import atexit, time
        atexit.register(say, "atexit")
        time.sleep(3600)
    """), model=broken).finish()
    assert status == 2, log
    assert "broken.gguf" in log
    assert program.lines() in ([], ["atexit"]), "its end is in order, if it has begun"


def test_what_cannot_be_run_is_said(program):
    status, _, log = program.boot(program.folder / "missing.py", failure__policy="exit").finish()
    assert status == 2 and "missing.py" in log and "No such file" in log
    status, _, log = program.boot("missing:main", failure__policy="exit").finish()
    assert status == 1 and "ModuleNotFoundError: No module named 'missing'" in log
    status, _, log = program.boot(program.write("pass"), handoff__user="nobody-here", failure__policy="exit").finish()
    assert status == 2 and "nobody-here" in log


def test_it_runs_as_the_user_that_is_configured(program):
    app = program.write("import os; say(os.getuid(), os.getgid())")
    program.said.touch()
    program.said.chmod(0o666)
    program.boot(app, handoff__user="nobody", failure__policy="exit").finish()
    assert program.lines() == ["65534 65534"]


def test_the_boot_is_on_its_timeline(program):
    program.boot(program.write("""
        import vector_boot
        vector_boot.Model()
        for span in vector_boot.boot_timeline(): say(span.name)
    """), failure__policy="exit").finish()
    assert {"init: spawn runtime", "python: load", "python: initialise", "engine: weights"} <= set(program.lines())


def test_a_device_by_its_name(program, tmp_path):
    registers, fifo = tmp_path / "registers", tmp_path / "fifo"
    registers.write_bytes(bytes(4096))
    os.mkfifo(fifo)
    init = program.boot(program.write("""
        import asyncio, vector_boot
        async def main():
            device = vector_boot.Device("sensor")
            region = device.region()
            region.write32(8, 42)
            say("up")
            async for count in device.interrupts():
                say("interrupts", count, region.read32(0))
                region.write32(4, 1)
        asyncio.run(main())
    """), device={"name": "sensor", "file": str(registers), "interrupt": str(fifo)})
    program.wait_for("up")
    assert int.from_bytes(registers.read_bytes()[8:12], "little") == 42
    with open(registers, "r+b") as file:
        file.write((0x10000ED).to_bytes(4, "little"))
    with open(fifo, "wb") as file:
        file.write(b"!")
    program.wait_for(f"interrupts 1 {0x10000ED}")
    used = init.runtime()
    os.truncate(registers, 0)  # it vanishes while it is in use
    with open(fifo, "wb") as file:
        file.write(b"!")
    eventually(lambda: runtime_of(init.pid) not in (None, used), "another runtime")
    registers.write_bytes(bytes(4096))
    eventually(lambda: program.lines().count("up") == 2, "the program once more")
    init.signal(signal.SIGTERM)
    _, _, log = init.finish()
    assert "DeviceError" in log
