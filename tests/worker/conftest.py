"""The default model behind vector_boot, as PID 1 of a container."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from vector_boot_tools.model import default_model
from vector_boot_tools.testing import Started


@pytest.fixture(scope="session")
def model() -> Path:
    return default_model()


@pytest.fixture
def started(model: Path) -> Iterator[Started]:
    """Just executed: nothing is loaded yet."""
    with Started.vector_boot(model) as one:
        yield one


@pytest.fixture(scope="module")
def serving(model: Path) -> Iterator[Started]:
    """One for all tests of a module that leave it as it was."""
    with Started.vector_boot(model) as one:
        one.client().answer("Hi", max_tokens=1)
        yield one
