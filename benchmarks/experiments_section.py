"""The part of docs/results.md on experiments: one change of a small recipe at a time, at the cost of the base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HEAD = """## Experiments

One change of {recipe} at a time, shrunk to 0.4 million parameters, for the processor seconds that the base takes for
its epochs: what teaches more from each crystal? Compositions of MP-20's validation split, one draw each by the
recipe's sampler, the same noise for all; protocol `geometry`. *Better, worse*: compositions that the change alone
matches, and that the base alone does; their difference is of chance up to about twice the root of their sum. *Right
cells*: within the matcher's tolerances of the true cell at its volume. cRMSE counts a miss as 0.5. Validation losses
are weighted evenly in time, of coordinates and lattice; those of another lattice or clock don't compare. *Cost*: of a
step, the base's is 1.
"""
ATOMS = ("<=4", "5-8", "9-12", "13-16", "17-20")


def experiments(results: Path) -> str:
    """A table for each record."""
    parts = []
    for path in sorted(results.glob("experiments*.json")):
        found = json.loads(path.read_text())
        if not parts:
            parts.append(HEAD.format(**found))
        parts += [f"### {found['title']}\n", _table(found["rows"]), f"```\n{found['command']}\n```\n"]
    return "\n".join(parts)


def _table(rows: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| change | MR@1 % | better, worse | RMSE | cRMSE | right cells % | usable % | "
        + " | ".join(f"{atoms} atoms %" for atoms in ATOMS)
        + " | loss | cost | epochs |",
        "|---" * (10 + len(ATOMS)) + "|",
    ]
    for name, one in rows.items():
        value, low, high = (100 * one["match_rate"][key] for key in ("value", "low", "high"))
        rmse = "-" if one["rmse"] is None else f"{one['rmse']:.3f}"
        sizes = " | ".join(_percent(one["by_atoms"][atoms]["match_rate"]) for atoms in ATOMS)
        lines.append(
            f"| {name} | {value:.1f} ({low:.1f} to {high:.1f}) | {_turned(one, rows.get('base'))} | {rmse} | "
            f"{one['crmse']:.3f} | {_percent(one['right_cells'])} | {_percent(one['usable'])} | {sizes} | "
            f"{one['losses']['val/frac']:.3f}, {one['losses']['val/lattice']:.3f} | {one['step_of_base']:.2f} | "
            f"{one['epochs']} |"
        )
    return "\n".join(lines) + "\n"


def _turned(one: dict[str, Any], base: dict[str, Any] | None) -> str:
    """How many compositions only this row matches, and how many only the base."""
    if base is None or one is base:
        return "-"
    mine, theirs = np.array(one["matched"], bool), np.array(base["matched"], bool)
    return f"{int((mine & ~theirs).sum())}, {int((theirs & ~mine).sum())}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
