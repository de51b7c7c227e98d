"""curl: a stream line by line as it comes, errors, and exit statuses for scripts."""

import json
import subprocess

import pytest
from servers import KEY, Server

JSON = ["-H", "Content-Type: application/json"]


def curl(server: Server, path: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["curl", "--silent", "--show-error", "--max-time", "120", *words, server.address + path]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def chat(**options: object) -> list[str]:
    body = {"messages": [{"role": "user", "content": "Why is the sky blue?"}], "temperature": 0, "max_tokens": 16}
    return [*JSON, "-d", json.dumps(body | options)]


def test_a_stream_line_by_line(server: Server) -> None:
    command = ["curl", "-sN", "--max-time", "120", f"{server.url}/chat/completions", *chat(stream=True, max_tokens=64)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert process.poll() is None, "the first line came with the last"
        lines = [first, *process.stdout]
    assert process.returncode == 0
    events = [line for line in lines if line != "\n"]
    assert all(line.startswith("data: ") for line in events)
    assert lines[1::2] == ["\n"] * len(events), "an empty line ends each event"
    assert events[-1] == "data: [DONE]\n"
    pieces = [json.loads(line[6:])["choices"][0]["delta"].get("content") for line in events[:-1]]
    assert "".join(piece or "" for piece in pieces).startswith("The sky is blue")


def test_the_headers_of_a_stream(server: Server) -> None:
    shown = curl(server, "/v1/chat/completions", "-N", "-D", "-", "-o", "/dev/null", *chat(stream=True))
    assert shown.returncode == 0
    status, *headers = shown.stdout.lower().splitlines()
    assert status.startswith("http/1.1 200")
    assert any(line.startswith("content-type: text/event-stream") for line in headers)
    assert any(line.startswith("transfer-encoding: chunked") for line in headers)
    uncached = server.expected(True, llama_server=False, because="llama-server's streams do not forbid caches to keep them")
    assert ("cache-control: no-cache" in headers) is uncached


def test_an_error_is_json_and_an_exit_status(server: Server) -> None:
    shown = curl(server, "/v1/chat/completions", *JSON, "-d", "{}")
    assert shown.returncode == 0 and json.loads(shown.stdout)["error"]["type"] == "invalid_request_error"
    assert curl(server, "/v1/chat/completions", "--fail", *JSON, "-d", "{}").returncode == 22
    failed = curl(server, "/v1/chat/completions", "--fail-with-body", *JSON, "-d", '{"messages": [')
    assert failed.returncode == 22 and "error" in json.loads(failed.stdout)


def test_an_error_before_the_first_event_is_no_stream(server: Server) -> None:
    long = [{"role": "user", "content": "word " * 5000}]
    failed = curl(server, "/v1/chat/completions", "-N", "--fail-with-body", *chat(stream=True, messages=long))
    assert failed.returncode == 22 and "error" in json.loads(failed.stdout)


def test_a_body_that_is_announced_first(server: Server) -> None:
    """Expect: 100-continue, which curl sends by itself with a large body."""
    shown = curl(server, "/v1/chat/completions", "-H", "Expect: 100-continue", *chat())
    assert shown.returncode == 0 and json.loads(shown.stdout)["choices"]


def test_several_requests_on_one_connection(server: Server) -> None:
    command = ["curl", "-sS", "-w", "%{num_connects}\n", "-o", "/dev/null", f"{server.address}/health"]
    command += ["-o", "/dev/null", f"{server.url}/models"]
    shown = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert shown.stdout.split() == ["1", "0"]


def test_a_head_and_the_options(server: Server) -> None:
    headers = curl(server, "/v1/models", "--head")
    assert headers.returncode == 0 and headers.stdout.startswith("HTTP/1.1 200")
    refused = curl(server, "/v1/chat/completions", "-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}")
    assert refused.stdout == server.expected(
        "405", llama_server="404", because="llama-server does not tell a wrong method from a path that does not exist"
    )


@pytest.mark.parametrize(("key", "status"), [(KEY, "200"), ("sk-wrong", "401"), ("", "401")])
def test_keys(locked: Server, key: str, status: str) -> None:
    words = ["-H", f"Authorization: Bearer {key}"] if key else []
    shown = curl(locked, "/v1/chat/completions", "-o", "/dev/null", "-w", "%{http_code}", *words, *chat(max_tokens=1))
    assert shown.stdout == status
