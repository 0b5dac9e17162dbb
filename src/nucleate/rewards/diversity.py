"""The diversity filter: draws of a chemical system or formula that is rewarded often enough get no reward.

A model that finds one good formula would draw nothing else (the memory of REINVENT, Blaschke et al. 2020,
doi:10.1186/s13321-020-00473-0). The best draws of a round are served first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from nucleate.cell import Cell
from nucleate.rewards.gates import Gates
from nucleate.rewards.shapes import Numbers

Formula = tuple[tuple[int, int], ...]
"""As `Cell.formula`."""


def system_of(formula: Formula) -> tuple[int, ...]:
    """The chemical system: sorted atomic numbers."""
    return tuple(number for number, _ in formula)


def spared(
    formulas: Sequence[Formula], values: Numbers, memory: Sequence[Formula], most: int = 0, repeats: int = 0
) -> Bool[np.ndarray, " crystals"]:
    """Which crystals keep their reward.

    Args:
        formulas: of the crystals.
        values: their rewards; those of 0 take no part.
        memory: formulas of earlier ones with a reward.
        most: of one chemical system, earlier ones included; 0 for any number.
        repeats: of one formula; 0 for any number.
    """
    kept = np.ones(len(formulas), dtype=bool)
    systems, formulas_seen = Counter(map(system_of, memory)), Counter(memory)
    for row in np.argsort(-values, kind="stable"):
        formula, system = formulas[row], system_of(formulas[row])
        if values[row] <= 0:
            continue
        full = (most and systems[system] >= most) or (repeats and formulas_seen[formula] >= repeats)
        kept[row] = not full
        systems[system] += not full
        formulas_seen[formula] += not full
    return kept


def filtered(
    cells: Sequence[Cell | None], values: Numbers, memory: Sequence[Formula], gates: Gates
) -> tuple[Numbers, list[Formula]]:
    """Rewards of a round after the filter, and the memory after it."""
    formulas = [() if cell is None else cell.formula for cell in cells]
    most = 0
    if gates.largest_systems < 1:
        most = max(1, int(gates.largest_systems * (len(memory) + int((values > 0).sum()))))
    kept = np.where(spared(formulas, values, memory, most, gates.repeats), values, 0.0)
    new = [formula for formula, value in zip(formulas, kept, strict=True) if value > 0]
    return kept, ([*memory, *new][-gates.memory :] if gates.memory else [])
