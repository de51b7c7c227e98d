"""serve's results: tables in Markdown, pictures, and docs/serving.md."""

import importlib
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from serve_contenders import CONTEXT, OURS, SLOTS, THREADS
from serve_load import Measured
from vector_boot_tools import python_packages
from vector_boot_tools.failure import Failure
from vector_boot_tools.places import CHECKOUT

PAGE = CHECKOUT / "docs" / "serving.md"
BEGIN, END = "<!-- ./dev bench serve --write: begin -->", "<!-- ./dev bench serve --write: end -->"


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


@dataclass(frozen=True)
class Streamed:
    contender: str
    clients: int
    rate: float  # tokens a second, all together
    first_p50_ms: float
    first_p99_ms: float
    gap_p50_ms: float
    gap_p99_ms: float
    memory_kb: int

    @classmethod
    def of(cls, contender: str, clients: int, measured: Measured, memory_kb: int) -> Streamed:
        first = [one.first_ms for one in measured.answers]
        gaps = [gap for one in measured.answers for gap in one.gaps_ms]
        return cls(
            contender=contender,
            clients=clients,
            rate=measured.rate,
            first_p50_ms=percentile(first, 0.5),
            first_p99_ms=percentile(first, 0.99),
            gap_p50_ms=percentile(gaps, 0.5),
            gap_p99_ms=percentile(gaps, 0.99),
            memory_kb=memory_kb,
        )


@dataclass(frozen=True)
class Other:
    contender: str
    resting_kb: int
    idle_ms: float  # of a processor, a second
    shared_seconds: float
    shared_first_ms: list[float]
    storm_ms: float
    after_storm_ms: float
    idle_connected: int
    idle_kb: int
    idle_answer_ms: float | None


@dataclass(frozen=True)
class Results:
    streamed: list[Streamed]
    others: list[Other]

    def contenders(self) -> list[str]:
        return list(dict.fromkeys(one.contender for one in self.streamed))

    def clients(self) -> list[int]:
        return sorted({one.clients for one in self.streamed})

    def median(self, contender: str, clients: int, value: Callable[[Streamed], float]) -> float:
        of_it = [one for one in self.streamed if one.contender == contender and one.clients == clients]
        return statistics.median(value(one) for one in of_it)


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def stream_table(results: Results) -> list[str]:
    lines = [row("clients", "", "tok/s", "ratio", "first token p50", "p99", "between tokens p50", "p99", "memory")]
    lines.append(row(*["---"] * 9))
    for clients in results.clients():
        own = results.median(OURS, clients, lambda one: one.rate)
        for name in results.contenders():

            def median(value: Callable[[Streamed], float], name: str = name, clients: int = clients) -> float:
                return results.median(name, clients, value)

            rate = median(lambda one: one.rate)
            first = f"{median(lambda one: one.first_p50_ms):.0f} ms", f"{median(lambda one: one.first_p99_ms):.0f} ms"
            gaps = f"{median(lambda one: one.gap_p50_ms):.1f} ms", f"{median(lambda one: one.gap_p99_ms):.1f} ms"
            memory = f"{median(lambda one: one.memory_kb) / 1024:.0f} MiB"
            lines.append(row(clients, name, f"{rate:.1f}", f"{own / rate:.2f}", *first, *gaps, memory))
    return lines


