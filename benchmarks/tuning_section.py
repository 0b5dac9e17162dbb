"""The part of docs/results.md on tuning by rewards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = """## Tuning by a reward

Models tuned for a high Tc by `nucleate tune`, each with the property calls of its row, beside the untouched models and
the best, by the reward, of as many plain draws as the row says. `property-tc-first` rewards, `property-tc-second`, of
the other half of the labels, judges; crystals are judged as they are drawn, and unusable ones count as missed.
*Metals*: a gap below 0.5 eV by `property-band-gap-second`. *Familiar*: without a warning of the judge. *Credible*: both
of these, and above 10 K; *no element*: of two elements or more. Nothing is relaxed, and no energy is in the reward.
*Earlier run*: the same command and seed on another machine, whose rounding sent it another way; for sequences, before
the shipped structure model was rounded.
"""
TITLES = {
    "tuning-tc": "Crystals that the predictor is familiar with, and that another one calls metals",
    "tuning-tc-trusting": "A reward that believes everything the predictor says",
}


def tuning(results: Path) -> str:
    """A table for each reward."""
    path = results / "tuning.json"
    if not path.exists():
        return ""
    parts = [HEAD]
    for name, found in json.loads(path.read_text())["rewards"].items():
        parts += [f"### {TITLES.get(name, name)}\n"]
        parts += [f"{found['note']}\n"] if "note" in found else []
        parts += [_table(found["rows"]), f"```\n{found['command']}\n```\n"]
    return "\n".join(parts)


def _table(rows: dict[str, Any]) -> str:
    lines = [
        "| drawn by | calls | draws | reward | usable % | judge, K | > 5 K, % | > 10 K, % | > 20 K, % | metals % | "
        "familiar % | credible % | and no element % | formulas | largest system % |",
        "|---" * 15 + "|",
    ]
    for name, one in rows.items():
        shares = (
            "above 5 K",
            "above 10 K",
            "above 20 K",
            "metals",
            "familiar",
            "credible",
            "credible compounds",
        )
        cells = [
            name, str(one["calls"]), str(one["drawn"]), f"{one['reward']:.2f}", f"{100 * one['valid']:.0f}",
            f"{one['judge_mean']:.1f}", *(_share(one.get(key)) for key in shares),
            str(one["formulas"]), f"{100 * one['largest_system']:.0f}",
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _share(one: dict[str, Any] | None) -> str:
    if one is None:
        return "-"
    value, low, high = (100 * one[key] for key in ("value", "low", "high"))
    return f"{value:.0f} ({low:.0f} to {high:.0f})"
