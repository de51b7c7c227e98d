"""Neural interrupts: [[on]] joins what happens at a device to the model, and its answer to an action, under the real PID 1.
The devices are plain files that stand for registers; what changes them is the test."""

import http.client
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from conftest import IS_SANITIZED, LOOPBACK, eventually, status_of, vbctl
from ruled_machine import FREE, VALVE, machine, rule

__all__ = ["machine"]  # a fixture


def test_a_register_that_rises_has_the_answer_written(machine):
    machine.boot(rule("offset = 0x20", "above = 80", "period = 5", VALVE))
    stream = machine.listen()
    machine.sensor.write(0x20, 80)
    machine.sensor.write(0x20, 81)
    event = machine.next_event(stream)
    assert event["rule"] == "heat" and event["device"] == "sensor" and event["value"] == 81
    assert event["answer"] in ("open", "close")
    assert event["written"] == {"open": 17, "close": 34}[event["answer"]] == machine.valve.read(0x10)
    assert "error" not in event and event["milliseconds"] >= 0
    said = machine.wait_for_log(r'heat: value 81, before \d+: "(open|close)" after \d+ ms')
    assert said[1] == event["answer"]
    assert f"heat: wrote {event['written']} to valve" in machine.log()


def test_it_speaks_once_for_each_time_that_the_condition_becomes_true(machine):
    machine.boot(rule("offset = 0x20", "above = 80", "period = 1", 'answers = ["yes"]'))
    stream = machine.listen()
    for value, before in ((90, 0), (50, 90), (95, 50)):
        machine.sensor.write(0x20, value)
        if value == 50:
            time.sleep(0.1)  # for the register to have been read, which leaves no trace
        else:
            event = machine.next_event(stream)
            assert (event["value"], event["before"]) == (value, before)
            machine.sensor.write(0x20, value + 1)
            time.sleep(0.1)
            machine.sensor.write(0x20, value)
    assert len(re.findall('"yes"', machine.log())) == 2


def test_what_holds_at_the_start_is_said_once_there_is_a_model(machine):
    machine.sensor.write(0x20, 99)
    machine.boot(rule("offset = 0x20", "above = 80", 'answers = ["hot"]'))
    assert machine.next_event(machine.listen())["value"] == 99


def test_signed_registers_masks_and_more_values(machine):
    machine.sensor.write(0x22, -5, "<h")
    machine.sensor.write(0x24, 7, "<H")
    machine.boot(rule("offset = 0x22", 'type = "i16"', "below = 0", "values = { pressure = 0x24 }",
                      'run = ["/usr/bin/touch", "--", "{value}_{pressure}_{answer}"]', 'answers = ["cold"]',
                      prompt="It is {value} at {pressure}.")
                 + rule("offset = 0x24", "mask = 0x2", "equal = 2", 'answers = ["bit"]', name="bit"),
                 FREE)
    stream = machine.listen()
    events = {event["rule"]: event for event in (machine.next_event(stream), machine.next_event(stream))}
    assert events["heat"]["value"] == -5 and events["heat"]["status"] == 0
    assert events["bit"]["value"] == 2
    assert Path(f"/proc/{machine.init.runtime()}/cwd/-5_7_cold").exists()
    Path(f"/proc/{machine.init.runtime()}/cwd/-5_7_cold").unlink()


def test_an_interrupt_is_counted_and_acknowledged(machine):
    machine.sensor.write(0x24, 0x42)
    machine.boot(rule('event = "interrupt"', "offset = 0x24", "acknowledge = 0x28", 'answers = ["seen"]',
                      prompt="{count} interrupts, status {value}."))
    stream = machine.listen()
    machine.interrupt(3)
    event = machine.next_event(stream)
    assert event["count"] == 3 and event["value"] == 0x42
    assert machine.sensor.read(0x28) == 0x42
    machine.interrupt()
    assert machine.next_event(stream)["count"] == 1


def test_interrupts_that_come_while_the_model_thinks_are_one_more_question(machine):
    machine.boot(rule('event = "interrupt"', "max_tokens = 30", "limit = 1000", prompt="{count}"))
    stream = machine.listen()
    for _ in range(50):
        machine.interrupt()
    counts = []
    while sum(counts) < 50:
        counts.append(machine.next_event(stream)["count"])
    assert sum(counts) == 50, "none is lost"
    assert len(counts) < 50


def test_a_timer_needs_no_device_and_no_freedom(machine):
    """Without a device and a program a rule is confined like everything else."""
    machine.boot('[[on]]\nname = "tick"\nevent = "timer"\nperiod = 30\nprompt = "Once more."\nanswers = ["tock"]\n', "")
    stream = machine.listen()
    assert [machine.next_event(stream)["answer"] for _ in range(3)] == ["tock"] * 3


def test_more_than_the_limit_is_passed_over(machine):
    machine.boot(rule('event = "timer"', "period = 5", "limit = 4", 'answers = ["tock"]'))
    stream = machine.listen()
    for _ in range(4):
        machine.next_event(stream)
    machine.wait_for_log("heat: more than 4 events a minute; some are passed over")
    assert machine.log().count('"tock"') == 4


def test_an_answer_that_comes_too_late_does_nothing(machine):
    machine.boot(rule("offset = 0x20", "above = 80", "deadline = 1", "max_tokens = 2000",
                      'write = { device = "valve", offset = 0x10 }', "grammar = '''root ::= [0-9]{1500}'''"))
    stream = machine.listen()
    machine.sensor.write(0x20, 81)
    event = machine.next_event(stream)
    assert event["error"] == "no answer within 1 ms" and "written" not in event
    assert machine.valve.read(0x10) == 0


