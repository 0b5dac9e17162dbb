"""The part of the results on answers to formulas: textbook compounds, and 1,000 validation compositions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEXTBOOK = {
    "textbook-answers-chgnet": "answers, relaxed with CHGNet",
    "textbook-answers": "answers, without a potential",
    "textbook": "kldm-mp20-csp alone, 20 draws",
}
HEAD = """## Answers

What `nucleate predict` says by default: known crystals of the same stoichiometry with their elements swapped, completed
by draws of a model, ranked by a fitted probability.
"""


def read(results: Path, name: str) -> dict[str, Any] | None:
    """A record, or None where there is none."""
    path = results / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def answers(results: Path) -> str:
    """Textbook compounds, then validation compositions."""
    parts = [HEAD, _textbook(results), _validation(read(results, "answers-mp-20"))]
    return "\n".join(filter(None, parts)) if len(list(filter(None, parts))) > 1 else ""


def _textbook(results: Path) -> str:
    found = {title: one for name, title in TEXTBOOK.items() if (one := read(results, name))}
    if not found:
        return ""
    lines = [
        "Textbook compounds, of which most are in the index (then the answer is retrieved, and marked as known); a "
        "rank is that of the handbook's structure.\n",
        "| asked | compounds | right at rank 1 | not at rank 1 | seconds each |\n|---|---|---|---|---|",
    ]
    for title, one in found.items():
        missed = ", ".join(
            f"{formula} ({', '.join(map(str, ranks)) or 'not found'})"
            for formula, ranks in one["ranks"].items()
            if 1 not in ranks
        )
        seconds = f"{one['seconds_each']:g}" if "seconds_each" in one else "-"
        lines.append(f"| {title} | {one['of']} | {one['right_at_rank_1']} | {missed} | {seconds} |")
    commands = "\n".join(one["command"] for one in found.values())
    return "\n".join([*lines, "", f"```\n{commands}\n```\n"])


def _validation(record: dict[str, Any] | None) -> str:
    if record is None:
        return ""
    lines = [
        f"1,000 compositions of MP-20's validation split. {record['note']}\n",
        "| protocol | MR@1 % | RMSE@1 | MR@20 % | RMSE@20 |\n|---|---|---|---|---|",
    ]
    for protocol in ("geometry", "smact", "full"):
        if protocol in record:
            one = record[protocol]
            cells = [
                text
                for k in (1, 20)
                for text in (share(one[f"match_rate@{k}"]), f"{one[f'rmse@{k}']['value']:.3f}")
            ]
            lines.append(f"| {protocol} | " + " | ".join(cells) + " |")
    commands = "\n".join(record["commands"])
    return "\n".join([*lines, "", f"```\n{commands}\n```\n"])


def share(found: dict[str, Any]) -> str:
    """Percent with its interval."""
    value, low, high = (f"{100 * found[key]:.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
