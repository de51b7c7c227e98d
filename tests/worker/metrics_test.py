"""GET /metrics as Prometheus reads it, and what is said of it in docs."""

import http.client
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from vector_boot_tools.client import chat
from vector_boot_tools.places import CHECKOUT
from vector_boot_tools.python_packages import installed
from vector_boot_tools.testing import Started, eventually

sys.path.insert(0, str(installed(Path(__file__).parent / "requirements.txt")))

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

DASHBOARD = CHECKOUT / "docs" / "grafana" / "vector_boot.json"
PAGE = CHECKOUT / "docs" / "metrics.md"
SUFFIXES = ("_bucket", "_sum", "_count", "_total")


class Metrics:
    def __init__(self, started: Started) -> None:
        self.text = started.client().text("/metrics")
        self.families: dict[str, Metric] = {}
        for family in text_string_to_metric_families(self.text):
            assert family.name not in self.families, "a metric is described twice"
            self.families[family.name] = family

    def sum(self, sample: str, **labels: str) -> float:
        found = [
            one.value
            for family in self.families.values()
            for one in family.samples
            if one.name == sample and labels.items() <= one.labels.items()
        ]
        assert found, f"there is no {sample}"
        return float(sum(found))

    def names(self) -> set[str]:
        """As they are written: a counter with its _total."""
        return {line.split()[2] for line in self.text.splitlines() if line.startswith("# TYPE ")}


def ask(started: Started, tokens: int) -> dict[str, int]:
    reply = started.client().json("POST", "/v1/chat/completions", chat("Why is the sky blue?", max_tokens=tokens))
    assert isinstance(reply, dict)
    usage = reply["usage"]
    return {**usage, "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"]}


def test_an_answer_is_counted(serving: Started) -> None:
    before = Metrics(serving)
    usage = ask(serving, 8)
    after = Metrics(serving)

    def more(sample: str, **labels: str) -> float:
        return after.sum(sample, **labels) - before.sum(sample, **labels)

    assert more("vector_boot_requests_total", path="/v1/chat/completions", status="200") == 1
    assert more("vector_boot_request_duration_seconds_count", path="/v1/chat/completions") == 1
    assert more("vector_boot_time_to_first_token_seconds_count") == 1
    assert 1 <= more("vector_boot_inter_token_latency_seconds_count") <= 7
    assert more("vector_boot_prompt_tokens_total") == usage["prompt_tokens"]
    assert more("vector_boot_completion_tokens_total") == usage["completion_tokens"]
    assert more("vector_boot_cached_tokens_total") == usage["cached_tokens"]


def test_the_format_is_prometheus(serving: Started) -> None:
    with serving.client().request("GET", "/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    metrics = Metrics(serving)
    for family in metrics.families.values():
        assert family.documentation
        assert family.samples
        series = [(one.name, *sorted(one.labels.items())) for one in family.samples]
        assert len(series) == len(set(series)), f"{family.name} has a series twice"
        if family.type == "histogram":
            check_histogram(family)


def check_histogram(family: Metric) -> None:
    last: dict[tuple[tuple[str, str], ...], float] = {}
    for one in family.samples:
        labels = {name: value for name, value in one.labels.items() if name != "le"}
        key = tuple(sorted(labels.items()))
        if one.name.endswith("_bucket"):
            assert one.value >= last.get(key, 0)
            last[key] = one.value
        elif one.name.endswith("_count"):
            assert one.value == last[key], "the last bucket is not the count"


def test_who_computes_is_running(serving: Started) -> None:
    pieces = serving.client().stream("Count from one to one hundred.", max_tokens=500)
    next(pieces)
    assert Metrics(serving).sum("vector_boot_requests_running") == 1
    assert Metrics(serving).sum("vllm:num_requests_running") == 1
    pieces.close()
    eventually(lambda: Metrics(serving).sum("vector_boot_requests_running") == 0, "the end of the stream")


def test_the_boot_and_the_process(serving: Started) -> None:
    metrics = Metrics(serving)
    assert metrics.sum("vector_boot_boot_phase_seconds", phase="engine: weights") > 0
    assert metrics.sum("vector_boot_boot_phase_start_seconds", phase="first token") > 0
    assert metrics.sum("vector_boot_restarts_total") == 0
    assert metrics.sum("vector_boot_ready") == 1
    assert metrics.sum("vector_boot_model_parameters") > 1e8
    assert metrics.sum("process_resident_memory_bytes") > 1e7
    assert metrics.sum("process_open_fds") > 3


def test_a_gateway_finds_the_names_of_vllm(serving: Started) -> None:
    """What the endpoint picker of Kubernetes' gateway inference extension asks for by default."""
    metrics = Metrics(serving)
    for name in ("vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:kv_cache_usage_perc"):
        family = metrics.families[name]
        assert family.type == "gauge"
        assert family.samples[0].labels == {"model_name": "model"}
    assert 0 <= metrics.sum("vllm:kv_cache_usage_perc") <= 1
    (cache,) = metrics.families["vllm:cache_config_info"].samples
    assert int(cache.labels["block_size"]) > 0 and int(cache.labels["num_gpu_blocks"]) >= 0
    (adapters,) = metrics.families["vllm:lora_requests_info"].samples
    assert adapters.labels == {"max_lora": "0", "running_lora_adapters": "", "waiting_lora_adapters": ""}
    assert adapters.value > 1.7e9, "the value is a time: of several the picker takes the latest"


def written_names(text: str) -> set[str]:
    return set(re.findall(r"\b(?:vector_boot_|vllm:|process_)[a-z_]+", text))


def base_names(names: Iterable[str], known: set[str]) -> set[str]:
    """Without what a histogram's parts are called."""
    found = set()
    for name in names:
        suffix = next((end for end in SUFFIXES if name.endswith(end) and name not in known), "")
        found.add(name.removesuffix(suffix))
    return found


def test_every_metric_is_described(serving: Started) -> None:
    there = Metrics(serving).names()
    described = {name for name in re.findall(r"^\| `([a-z_:]+)`", PAGE.read_text(), re.MULTILINE)}
    assert described == there


def test_the_dashboard_shows_what_there_is(serving: Started) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len(panels) >= 10
    there = Metrics(serving).names()
    for panel in panels:
        expressions = [target["expr"] for target in panel["targets"]]
        assert expressions, panel["title"]
        for expression in expressions:
            names = base_names(written_names(expression), there)
            assert names and names <= there, f"{panel['title']}: {names - there}"
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in dashboard["panels"]]
    assert len(places) == len(set(places)), "two panels are in one place"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_health_is_proof(serving: Started) -> None:
    client = serving.client()
    assert client.json("GET", "/health") == {"status": "ok"}
    # While it computes for others, too.
    pieces = client.stream("Count from one to one hundred.", max_tokens=500)
    next(pieces)
    assert serving.client().json("GET", "/health") == {"status": "ok"}
    pieces.close()


def test_health_while_loading(started: Started) -> None:
    def health() -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection(started.client().host, started.port)
        connection.sock = started.client().connect(deadline=float("inf"))
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    status, said = health()
    while status == 503:
        assert said["status"] == "loading" and 0 <= float(str(said["progress"])) <= 1
        status, said = health()
    assert (status, said) == (200, {"status": "ok"})
