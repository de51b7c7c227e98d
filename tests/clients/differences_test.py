"""docs/clients.md has the reason of each difference that a test of this folder allows for, and no other."""

import ast
from pathlib import Path

import servers
from vector_boot_tools.places import CHECKOUT

FOLDER = Path(__file__).parent


def reasons() -> set[str]:
    found = set()
    for path in FOLDER.glob("*_test.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = dict(vars(servers))
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
                named[node.targets[0].id] = node.value.value
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "because":
                found.add(node.value.value if isinstance(node.value, ast.Constant) else named[node.value.id])
    return found


def test_the_page_explains_each_difference() -> None:
    page = (CHECKOUT / "docs" / "clients.md").read_text(encoding="utf-8")
    table = page.partition("## Differences explained")[2].partition("\n## ")[0]
    rows = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| llama-server")}
    assert rows == reasons()
