"""What needs no running program: formatting, static analysis, types, sizes of files, links, the documentation's site."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import documentation
from .places import CHECKOUT
from .result import Result, failure

MOST_LINES = 400


def tracked(*patterns: str) -> list[str]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "--", *patterns]
    listing = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    return [path for path in listing.stdout.splitlines() if (CHECKOUT / path).is_file()]


def succeeds(command: list[str]) -> bool:
    return subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=False).returncode == 0


def shell_scripts() -> bool:
    return succeeds(["shellcheck", "dev", ".ci/run", *tracked("tests/conformance/adapters/s*"), *tracked("examples/dhcp/dhcp-*")])


def formatting() -> bool:
    return succeeds(["clang-format", "--dry-run", "--Werror", *tracked("*.cpp", "*.hpp", "*.h", "*.c")])


def file_sizes() -> bool:
    good = True
    for path in tracked("*.cpp", "*.hpp", "*.h", "*.c", "*.py", "*.cmake", "*.sh", "dev", ".ci/run"):
        count = len(Path(CHECKOUT, path).read_bytes().splitlines())
        if count > MOST_LINES:
            print(f"{path}: {count} lines, at most {MOST_LINES} are allowed")
            good = False
    return good


def document_links() -> bool:
    good = True
    for path in tracked("*.md"):
        document = Path(CHECKOUT, path)
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                print(f"{path}: the link to {target} leads nowhere")
                good = False
    return good


def document_excerpts() -> bool:
    """Code in the page on threads is that of the examples that run."""
    examples = "".join(Path(CHECKOUT, path).read_text(encoding="utf-8") for path in tracked("examples/*.c", "examples/*.py"))
    blocks = re.findall(r"```(?:c|python)\n(.*?)```", Path(CHECKOUT, "docs", "threading.md").read_text(encoding="utf-8"), re.DOTALL)
    strangers = [block for block in blocks if block not in examples]
    for block in strangers:
        print(f"docs/threading.md: this is in none of the examples:\n{block}")
    return bool(blocks) and not strangers


def python_types() -> bool:
    conformance = [f"tests/conformance/{name}.py" for name in ("compare", "conftest", "harness")]
    checked = ["tools", "bench", "docs", *conformance]
    return succeeds(["env", "MYPYPATH=python", "mypy", "--strict", "--no-incremental", "--no-error-summary", *checked])


def release_build() -> bool:
    return subprocess.run([CHECKOUT / "dev", "build", "release"], check=False).returncode == 0


def documentation_site() -> bool:
    return release_build() and documentation.build()


def static_analysis() -> bool:
    # The files of a library together: most of the time goes to the headers that they share.
    if not succeeds(["cmake", "-S", ".", "--preset", "analysis", "--log-level=WARNING"]):
        return False
    # -Werror, as it is in CI: what Clang warns of counts wherever this runs.
    command = ["run-clang-tidy", "-quiet", "-p", "build/analysis", "-warnings-as-errors=*", "-extra-arg=-Werror"]
    # The sources are included, as headers are, in the files that it reads. Deep analysis of the engine's scheduler takes three times as long.
    for option in ("-analyzer-opt-analyze-headers", "-analyzer-config", "mode=shallow"):
        command += ["-extra-arg=-Xclang", f"-extra-arg={option}"]
    finished = subprocess.run(
        [*command, f"^{CHECKOUT}/(build/analysis/)?(src|apps)/.*"],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        sys.stdout.write("".join(line for line in finished.stdout.splitlines(True) if "warnings generated" not in line))
    return finished.returncode == 0


CHECKS: dict[str, Callable[[], bool]] = {
    "shellcheck": shell_scripts,
    "clang-format": formatting,
    "file sizes": file_sizes,
    "links": document_links,
    "excerpts": document_excerpts,
    "mypy": python_types,
    "documentation": documentation_site,
    "clang-tidy": static_analysis,
}


def run() -> Result:
    result = Result()
    for name, check in CHECKS.items():
        good = check()
        print(f"{'ok    ' if good else 'FAILED'} {name}", flush=True)
        result += Result(passed=1) if good else failure(name)
    return result
