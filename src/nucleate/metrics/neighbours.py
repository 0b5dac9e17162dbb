"""A bounded search for neighbours: structures that refuse to list more atoms around a point than fit in memory.

pymatgen's Voronoi construction starts with a sphere of 7 Å and doubles it until the atom inside is walled in. In a
crystal that takes a step or two, a few thousand atoms. An atom in a dense layer 300 Å from the next one is walled in by
half a million.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from nucleate.cell import Cell

MAX_NEIGHBOURS = 20_000
"""Diamond has 253 atoms within 7 Å, 2,020 within 14 Å and 16,000 within 28 Å."""

MAX_IMAGES = 1_000_000


class TooManyNeighboursError(Exception):
    """A sphere holds more atoms, or touches more images of the cell, than a search should go through."""


def bounded_structure(cell: Cell):
    """The crystal as a pymatgen structure whose `get_sites_in_sphere` may raise TooManyNeighboursError, and at once."""
    cell = cell.compact()
    structure = _bounded_class()(cell.lattice, cell.species.tolist(), cell.frac)
    structure.heights = cell.heights
    return structure


@cache
def _bounded_class():
    from pymatgen.core import Structure

    class BoundedStructure(Structure):
        heights: np.ndarray

        def get_sites_in_sphere(self, pt, r, *args, **options):
            atoms = 4 / 3 * np.pi * r**3 * len(self) / self.volume
            images = len(self) * np.prod(2 * r / self.heights + 1)
            if atoms > MAX_NEIGHBOURS or images > MAX_IMAGES:
                raise TooManyNeighboursError(f"about {atoms:.0f} atoms in {images:.0f} images within {r:g} Å")
            return super().get_sites_in_sphere(pt, r, *args, **options)

    return BoundedStructure