def test_a_number_as_an_answer_is_written_as_it_is(machine):
    machine.boot(rule("offset = 0x20", "above = 80", 'write = { device = "valve", offset = 0x10, type = "u8" }',
                      "grammar = '''root ::= [1-9]'''"))
    stream = machine.listen()
    machine.sensor.write(0x20, 81)
    event = machine.next_event(stream)
    assert machine.valve.read(0x10) == event["written"] == int(event["answer"])


def test_a_device_that_comes_later_goes_and_comes_again(machine):
    contents = machine.sensor.path.read_bytes()
    machine.sensor.path.unlink()
    machine.boot(rule("offset = 0x20", "above = 80", "period = 5", 'answers = ["hot"]')
                 + rule('event = "attached"', 'answers = ["hello"]', name="come")
                 + rule('event = "detached"', 'answers = ["bye"]', name="gone"))
    machine.wait_for_log(r"heat: waits for its device: open .*/sensor: No such file or directory")
    stream = machine.listen()
    for _ in range(2):
        beside = machine.folder / "beside"
        beside.write_bytes(contents)
        beside.rename(machine.sensor.path)
        assert machine.next_event(stream)["answer"] == "hello"
        machine.sensor.write(0x20, 81)
        assert machine.next_event(stream)["value"] == 81
        machine.sensor.path.unlink()
        assert machine.next_event(stream)["answer"] == "bye"
    assert machine.log().count("device sensor is gone") == 2


def test_a_device_that_is_written_to_goes_and_another_comes(machine):
    machine.boot(rule("offset = 0x20", "above = 80", "period = 5", VALVE))
    stream = machine.listen()
    machine.valve.path.unlink()
    machine.wait_for_log("device valve is gone")
    machine.sensor.write(0x20, 81)
    assert "No such file" in machine.next_event(stream)["error"]
    beside = machine.folder / "beside"
    beside.write_bytes(bytes(64))
    beside.rename(machine.valve.path)
    machine.sensor.write(0x20, 0)
    time.sleep(0.1)  # for the register to have been read, which leaves no trace
    machine.sensor.write(0x20, 82)
    assert machine.next_event(stream)["written"] == machine.valve.read(0x10)


def test_a_device_that_is_cut_off_is_an_error_and_not_the_end(machine):
    machine.boot(rule("offset = 0x20", "period = 5", 'answers = ["changed"]'))
    runtime = machine.init.runtime()
    os.truncate(machine.sensor.path, 0)
    machine.wait_for_log("heat: read .*/sensor")
    assert machine.init.runtime() == runtime
    stream = machine.listen()
    os.truncate(machine.sensor.path, 64)
    machine.sensor.write(0x20, 5)
    assert machine.next_event(stream)["answer"] == "changed"


def test_clients_do_not_keep_a_rule_waiting(machine):
    """All places are taken by long answers: the rule has one of its own."""
    machine.boot(rule("offset = 0x20", "above = 80", "period = 5", 'answers = ["now"]'),
                 FREE + "[http]\nqueue = 64\n")
    clients = [http.client.HTTPConnection(LOOPBACK, machine._port, timeout=60) for _ in range(12)]
    body = json.dumps({"messages": [{"role": "user", "content": "Go on."}], "max_tokens": 1500, "stream": True,
                       "logit_bias": {"0": -100}})
    for client in clients:
        client.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    stream = machine.listen()
    machine.sensor.write(0x20, 81)
    assert machine.next_event(stream)["answer"] == "now"
    for client in clients:
        client.close()


def test_a_listener_that_comes_back_gets_what_it_missed(machine):
    machine.boot(rule('event = "timer"', "period = 5", "limit = 3", 'answers = ["tock"]'))
    machine.wait_for_log("some are passed over")
    assert machine.listen(after=0).readline() == b": events\n"
    stream = machine.listen(after=2)
    lines = [stream.readline() for _ in range(3)]
    assert lines[2] == b"id: 3\n"
    refused = urllib.request.Request(f"http://{LOOPBACK}:{machine._port}/events", headers={"Last-Event-ID": "x"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(refused)


def test_the_end_does_not_wait_for_listeners_and_rules(machine):
    machine.boot(rule('event = "timer"', "period = 5", "limit = 60000", "max_tokens = 1000"))
    stream = machine.listen()
    machine.init.signal(signal.SIGTERM)
    status, _, err = machine.init.finish()
    assert status == 0, err
    while stream.readline():
        pass


@pytest.mark.skipif(IS_SANITIZED, reason="a sanitized build has no Python")
def test_rules_beside_a_program_in_python(machine):
    app = machine.folder / "main.py"
    app.write_text("import vector_boot, time\nvector_boot.serve()\nvector_boot.ready()\ntime.sleep(3600)\n")
    machine.boot(rule("offset = 0x20", "above = 80", "period = 5", VALVE),
                 f'[handoff]\nmode = "python"\napp = "{app}"\n')
    stream = machine.listen()
    machine.sensor.write(0x20, 81)
    assert machine.next_event(stream)["answer"] in ("open", "close")


def test_a_reload_brings_new_rules(machine):
    init = machine.boot(rule("offset = 0x20", "above = 80", 'answers = ["old"]')).init
    machine.configure(rule("offset = 0x20", "above = 80", 'answers = ["new"]'))
    before = init.runtime()
    assert vbctl(init, "reload") == "changed runtime\n"
    eventually(lambda: init.children() and before not in init.children(), "another runtime")
    eventually(lambda: status_of(machine._port) == 200, "a ready runtime")
    machine.sensor.write(0x20, 99)
    assert machine.next_event(machine.listen())["answer"] == "new"
