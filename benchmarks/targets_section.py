"""The part of docs/results.md on targets: how often steered draws hit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = """## Targets

Draws of kldm-mp20-dng asked for a property, {n} crystals for each of {seeds} seeds, as they are drawn (not relaxed). A
hit is one by the predictor of the second half of the labels (`property-*-second`); unreadable draws are missed.
Predictors that pull or choose have seen the first half, and so has the adapter for Tc; the adapters for the band gap
and the formation energy are those of the package, which have seen all labels: read their rows as a trend. *Best of 4*:
of four times as many plain draws, by the predictor that pulls, at the cost of a pull. *Substitution*: into 300 crystals
of the tenth of the training rows nearest the target. *New*: unique and not in MP-20's training split. Weights: guidance
2, pull 3. Rows of fewer draws have one or two of the seeds; the command goes on with the others.
"""


def targets(results: Path) -> str:
    """A table for each target."""
    path = results / "targets.json"
    if not path.exists():
        return ""
    record = json.loads(path.read_text())
    parts = [HEAD.format(**record)]
    for found in record["targets"].values():
        parts += [
            f"### {found['title']} ({found['data']:g} % of validation labels)\n",
            _table(found["methods"]),
        ]
    return "\n".join([*parts, f"```\n{record['command']}\n```\n"])


def _table(methods: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| drawn by | draws | hits % | over data | over nothing asked | new % | new hits % | systems a seed | "
        "in ten largest % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in methods.items():
        value, low, high = (100 * one["hit"][key] for key in ("value", "low", "high"))
        own = "-" if one["over_nothing"] is None else f"{one['over_nothing']:g}"
        lines.append(
            f"| {name} | {one['drawn']} | {value:.1f} ({low:.1f} to {high:.1f}) | {one['over_data']:g} | {own} | "
            f"{one['unique_novel']:g} | {one['unique_novel_hits']:g} | {one['chemical_systems']:g} | "
            f"{one['in_ten_systems']:g} |"
        )
    return "\n".join(lines) + "\n"
