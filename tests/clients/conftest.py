"""Every test of this folder runs against both servers, with clients that other people wrote."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vector_boot_tools.client_packages import ClientPackages, client_packages
from vector_boot_tools.model import default_model

PACKAGES = client_packages()
sys.path.insert(0, str(PACKAGES.python))

import openai
from servers import OURS, THEIRS, Server, start, wait_until_ready


@pytest.fixture(scope="session")
def packages() -> ClientPackages:
    return PACKAGES


@pytest.fixture(scope="session")
def model() -> Path:
    return default_model()


@contextmanager
def serving(name: str, model: Path, *, keys: bool = False, embeddings: bool = False) -> Iterator[Server]:
    with start(name, model, keys=keys, embeddings=embeddings) as started:
        server = Server(name, started)
        wait_until_ready(server)
        yield server


@pytest.fixture(scope="session", params=[OURS, THEIRS])
def server(request: pytest.FixtureRequest, model: Path) -> Iterator[Server]:
    with serving(request.param, model) as one:
        yield one


@pytest.fixture(scope="session", params=[OURS, THEIRS])
def locked(request: pytest.FixtureRequest, model: Path) -> Iterator[Server]:
    """A server that wants a key."""
    with serving(request.param, model, keys=True) as one:
        yield one


@pytest.fixture(scope="session", params=[OURS, THEIRS])
def embedding(request: pytest.FixtureRequest, model: Path) -> Iterator[Server]:
    """A server that embeds: llama-server only does when it is started for that, and then does nothing else."""
    with serving(request.param, model, embeddings=True) as one:
        yield one


def client_of(server: Server, key: str = "any") -> openai.OpenAI:
    # A retry would hide what the first attempt met.
    return openai.OpenAI(base_url=server.url, api_key=key, max_retries=0, timeout=120)


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with client_of(server) as one:
        yield one


@pytest.fixture
def name(client: openai.OpenAI) -> str:
    """Of the model, as any client finds it out."""
    (only,) = client.models.list().data
    return only.id
