"""Pairs of a proposal and a crystal of the same composition: which atom becomes which, and how both are placed."""

from __future__ import annotations

from collections import Counter

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cells import niggli, standardise
from nucleate.errors import StructureError

ANCHORS = 8
"""Atoms of a proposal, at most, that are laid on one atom of the crystal to find the best translation."""
OTHER = 1e6
"""Å^2 between atoms of different elements."""


def reduced(cell: Cell) -> Cell:
    """The Niggli cell in the standard orientation, as data sets have them, or the same cell where that fails."""
    try:
        return niggli(cell)
    except StructureError:
        return standardise(cell)


def aligned(proposal: Cell, data: Cell) -> Cell:
    """The proposal moved as a whole, its atoms in the order of the data, so that they are near those that they become:
    the least sum of squared distances in the data's cell, Å^2, over some translations and all orders within an element.

    Raises StructureError for different compositions.
    """
    from scipy.optimize import linear_sum_assignment

    if Counter(proposal.species.tolist()) != Counter(data.species.tolist()):
        raise StructureError("a proposal has another composition than its crystal")
    counts = Counter(data.species.tolist())
    rarest = min(counts, key=lambda number: (counts[number], number))
    goal = data.frac[np.flatnonzero(data.species == rarest)[0]]
    other = OTHER * (data.species[:, None] != proposal.species)
    best, found = np.inf, proposal.frac
    for anchor in np.flatnonzero(proposal.species == rarest)[:ANCHORS]:
        moved = proposal.frac + (goal - proposal.frac[anchor])
        gaps = data.frac[:, None] - moved
        cost = np.square((gaps - np.round(gaps)) @ data.lattice).sum(-1) + other
        rows, columns = linear_sum_assignment(cost)
        total = cost[rows, columns].sum()
        if total < best:
            best, found = total, moved[columns]
    return Cell(data.species, found % 1.0, proposal.lattice)
