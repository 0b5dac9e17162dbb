"""The words of a sequence as numbers: every Wyckoff position of every group, and properties that they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from nucleate.elements import MAX_ATOMIC_NUMBER, group_of, period_of
from nucleate.symmetry.wyckoff import GROUPS, space_group

LETTERS = 27
"""Most positions that a group has (Pmmm)."""

END = LETTERS
"""Index of the end in a row over positions."""

MOST_ATOMS = 64
"""Numbers of atoms up to this one have words of their own; larger ones share the last."""

UNUSED, USED, UNKNOWN = MOST_ATOMS + 1, MOST_ATOMS + 2, MOST_ATOMS + 3
"""Amount of an element asked for without a count; of a number that is not asked for."""

AMOUNTS = MOST_ATOMS + 4

PERIODS, COLUMNS = 8, 33


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Positions by one serial number over all groups, from 1; 0 is none.

    Attributes:
        position: serial number of each position, 0 where a group has no such letter. [groups + 1, letters]
        size: atoms in the primitive cell. [positions + 1]
        fixed: whether it has no free parameter. [positions + 1]
        freedom: free parameters. [positions + 1]
        symmetry: number of its oriented site-symmetry symbol. [positions + 1]
        letter: its index in the group. [positions + 1]
        symmetries: how many symbols there are.
        period, column: of each element. [elements + 1]
    """

    position: Tensor
    size: Tensor
    fixed: Tensor
    freedom: Tensor
    symmetry: Tensor
    letter: Tensor
    symmetries: int
    period: Tensor
    column: Tensor


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of all 230 groups and all elements."""
    position = torch.zeros(GROUPS + 1, LETTERS, dtype=torch.long)
    symbols: dict[str, int] = {"": 0}
    rows = [(0, 0, 0, 0)]
    for number in range(1, GROUPS + 1):
        group = space_group(number)
        for index, one in enumerate(group.positions):
            position[number, index] = len(rows)
            symbol = symbols.setdefault(one.site_symmetry, len(symbols))
            rows.append((one.multiplicity // group.lattice_points, one.freedom, symbol, index))
    size, freedom, symmetry, letter = torch.tensor(rows).T
    fixed = (freedom == 0) & (size > 0)
    elements = range(MAX_ATOMIC_NUMBER + 1)
    period = torch.tensor([period_of(number) for number in elements])
    column = torch.tensor([group_of(number) for number in elements])
    return Vocabulary(position, size, fixed, freedom, symmetry, letter, len(symbols), period, column)
