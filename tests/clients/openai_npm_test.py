"""The openai package for JavaScript, in Node.js: openai_npm.mjs asks, and prints what it got as one line of JSON."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from servers import KEY, NO_TOOLS, Server
from vector_boot_tools.client_packages import ClientPackages

SCRIPT = Path(__file__).with_name("openai_npm.mjs")


class Node:
    def __init__(self, packages: ClientPackages, folder: Path) -> None:
        # Modules are looked for beside the script.
        self._program, self._script = packages.node, folder / SCRIPT.name
        self._script.write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
        os.symlink(packages.node_modules / "node_modules", folder / "node_modules")

    def ask(self, server: Server, what: str, key: str = "any") -> dict:
        command = [self._program, self._script, server.url, key, what]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, f"{what} with {server.name}:\n{ran.stderr}"
        return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def node(packages: ClientPackages, tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node(packages, tmp_path_factory.mktemp("npm"))


def test_chat(server: Server, node: Node) -> None:
    reply = node.ask(server, "chat")
    assert reply["choices"][0]["message"]["content"].startswith("The sky is blue")
    assert reply["usage"]["completion_tokens"] == 24


def test_stream(server: Server, node: Node) -> None:
    reply = node.ask(server, "stream")
    assert len(reply["pieces"]) > 10 and "".join(reply["pieces"]).startswith("The sky is blue")
    assert reply["finish_reason"] == "length" and reply["usage"]["completion_tokens"] == 24


def test_a_stream_that_is_aborted(server: Server, node: Node) -> None:
    assert node.ask(server, "abort") == {"pieces": 3, "after": True}


def test_tools(server: Server, node: Node) -> None:
    reply = node.ask(server, "tools")
    assert bool(reply["calls"]) is server.expected(True, llama_server=False, because=NO_TOOLS)
    if reply["calls"]:
        assert reply["calls"][0]["function"]["name"] == "get_weather"
        assert set(json.loads(reply["calls"][0]["function"]["arguments"])) == {"city"}
        assert reply["answer"].strip()


def test_a_schema(server: Server, node: Node) -> None:
    assert set(json.loads(node.ask(server, "schema")["content"])) == {"name", "age"}


def test_embeddings(embedding: Server, node: Node) -> None:
    reply = node.ask(embedding, "embeddings")
    assert reply["sizes"][0] == reply["sizes"][1] > 100
    assert reply["cosine"] > 0.999, "base64, which the package asks for by itself, holds other floats"


def test_responses(server: Server, node: Node) -> None:
    reply = node.ask(server, "responses")
    assert reply["text"].startswith("The sky is blue")
    assert reply["streamed"] == reply["text"]


def test_errors(server: Server, node: Node) -> None:
    reply = node.ask(server, "errors")
    param = server.expected("temperature", llama_server=None, because="llama-server's errors have no param")
    assert reply["wrong"] == {"name": "BadRequestError", "status": 400, "param": param}
    assert reply["long"]["name"] == "BadRequestError"
    assert reply["missing"]["name"] == "NotFoundError"


def test_a_key(locked: Server, node: Node) -> None:
    assert node.ask(locked, "chat", KEY)["choices"]
    assert node.ask(locked, "refused", "sk-wrong") == {"name": "AuthenticationError", "status": 401}
