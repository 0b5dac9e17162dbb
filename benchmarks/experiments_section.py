"""The part of docs/results.md on experiments: one change of a small recipe at a time, at the cost of the base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HEAD = """## Experiments

One change of {recipe} at a time, shrunk to 0.4 million parameters, for the processor seconds that the base takes for
its epochs: what teaches more from each crystal? Compositions of MP-20's validation split, one draw each by the
recipe's sampler, the same noise for all; protocol `geometry`. With several seeds, which are of the weights, the order
of the data and the noise of training, numbers are means, and each seed's rate stands in brackets. *Better, worse*:
compositions that the change alone matches, and that the base of the same seed alone does; their difference is of
chance up to about twice the root of their sum. *Right cells*: within the matcher's tolerances of the true cell at its
volume. cRMSE counts a miss as 0.5. Validation losses are weighted evenly in time, of coordinates and lattice; those of
another lattice or clock, and of bins, don't compare. *Cost*: of a step, the base's is 1. Cells by Selling's reduction
are those of `python benchmarks/superbase.py --data data/mp_20 --out data/mp_20-superbase`, judged like all others.
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
        "| change | seeds | MR@1 % | better, worse | RMSE | cRMSE | right cells % | usable % | "
        + " | ".join(f"{atoms} atoms %" for atoms in ATOMS)
        + " | loss | cost | epochs |",
        "|---" * (11 + len(ATOMS)) + "|",
    ]
    changes = _by_change(rows)
    base = changes.get("base", {})
    for name, seeds in changes.items():
        each = list(seeds.values())
        sizes = " | ".join(
            _percent(_mean([one["by_atoms"][atoms]["match_rate"] for one in each])) for atoms in ATOMS
        )
        rmse = _mean([one["rmse"] for one in each])
        losses = (_mean([one["losses"][f"val/{part}"] for one in each]) for part in ("frac", "lattice"))
        lines.append(
            f"| {name} | {len(each)} | {_rate(each)} | {_turned(seeds, base)} | "
            f"{'-' if rmse is None else f'{rmse:.3f}'} | {_mean([one['crmse'] for one in each]):.3f} | "
            f"{_percent(_mean([one['right_cells'] for one in each]))} | "
            f"{_percent(_mean([one['usable'] for one in each]))} | {sizes} | "
            f"{', '.join(f'{one:.3f}' for one in losses)} | "
            f"{_mean([one['step_of_base'] for one in each]):.2f} | {each[0]['epochs']} |"
        )
    return "\n".join(lines) + "\n"


def _by_change(rows: dict[str, dict[str, Any]]) -> dict[str, dict[int, dict[str, Any]]]:
    """The rows of each change by their seed."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for name, one in rows.items():
        seed = one.get("seed", 0)
        found.setdefault(name.removesuffix(f", seed {seed}"), {})[seed] = one
    return found


def _rate(each: list[dict[str, Any]]) -> str:
    """With the interval of one seed, or the mean of several and each of them."""
    values = [100 * one["match_rate"]["value"] for one in each]
    if len(values) > 1:
        return f"{sum(values) / len(values):.1f} ({', '.join(f'{one:.1f}' for one in values)})"
    low, high = (100 * each[0]["match_rate"][key] for key in ("low", "high"))
    return f"{values[0]:.1f} ({low:.1f} to {high:.1f})"


def _turned(seeds: dict[int, dict[str, Any]], base: dict[int, dict[str, Any]]) -> str:
    """How many compositions only this change matches, and how many only the base of the same seed, over all seeds."""
    both = [(seeds[seed], base[seed]) for seed in seeds if seed in base]
    if seeds is base or not both:
        return "-"
    better = worse = 0
    for one, other in both:
        mine, theirs = np.array(one["matched"], bool), np.array(other["matched"], bool)
        better, worse = better + int((mine & ~theirs).sum()), worse + int((theirs & ~mine).sum())
    return f"{better}, {worse}"


def _mean(values: list[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) / len(known) if known else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
