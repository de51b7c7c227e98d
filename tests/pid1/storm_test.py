"""Everything at once for VB_STORM_SECONDS (default: 10): orphans, signals, control requests, services that fail.

With VB_BUILD_DIR=build/asan the same under AddressSanitizer: what it finds ends PID 1 with a report.
"""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from conftest import BUILD, children_of, eventually, private_memory

SECONDS = float(os.environ.get("VB_STORM_SECONDS", "10"))
VBCTL = BUILD / "bin" / "vbctl"

# Makes orphans as fast as it can, and says at its end how many.
COMMAND = """
import os, signal, sys
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGWINCH, signal.SIGRTMIN + 1):
    signal.signal(number, lambda *_: None)
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
made = 0
print("up", flush=True)
while not ending:
    child = os.fork()
    if child == 0:
        for _ in range(8):
            if os.fork() == 0:
                os._exit(3)
        os._exit(0)
    made += 8
    while True:
        try:
            os.waitpid(child, 0)
            break
        except InterruptedError:
            pass
print(made, flush=True)
"""

SERVICES = """
[[service]]
name = "flapper"
limit = 1000
command = ["/bin/sh", "-c", "exit 1"]

[[service]]
name = "talker"
command = ["/bin/sh", "-c", "while :; do echo some words of a service; sleep 0.01; done"]
"""


def test_a_storm(start, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(SERVICES)
    init = start("--config", str(config), "--", "python3", "-c", COMMAND)
    control = Path(f"/proc/{init.pid}/root/run/vector_boot/control.sock")
    eventually(control.exists, "the control socket")
    assert init.outer.stdout.readline() == "up\n"
    end = time.monotonic() + SECONDS
    sent, asked, log = [0], [0], list[str]()

    def send_signals() -> None:
        numbers = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGWINCH, signal.SIGRTMIN + 1, signal.SIGCHLD]
        while time.monotonic() < end:
            init.signal(numbers[sent[0] % len(numbers)])
            sent[0] += 1
            time.sleep(0.0005)

    def ask() -> None:
        while time.monotonic() < end:
            for words in (["status", "--json"], ["restart", "talker"], ["reload"], ["stop", "nothing"], ["start", "flapper"]):
                done = subprocess.run([VBCTL, words[0], "--socket", control, *words[1:]], capture_output=True, text=True,
                                      timeout=60, check=False)
                assert done.returncode == (4 if words[0] == "stop" else 0), done.stderr
                asked[0] += 1

    def read_log() -> None:
        log.extend(init.outer.stderr)

    threads = [threading.Thread(target=work) for work in (send_signals, ask, read_log)]
    for thread in threads:
        thread.start()
    for thread in threads[:2]:
        thread.join()

    status = json.loads(subprocess.run([VBCTL, "status", "--json", "--socket", control], capture_output=True, text=True,
                                       timeout=60, check=True).stdout)
    units = {unit["name"]: unit for unit in status["units"]}
    assert units["flapper"]["restarts"] > 3 and units["command"]["state"] == "ready"
    init.signal(signal.SIGTERM)
    out = init.outer.stdout.read()
    assert init.outer.wait(60) == 0, "".join(log[-20:])
    threads[2].join()
    assert "ERROR:" not in "".join(log), "".join(log)[-4000:]
    assert int(out) > 100 * SECONDS
    assert sent[0] > 100 * SECONDS and asked[0] > SECONDS
    print(f"{out.strip()} orphans, {sent[0]} signals, {asked[0]} requests, {len(log)} lines in {SECONDS:.0f} s")


def test_no_zombie_and_no_memory_is_left_after_a_storm(start, tmp_path):
    # Each child leaves one behind; the command itself reaps nobody, so its own zombies are not counted.
    script = "import os, time\nfor _ in range(2000):\n    if os.fork() == 0:\n        os.fork()\n        os._exit(0)\n" \
             "print('done', flush=True)\ntime.sleep(60)\n"
    init = start("--", "python3", "-c", script)
    assert init.outer.stdout.readline() == "done\n"

    # Whoever is adopted and ends is gone at once; the command stays.
    eventually(lambda: len(children_of(init.pid)) == 1, "all of them reaped")
    if "asan" not in str(BUILD):
        assert private_memory(init.pid) <= 1024
