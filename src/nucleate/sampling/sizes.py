"""Numbers of atoms of new crystals: distributed as in the training cells, or as a given cell allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nucleate.errors import FormulaError
from nucleate.sampling.request import Limits, check_count, draw_sizes


def new_sizes(
    n: int, seed: int, limits: Limits, atoms: tuple[int, int] | None, least: int, volume: float | None
) -> list[int]:
    """Numbers of atoms of n crystals.

    Args:
        atoms: smallest and largest number asked for.
        least: smallest number if none is asked for.
        volume: of the cell, Å^3, if it is given: then only numbers that fit it are drawn, the probable ones more often.

    Raises FormulaError where no number can be drawn, or the one asked for can't be in the cell.
    """
    check_count(n)
    low, high = atoms or (max(least, 1), limits.largest_cell)
    if low == high:
        if volume is not None and not _holds(volume, low, limits.volumes):
            raise _misfit(volume, f"{low} atoms", limits)
        return [low] * n
    shares = {size: share for size, share in limits.sizes.items() if low <= size <= high}
    if not shares:
        raise FormulaError(
            f"{_nothing(limits)} {low} to {high} atoms", f"cells had up to {limits.largest_cell}"
        )
    if volume is not None:
        shares = sizes_in(volume, shares, limits.volumes)
        if not shares:
            raise _misfit(volume, f"{low} to {high} atoms", limits)
    return draw_sizes(n, shares, seed)


def sizes_in(volume: float, shares: Mapping[int, float], volumes: Sequence[float]) -> dict[int, float]:
    """Numbers of atoms that a cell of this volume, Å^3, may have, with weights that need not sum to 1.

    By Bayes' rule: the share of the training cells with n atoms, times the density of their volume at this one, which
    is that of the volume for each atom (from its equally probable intervals) at volume / n, over n.
    """
    edges = np.asarray(volumes)
    weights = {}
    for atoms, share in shares.items():
        if _holds(volume, atoms, volumes):
            place = int(np.searchsorted(edges, volume / atoms).clip(1, len(edges) - 1))
            weights[atoms] = share / (atoms * max(edges[place] - edges[place - 1], 1e-3))
    return weights


def _holds(volume: float, atoms: int, volumes: Sequence[float]) -> bool:
    return volumes[0] <= volume / atoms <= volumes[-1]


def _nothing(limits: Limits) -> str:
    return f"no crystal in {limits.collection} has" if limits.collection else "no training cell had"


def _misfit(volume: float, asked: str, limits: Limits) -> FormulaError:
    smallest, largest = limits.volumes[0], limits.volumes[-1]
    fitting = [size for size in range(1, limits.largest_cell + 1) if _holds(volume, size, limits.volumes)]
    hint = f"it may hold {fitting[0]} to {fitting[-1]}" if fitting else "give another cell"
    return FormulaError(
        f"{asked} can't be in a cell of {volume:.1f} Å^3: training crystals had {smallest:.1f} to {largest:.1f} Å^3 "
        "for each atom",
        hint,
    )
