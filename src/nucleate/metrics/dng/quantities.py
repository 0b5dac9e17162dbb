"""Shared by all families: whether a cell can be judged, its basic quantities, a digest of its content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules, has_atoms, is_finite, known_elements
from nucleate.errors import DataError
from nucleate.measures import volume
from nucleate.metrics.validity_rules import FLAT_PLANES, MIN_VOLUME, density
from nucleate.settings import MOST_SECONDS
from nucleate.streams import SUBSET

JUDGED = Rules(
    (
        has_atoms("no_atoms"),
        known_elements("unknown_element"),
        is_finite("not_finite"),
        Rule("volume_too_small", volume, least=MIN_VOLUME),
        FLAT_PLANES,
    )
)
"""A sample that breaks one of these can't be judged."""
NO_COMPOSITION = (JUDGED.unreadable, "no_atoms", "unknown_element")
"""Reasons that leave even the composition unknown."""

LOOSEST = 5.0
"""The largest tolerance of a space group, Å: atoms are nearer than that."""


def check_symprec(symprec: float) -> None:
    """Raise DataError for a tolerance of a space group, Å, that is 0, negative or above LOOSEST."""
    if not 0 < symprec <= LOOSEST:
        raise DataError(f"symprec must be above 0 and at most {LOOSEST:g} Å; got {symprec}", "0.1 Å is usual")


def check_time_limit(timeout: float, usual: str) -> None:
    """Raise DataError for a time limit, s, that is 0, negative or too large; the hint gives the usual one."""
    if not 0 < timeout <= MOST_SECONDS:
        raise DataError(
            f"the time limit must be above 0 and at most {MOST_SECONDS:g} s; got {timeout}",
            f"{usual} is usual",
        )


class Quantities(NamedTuple):
    """Density in g/cm^3, volume for each atom in Å^3, number of atoms, number of different elements."""

    density: float
    volume_per_atom: float
    n_atoms: int
    n_elements: int


def quantities(cell: Cell) -> Quantities:
    """Quantities of a cell without a defect."""
    n = len(cell.species)
    return Quantities(density(cell), cell.volume / n, n, len(np.unique(cell.species)))


def digest(cell: Cell) -> str:
    """Name of a cell by its exact content."""
    content = hashlib.sha256(np.asarray(cell.species, dtype="<i8").tobytes())
    for array in (cell.frac, cell.lattice):
        # + 0.0 removes the sign of zeros
        content.update((np.asarray(array, dtype="<f8") + 0.0).tobytes())
    return content.hexdigest()


def drawn(cells: Sequence[Cell], limit: int | None, seed: int) -> list[int]:
    """Indices of `limit` random cells, ascending; all of them for None.

    Which crystals are drawn depends on the seed and the set of crystals, not on their order.
    """
    if limit is None or limit >= len(cells):
        return list(range(len(cells)))
    order = sorted(range(len(cells)), key=lambda i: digest(cells[i]))
    return sorted(order[i] for i in SUBSET.generator(seed).permutation(len(cells))[:limit])


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, "not installed" where there is none."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
