"""Known phases of a system with energies of the potential that candidates have, computed in a process beside.

The page itself holds no potential. A diagram is worked out once for each system, and kept while the page runs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.funnel.hulls import SHIPPED, open_hull
from nucleate.work import processes

KEPT = 32
PATIENCE = 240.0
"""Seconds for the phases of one system."""
NEAR = 0.05
"""eV/atom above the hull of the Materials Project, within which shipped crystals count."""


@dataclass(frozen=True)
class HullOf:
    """Which hull candidates are placed against; attributes as of the stage `hull`."""

    potential: str = "chgnet"
    reference: str = SHIPPED
    hull: str = ""
    near: float = NEAR


@dataclass(frozen=True)
class KnownPhases:
    """Known phases of a system and candidates beside them.

    Attributes:
        labels: of the phases.
        fractions: of the phases by atomic number. [phases, MAX_ATOMIC_NUMBER + 1]
        energies: on the scale of the hull, eV/atom. [phases]
        above: of the candidates above the hull, eV/atom, NaN where unknown. [candidates]
    """

    labels: tuple[str, ...]
    fractions: np.ndarray
    energies: np.ndarray
    above: np.ndarray


_kept: OrderedDict[Any, KnownPhases] = OrderedDict()
_lock = threading.Lock()


def known_phases(hull: HullOf, elements: list[int], cells: list[Cell], energies: list[float]) -> KnownPhases:
    """Known phases of these elements, and how far candidates stand above their hull.

    Args:
        elements: atomic numbers.
        energies: of the candidates in the potential, eV/atom.

    Raises NucleateError where the potential is not installed, no phase is known, or it takes too long.
    """
    key = (hull, tuple(elements), tuple((cell.species.tobytes(), cell.lattice.tobytes()) for cell in cells))
    with _lock:
        if key not in _kept:
            _kept[key] = _beside(hull, elements, cells, energies)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        return _kept[key]


def _beside(hull: HullOf, elements: list[int], cells: list[Cell], energies: list[float]) -> KnownPhases:
    try:
        with processes(1) as pool:
            return pool.submit(place, hull, elements, cells, energies).result(PATIENCE)
    except TimeoutError:
        raise DataError("the energies of the known phases took too long", "choose a smaller system") from None


def place(hull: HullOf, elements: list[int], cells: list[Cell], energies: list[float]) -> KnownPhases:
    """The work itself; where torch and the potential are loaded."""
    from nucleate.energies.placing import above_hull
    from nucleate.energies.potentials import potential_named

    potential = potential_named(hull.potential)
    potential.calculator()
    found = open_hull(hull.potential, hull.reference, hull.hull, hull.near, None)
    found.prepare([np.array(elements)])
    above = [
        above_hull(cell, energy * len(cell.species), potential, found).energy
        for cell, energy in zip(cells, energies, strict=True)
    ]
    rows = np.array(found.phases.within(elements), dtype=np.int64)
    rows = rows[np.isfinite(found.energies[rows])]
    if not len(rows):
        raise DataError("no phase of this system is known", "choose another system")
    return KnownPhases(
        tuple(found.labels[row] for row in rows.tolist()),
        found.phases.fractions[rows],
        found.energies[rows],
        np.array([np.nan if one is None else one for one in above]),
    )
