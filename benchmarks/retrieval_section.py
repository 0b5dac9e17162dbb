"""The part of docs/results.md on retrieval of prototypes: one row for each record of benchmarks/retrieval.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ALL, NEW = "all", "formula not in the index"
HEAD = """## Retrieval of known crystals

Not generation: the candidates are known crystals of the same anonymous formula with the elements swapped and the volume
scaled, ranked by the shipped ranking; nothing is relaxed. Crystals of the formula itself come last. The index holds
entries of the named training split alone. Protocol `full`, up to 20 different structures for each composition. *New*:
MR@1 of the compositions whose formula is not in the index.

| data, split | entries of | compositions | MR@1 % | MR@3 % | MR@5 % | MR@20 % | RMSE@1 | structures | new | MR@1 % |
|---|---|---|---|---|---|---|---|---|---|---|"""


def retrieval(results: Path) -> str:
    """A table of all records, with the command of each."""
    found = [json.loads(path.read_text()) for path in sorted(results.glob("retrieval-*.json"))]
    if not found:
        return ""
    commands = "\n".join(record["command"] for record in found)
    return "\n".join([HEAD, *map(_row, found), "", f"```\n{commands}\n```\n"])


def _row(record: dict[str, Any]) -> str:
    every, new = record["parts"][ALL], record["parts"].get(NEW)
    removed = f" without {record['removed']}" if record["removed"] else ""
    cells = [
        f"{record['data']}, {record['split']}{', rows of ' + record['removed'] if removed else ''}",
        f"{' and '.join(record['sources'])}{removed}", str(every["compositions"]),
        *(_rate(every, k) for k in (1, 3, 5, 20)), _rmse(every), f"{record['answers']:g}",
        str(new["compositions"]) if new else "0", _rate(new, 1) if new else "-",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _rate(part: dict[str, Any], k: int) -> str:
    value, low, high = (f"{100 * part[f'match_rate@{k}'][key]:.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _rmse(part: dict[str, Any]) -> str:
    return f"{part['rmse@1']['value']:.3f}" if "rmse@1" in part else "-"
