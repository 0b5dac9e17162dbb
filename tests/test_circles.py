"""No two modules import each other, in however many steps: imports within functions and for types only count too."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"


def modules(source: Path) -> dict[str, str]:
    """The text of each module by its name; a package goes by the name of its folder."""
    found = {}
    for path in source.rglob("*.py"):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imports(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Which of these modules each of them imports, anywhere in its text."""
    return {name: set(_imported(text, texts)) - {name} for name, text in texts.items()}


def _imported(text: str, known: Mapping[str, str]) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names += [name if name in known else str(node.module) for name in whole]
    return [name for name in names if name in known]


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules of a circle in their order, the first named again at the end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_there_is_no_circle_of_imports() -> None:
    texts = modules(SOURCE)
    assert len(texts) > 200
    assert circle(imports(texts)) == []


@pytest.mark.parametrize(
    "back",
    [
        "from p.a import thing",
        "import p.a",
        "from p import a",
        "def work():\n    from p.a import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import Thing",
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(back: str) -> None:
    texts = {"p": "", "p.a": "from p.b import other", "p.b": "import p.c", "p.c": back}
    assert set(circle(imports(texts))) == {"p.a", "p.b", "p.c"}
    assert circle(imports(texts | {"p.c": "import json"})) == []
