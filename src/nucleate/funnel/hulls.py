"""The hull that stages place candidates against: known phases with a potential's own energies, opened once a process.

The shipped crystals of MP-20 are all that a fresh machine has. Of them those near the hull of the Materials Project
count, so that few energies have to be computed; a hull of few phases is too high, and candidates look more stable than
they are. So it is called the MP-20 hull, and is optimistic.

Of 4,238 shipped crystals of MP-20 nobody noted how far they are from that hull, the only FeO, NiO and SrO among them.
`mp-20` leaves them out, and stays what it is for the sake of folders that were begun with it; `mp-20-all` has them too.
No crystal of MP-20 is more than 0.08 eV/atom above the hull of its release, and in a hull of a potential's own energies
a phase that is too high does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import gcd, inf
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.energies.convex_hull import Phases
from nucleate.energies.hull import Hull
from nucleate.energies.hull_choice import HullChoice
from nucleate.energies.hull_sources import potential_hull
from nucleate.energies.placing import same_scale
from nucleate.energies.potentials import potential_named
from nucleate.energies.references import ReferenceStructures
from nucleate.errors import DataError, RecipeError
from nucleate.work import Work

SHIPPED, WHOLE = "mp-20", "mp-20-all"
"""Without and with the crystals whose distance from the hull of the Materials Project is not known."""
OURS = (SHIPPED, WHOLE)
SOURCES = ("mp_20", "mpts_52")
"""Of the shipped index; elements are taken from all of it."""
MOST_ABOVE = 100.0
"""eV/atom; the largest distance from a hull that a plan may ask for."""


def check_hull(potential: str, reference: str, hull: str) -> None:
    """Raise NucleateError for a potential, a reference or a hull that is not there, or that don't go together."""
    chosen, found = HullChoice.read(hull, potential), potential_named(potential)
    found.calculator()
    if not (chosen.complete or reference in OURS or (Path(reference) / "dataset.json").is_file()):
        raise DataError(
            f"no data set {reference} to take a hull from",
            f"give the folder of a data set, {SHIPPED} or {WHOLE}",
        )
    if chosen.energies == "dft" and reference in OURS:
        raise RecipeError(
            "the shipped crystals have no formation energies for a hull 'dft'",
            'name a data set that has them: reference = "FOLDER", or leave hull out',
        )
    if chosen.complete:
        same_scale(found, open_hull(potential, reference, hull, 0.0, None))


@lru_cache(maxsize=4)
def open_hull(potential: str, reference: str, hull: str, near: float, cache: Path | None) -> Hull:
    """A hull, opened once in each process.

    Args:
        potential: by name.
        reference: SHIPPED, WHOLE, or the folder of a data set.
        hull: as `HullChoice.read` reads it.
        near: eV/atom above the hull of the Materials Project, within which shipped crystals count.
        cache: a file that keeps energies of reference crystals.
    """
    work, chosen = Work(cache=cache), HullChoice.read(hull, potential)
    if reference in OURS and not chosen.complete:
        return potential_hull(shipped(near, reference), potential_named(potential), work=work)
    from nucleate.data.dataset import Dataset

    dataset = None if chosen.complete else Dataset.open(reference)
    return chosen.open(potential_named(potential), dataset, work)


def shipped(near: float, reference: str = SHIPPED) -> ReferenceStructures:
    """The shipped crystals near the hull, and the elements; of WHOLE, those whose distance is not known too."""
    from nucleate.prototypes.files import checksum_of, read_index
    from nucleate.prototypes.shipped import INDEX

    index = read_index(INDEX)
    element = np.diff(index.role_offsets) == 1
    near_ones = index.energy <= near
    if reference == WHOLE:
        near_ones |= np.isnan(index.energy)
    low = np.isin(index.source, SOURCES) & near_ones
    chosen = index.select(np.flatnonzero(low | element))
    fractions = np.zeros((len(chosen), MAX_ATOMIC_NUMBER + 1))
    entries = np.repeat(np.arange(len(chosen)), np.diff(chosen.role_offsets))
    fractions[entries, chosen.elements] = chosen.counts
    phases = Phases(fractions / fractions.sum(1, keepdims=True))
    return ShippedStructures((), {f"{reference} within {near:g}": checksum_of(chosen)}, phases, chosen)


@dataclass(frozen=True)
class ShippedStructures(ReferenceStructures):
    """Entries of an index as the crystals of a hull; their cells are made when they are needed.

    Attributes:
        index: the entries, in the order of `phases`.
    """

    index: Any = None

    def cell(self, index: int) -> Cell:
        return self.index.cell(index)

    def id(self, index: int) -> str:
        roles = self.index.roles(index)
        counts = dict(
            zip(self.index.elements[roles].tolist(), self.index.counts[roles].tolist(), strict=True)
        )
        return f"{_written(counts)} ({self.index.names[index]})"

    def column(self, name: str) -> np.ndarray | None:
        return None


def name_of(cell: Cell) -> str:
    """The reduced formula, the least electronegative element first."""
    return _written(dict(cell.formula))


def _written(counts: dict[int, int]) -> str:
    divisor, order = gcd(*counts.values()), _electronegativities()
    shares = {z: counts[z] // divisor for z in sorted(counts, key=lambda z: (order[z], z))}
    return "".join(f"{SYMBOLS[z]}{share if share > 1 else ''}" for z, share in shares.items())


@cache
def _electronegativities() -> list[float]:
    """Pauling's, by atomic number; infinite for elements that have none."""
    from pymatgen.core import Element

    with catch_warnings():
        simplefilter("ignore")
        found = [float(Element(symbol).X) for symbol in SYMBOLS[1:]]
    return [inf, *(inf if value != value else value for value in found)]
