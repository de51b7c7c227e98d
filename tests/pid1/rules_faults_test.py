"""Rules that are wrong, and whose programs fail."""

import re

import pytest

from ruled_machine import FREE, VALVE, machine, rule

__all__ = ["machine"]  # a fixture


@pytest.mark.parametrize(("run", "error", "status"), [
    ('["/bin/false"]', "/bin/false ended with status 1", 1),
    ('["/nowhere/at/all"]', r"run /nowhere/at/all: No such file or directory \(ENOENT\)", None),
    ('["/bin/sleep", "60"]', "/bin/sleep was killed after 1000 ms", 137),
    ('["/bin/sh", "-c", "kill -TERM $$"]', "/bin/sh ended with status 143", 143),
])
def test_a_program_that_fails_is_said(machine, run, error, status):
    machine.boot(rule("offset = 0x20", "above = 80", "deadline = 1000", f"run = {run}", 'answers = ["go"]'))
    stream = machine.listen()
    machine.sensor.write(0x20, 81)
    event = machine.next_event(stream)
    assert re.fullmatch(error, event["error"]) and event.get("status") == status
    machine.wait_for_log(f"heat: {error}")


@pytest.mark.parametrize(("rules", "sections", "message"), [
    (rule("offset = 0x20", "colour = 1"), FREE, "unknown key colour; [on] has name, device, event"),
    (rule("above = 3"), FREE, "it needs offset in [on]: where the register is"),
    (rule("offset = 0x21"), FREE, "expected offset in [on] to be a multiple of the register's size"),
    (rule("offset = 0x20", prompt="It is {temperature}."), FREE, "expected prompt in [on] to be a text, in which {value}"),
    (rule("offset = 0x20", prompt="A { brace"), FREE, "expected prompt in [on] to be a text"),
    (rule("offset = 0x20", device="nobody"), FREE, "expected device in [on] to be the name of a [[device]]"),
    (rule("offset = 0x20", 'event = "whenever"'), FREE, 'expected event in [on] to be "change", "interrupt"'),
    (rule("offset = 0x20", 'answers = ["ajar"]', VALVE), FREE, "a table with a value for each of `answers`"),
    (rule("offset = 0x20", 'run = ["logger"]'), FREE, "expected run in [on] to be a program and its arguments"),
    (rule("offset = 0x20") * 2, FREE, "a name that no other rule has"),
    (rule("offset = 0x20"), "", "expected device in [on] to be left out, or [sandbox] to have enabled = false"),
    (rule("offset = 0x20"), FREE + '[handoff]\nmode = "exec"\ncommand = ["/bin/true"]\n',
     'expected name in [on] to be left out with [handoff] mode = "exec"'),
])
def test_what_is_wrong_with_a_rule_is_said_with_its_line(machine, start, rules, sections, message):
    configuration = machine.configure(rules, sections)
    status, _, err = start("--config", str(configuration)).finish()
    assert status == 1
    assert message in err and f"{configuration}: line " in err
