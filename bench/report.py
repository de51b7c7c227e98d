"""first-token's results, for people and for programs."""

import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

import machine
from vector_boot_tools.places import BINARIES


@dataclass(frozen=True)
class Sample:
    contender: str
    cache: str
    milliseconds: float
    refused: int  # connections, after the first 3 ms
    refused_at_once: int  # in the first 3 ms
    unanswered: int  # connection requests that a machine without a network did not see
    loading: int  # answers 503


def describe_machine() -> dict[str, str]:
    return {
        **machine.describe_hardware(),
        "vector_boot": machine.first_line(str(BINARIES / "vector_boot"), "--version"),
        "llama-server": machine.first_line("/usr/bin/llama-server", "--version"),
        "tini": machine.first_line("/usr/bin/tini", "--version"),
        "libllama": machine.first_line("dpkg-query", "-W", "-f=libllama version ${Version}", "libllama0"),
    }


def table(samples: list[Sample], where: str, described: dict[str, str]) -> str:
    lines = [f"{described['cpu']}, {described['cores']} cores, Linux {described['kernel']}; {described['libllama']}"]
    for cache in dict.fromkeys(sample.cache for sample in samples):
        chosen = [sample for sample in samples if sample.cache == cache]
        lines += ["", f"first token: {where}; {cache}", ""]
        lines.append(f"{'':34}{'median ms':>10}{'min':>8}{'max':>8}{'ratio':>8}{'at once':>9}{'refused':>9}{'503':>6}{'runs':>6}")
        names = dict.fromkeys(sample.contender for sample in chosen)
        medians = {
            name: statistics.median(sample.milliseconds for sample in chosen if sample.contender == name)
            for name in names
        }
        own = next(iter(medians.values()))
        for name, median in medians.items():
            of_it = [sample for sample in chosen if sample.contender == name]
            times = [sample.milliseconds for sample in of_it]
            at_once = statistics.median_high(sample.refused_at_once for sample in of_it)
            refused = statistics.median_high(sample.refused for sample in of_it)
            loading = statistics.median_high(sample.loading for sample in of_it)
            lines.append(
                f"{name:34}{median:10.1f}{min(times):8.1f}{max(times):8.1f}"
                f"{own / median:8.2f}{at_once:9}{refused:9}{loading:6}{len(times):6}"
            )
    lines += ["", "ratio: vector_boot's median by this one's. The rest are medians of one run: connections refused in the"]
    lines += ["first 3 ms, while the program is still being executed; refused later; answered 503.", ""]
    return "\n".join(lines)


def write_json(path: Path, samples: list[Sample], where: str, described: dict[str, str], model: Path) -> None:
    content: dict[str, object] = {
        "measured": where,
        "machine": described,
        "model": model.name,
        "samples": [asdict(sample) for sample in samples],
    }
    machine.write_json(path, content)
