"""Options, fixtures and results of the conformance suite; README.md says how to use it."""

import json
import os
import re
import shlex
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness import Programs, Run, compile_programs

HERE = Path(__file__).resolve().parent
OWN_INIT = HERE.parents[1] / "build" / "release" / "bin" / "vector_boot"

# What an option of inits.toml is for.
OPTIONS = {
    "as_subreaper": "to adopt orphans when it is not PID 1",
    "on_parent_death": "to end with its parent",
    "remapped": "to map an exit status to 0",
    "talkative": "to write about what it does",
    "to_child_only": "to signal nobody but the main child",
    "to_group": "to signal the main child's process group",
}

# The first line of each test: the behaviour, and what demands it.
BEHAVIOUR = re.compile(r"(.+\.) \[(.+)\]")


def behaviour_of(item: pytest.Function) -> re.Match[str] | None:
    return BEHAVIOUR.fullmatch((item.function.__doc__ or "").partition("\n")[0])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--init", default=f"{OWN_INIT} --", metavar="COMMAND", help='the init, e.g. "tini --"')
    parser.addoption("--results", metavar="FILE", help="write what came out as JSON")
    parser.addoption("--set-clock", action="store_true", help="let a test set the machine's clock, and set it back")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "extra: a choice of design, not a requirement")
    config.addinivalue_line("markers", "only_as(place): as PID 1 (pid1) or as an ordinary process (process)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and behaviour_of(item) is None:
            raise pytest.UsageError(f"{item.nodeid}: its docstring does not begin with `The behaviour. [what demands it]`")


class Init:
    """The init under test: its command, and how it spells what the tests need (inits.toml)."""

    def __init__(self, command: str) -> None:
        self.words = shlex.split(command)
        program = shutil.which(self.words[0])
        if program is None:
            raise pytest.UsageError(f"--init {command}: there is no program {self.words[0]}")
        self.words[0] = os.path.abspath(program)
        with open(HERE / "inits.toml", "rb") as file:
            known = tomllib.load(file)
        self.description = known.get(Path(self.words[0]).name, {})

    def command(self, options: list[str], separated: bool) -> list[str]:
        words = self.words if separated else [word for word in self.words if word != "--"]
        return [words[0], *options, *words[1:]]

    def option(self, name: str, **values: object) -> list[str]:
        """The words of an option; the test does not apply to an init that has none."""
        if name not in self.description:
            pytest.skip(f"it has no option {OPTIONS[name]}")
        return [word.format(adapters=HERE / "adapters", **values) for word in self.description[name]]

    def optional(self, name: str) -> list[str]:
        """The words of an option, where it has it."""
        return self.option(name) if name in self.description else []

    def skip_if_not_applicable(self, test: str) -> None:
        for names, reason in self.description.get("not_applicable", {}).items():
            if re.match(names, test):
                pytest.skip(reason)


@pytest.fixture(scope="session")
def init(request: pytest.FixtureRequest) -> Init:
    return Init(request.config.getoption("--init"))


@pytest.fixture(autouse=True)
def applicable(request: pytest.FixtureRequest, init: Init) -> None:
    init.skip_if_not_applicable(request.node.name)


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    with tempfile.TemporaryDirectory() as folder:
        yield compile_programs(Path(folder))


@pytest.fixture(params=["pid1"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


type Start = Callable[..., Run]


@pytest.fixture
def start(init: Init, programs: Programs, place: str) -> Iterator[Start]:
    """start("child", ...) runs the suite's own program; any other command as it is.

    options: of the init; under: words of `launch with`; before: a command that executes what follows it;
    separated: with the -- of the init's command."""
    runs: list[Run] = []

    def start_one(
        *command: str,
        options: list[str] | None = None,
        under: tuple[str, ...] = (),
        before: tuple[str, ...] = (),
        separated: bool = True,
        **more: Any,
    ) -> Run:
        words = [programs.child if word == "child" else word for word in command]
        prefix = [*before, *((programs.launch, "with", *under, "--") if under else ())]
        more.setdefault("place", place)
        runs.append(Run(programs, [*prefix, *init.command(options or [], separated), *words], **more))
        return runs[-1]

    yield start_one
    for run in runs:
        run.close()


# --- results, for compare.py ------------------------------------------------------------------------------------

@dataclass
class Result:
    """Of one test with all its parameters."""

    file: str
    behaviour: str
    demanded_by: str
    extra: bool
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # why


results: dict[str, Result] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    words = behaviour_of(item)
    assert words is not None
    extra = item.get_closest_marker("extra") is not None
    result = results.setdefault(item.originalname, Result(item.path.name, words[1], words[2], extra))
    if report.failed:
        result.failed.append(item.name)
    elif report.skipped and call.excinfo is not None:
        result.skipped.append(str(call.excinfo.value))
    elif report.passed and report.when == "call":
        result.passed += 1
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--results")
    if path:
        Path(path).write_text(json.dumps({name: asdict(result) for name, result in results.items()}, indent=1) + "\n", encoding="utf-8")
