"""What is said of a round: reward, diversity and validity, as a row of the curve and as a line for people."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from nucleate.rewards.diversity import system_of
from nucleate.rewards.reward import Scores
from nucleate.rewards.shapes import Numbers
from nucleate.tuning.learner import Drawn

TOP = 0.1


def row_of(drawn: Drawn, scores: Scores, rewarded: Numbers, judged: Numbers | None) -> dict[str, Any]:
    """Numbers of a round.

    `reward` and `reward_top` (the best tenth) count every draw, those without a crystal as 0, before the diversity
    filter; `rewarded` is after it. `valid` is the share that no gate stops; `formulas`, `systems` and
    `largest_system` are of the draws that have a crystal.

    Args:
        drawn: its draws.
        scores: what the reward says of them.
        rewarded: rewards after the diversity filter.
        judged: what a predictor that does not reward says of them, NaN where it says nothing.
    """
    formulas = [cell.formula for cell in drawn.cells if cell is not None]
    systems = Counter(map(system_of, formulas))
    best = top(scores.value)
    row: dict[str, Any] = {
        "reward": float(scores.value.mean()),
        "reward_top": float(scores.value[best].mean()),
        "rewarded": float(rewarded.mean()),
        "valid": float(np.mean([not reason for reason in scores.reasons])),
        "formulas": len(set(formulas)),
        "systems": len(systems),
        "largest_system": max(systems.values(), default=0) / max(len(formulas), 1),
    }
    for name, values in scores.parts.items():
        row[f"{name}"], row[f"{name}_top"] = _mean(values), _mean(values[best])
    if judged is not None:
        row["judge"], row["judge_top"] = _mean(judged), _mean(judged[best])
    return row


def top(values: Numbers) -> np.ndarray:
    """Rows of the best tenth, at least one."""
    return np.argsort(-values, kind="stable")[: max(1, round(TOP * len(values)))]


def line_of(number: int, calls: int, draws: int, row: dict[str, Any]) -> str:
    """A round in a line."""
    judge = (
        ""
        if row.get("judge") is None
        else f"  judge {row['judge']:.3g}, of the top {row['judge_top'] or 0:.3g}"
    )
    return (
        f"round {number}: {calls} calls  reward {row['reward']:.3f}, top tenth {row['reward_top']:.3f}  "
        f"valid {100 * row['valid']:.0f} %  {row['formulas']} formulas and {row['systems']} systems of {draws}, "
        f"the largest {100 * row['largest_system']:.0f} %{judge}"
    )


def _mean(values: Numbers) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