def other_table(results: Results, storm: int, idle: int, shared: int) -> list[str]:
    names = results.contenders()
    lines = [row("", *names), row(*["---"] * (len(names) + 1))]

    def add(what: str, show: Callable[[list[Other]], str]) -> None:
        lines.append(row(what, *(show([one for one in results.others if one.contender == name]) for name in names)))

    def median(value: Callable[[Other], float], form: str) -> Callable[[list[Other]], str]:
        return lambda of_it: form.format(statistics.median(value(one) for one in of_it))

    def first(part: float) -> Callable[[list[Other]], str]:
        return median(lambda one: percentile(one.shared_first_ms, part), "{:.0f} ms")

    def answer(of_it: list[Other]) -> str:
        times = [one.idle_answer_ms for one in of_it if one.idle_answer_ms is not None]
        if len(times) < len(of_it):
            return f"none, {len(of_it) - len(times)} of {len(of_it)} times"
        return f"{statistics.median(times):.0f} ms"

    add("memory at rest", median(lambda one: one.resting_kb / 1024, "{:.0f} MiB"))
    add("processor at rest, ms a second", median(lambda one: one.idle_ms, "{:.1f}"))
    add(f"{shared} clients, one system prompt of 500 tokens: first token p50", first(0.5))
    add("the same, p99", first(0.99))
    add("the same, until all have their answer", median(lambda one: one.shared_seconds, "{:.2f} s"))
    add(f"{storm} clients that leave after the first token: all had it after", median(lambda one: one.storm_ms / 1000, "{:.2f} s"))
    add("then a normal request is answered after", median(lambda one: one.after_storm_ms, "{:.0f} ms"))
    add(f"idle connections, of {idle}, that are kept", median(lambda one: one.idle_connected, "{:.0f}"))
    add("memory for them", median(lambda one: one.idle_kb / 1024, "{:.1f} MiB"))
    add("beside them a request is answered after", answer)
    return lines


def tables(results: Results, described: dict[str, str], storm: int, idle: int, shared: int) -> str:
    runs = len(results.streamed) // (len(results.contenders()) * len(results.clients()))
    head = (
        f"{described['cpu']}, {described['cores']} cores, Linux {described['kernel']}; libllama {described['libllama']}; "
        f"{described['model']}; {THREADS} threads, {SLOTS} answers at a time, {CONTEXT} tokens for each; medians of {runs} "
        f"{'round' if runs == 1 else 'rounds'}."
    )
    others = ["", *other_table(results, storm, idle, shared)] if results.others else []
    return "\n".join([head, "", *stream_table(results), *others])


PLOTS: dict[str, tuple[str, Callable[[Streamed], float], bool]] = {
    "throughput": ("tokens a second, all together", lambda one: one.rate, False),
    "first-token": ("first token, p99, ms", lambda one: one.first_p99_ms, True),
    "inter-token": ("between tokens, p99, ms", lambda one: one.gap_p99_ms, True),
}


def draw(results: Results, folder: Path) -> None:
    """One picture for each of PLOTS, the same bytes for the same numbers."""
    sys.path.insert(0, str(python_packages.installed(CHECKOUT / "bench" / "requirements.txt")))
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "serve", "svg.fonttype": "none", "font.family": "sans-serif"})
    pyplot = importlib.import_module("matplotlib.pyplot")
    for name, (label, value, logarithmic) in PLOTS.items():
        figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
        for contender, marker in zip(results.contenders(), "os^", strict=False):
            heights = [results.median(contender, clients, value) for clients in results.clients()]
            axes.plot(results.clients(), heights, marker=marker, label=contender)
        axes.set_xscale("log", base=2)
        axes.set_xticks(results.clients(), [str(clients) for clients in results.clients()])
        axes.set_yscale("log" if logarithmic else "linear")
        if not logarithmic:
            axes.set_ylim(bottom=0)
        axes.set_xlabel("clients that stream at once")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(folder / f"bench-serve-{name}.svg", metadata={"Date": None})
        pyplot.close(figure)


def write(text: str, results: Results) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise Failure(f"{PAGE}: expected the lines {BEGIN} and {END}")
    draw(results, PAGE.parent)
    pictures = "\n\n".join(f"![{label}](bench-serve-{name}.svg)" for name, (label, _, _) in PLOTS.items())
    PAGE.write_text(f"{before}{BEGIN}\n{pictures}\n\n{text}\n{END}{after}", encoding="utf-8")
    print(f"written: {PAGE} and its pictures", file=sys.stderr)
