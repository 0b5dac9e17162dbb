"""Training runs while they go on: their curves, and an event for every line that is added."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from nucleate.errors import NucleateError
from nucleate.training.log import read_metrics

ALIVE = 120.0
"""Seconds after its last line for which a run counts as going on."""
PAUSE = 1.0
"""Seconds between two looks at a file."""
LONGEST = 4 * 3600.0
"""Seconds after which a stream of events ends; a browser then asks for another."""
POINTS = 1500
"""Of one curve that are sent; longer curves are thinned evenly."""


def run_of(folder: Path) -> dict[str, Any]:
    """The curves of a run and its recipe."""
    path = folder / "metrics.jsonl"
    rows = read_metrics(path)
    recipe = folder / "recipe.toml"
    return {
        "series": curves(rows),
        "lines": len(rows),
        "alive": time.time() - path.stat().st_mtime < ALIVE,
        "recipe": recipe.read_text(encoding="utf-8", errors="replace")[:20_000] if recipe.is_file() else "",
    }


def curves(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Steps and values of each number by its name."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        step = row.get("step")
        for name, value in row.items():
            if name == "step" or not isinstance(value, int | float) or not isinstance(step, int | float):
                continue
            one = found.setdefault(name, {"steps": [], "values": []})
            one["steps"].append(step)
            one["values"].append(value)
    return {name: _thinned(one) for name, one in found.items()}


def _thinned(one: dict[str, list[float]]) -> dict[str, list[float]]:
    every = max(1, -(-len(one["steps"]) // POINTS))
    last = len(one["steps"]) - 1
    kept = [place for place in range(last + 1) if place % every == 0 or place == last]
    return {name: [values[place] for place in kept] for name, values in one.items()}


async def events(folder: Path, lines: int) -> AsyncIterator[str]:
    """Server-sent events: the lines of a run after the first `lines`, as they are written."""
    path, ends, seen = folder / "metrics.jsonl", time.monotonic() + LONGEST, (-1, -1)
    yield ": begun\n\n"
    while time.monotonic() < ends:
        state = await run_sync(_state, path)
        if state != seen:
            seen = state
            rows = await run_sync(_rows, path)
            # a run that is resumed takes lines back
            lines = min(lines, len(rows))
            if rows[lines:]:
                yield f"data: {json.dumps(rows[lines:])}\n\n"
            lines = len(rows)
        await anyio.sleep(PAUSE)


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _rows(path: Path) -> list[Any]:
    try:
        return read_metrics(path)
    except (OSError, NucleateError):
        return []
