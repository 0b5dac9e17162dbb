"""The Wyckoff positions of the 230 space groups, from a table that comes with the package.

Letters, multiplicities and representatives are those of the International Tables for Crystallography A (2016) in their
standard setting: unique axis b and cell choice 1, hexagonal axes for rhombohedral groups, origin choice 2. That is
`Setting.standard()` of moyo. The table is made by benchmarks/make_wyckoff_table.py.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files

import numpy as np

from nucleate.errors import StructureError

GROUPS = 230
PARTS = 24
"""Shifts are stored in 24ths of a cell vector."""

CENTRINGS = {
    "P": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "A": ((1, 0, 0), (0, 1, 1), (0, -1, 1)),
    "C": ((1, -1, 0), (1, 1, 0), (0, 0, 1)),
    "I": ((0, 1, 1), (1, 0, 1), (1, 1, 0)),
    "F": ((-1, 1, 1), (1, -1, 1), (1, 1, -1)),
    "R": ((1, 0, 1), (-1, 1, 1), (0, -1, 1)),
}
"""P with f_primitive = P f_conventional, as moyo has them; the determinant is the number of lattice points."""


@dataclass(frozen=True, eq=False)
class Position:
    """One Wyckoff position: the points f = W u + t and their images under the group.

    Attributes:
        letter: a, b, c, ... by descending site symmetry; A after z.
        multiplicity: atoms of the orbit in the conventional cell.
        site_symmetry: oriented symbol of the site-symmetry group, such as 4mm or m.mm.
        linear: W, integers; its columns belong to the free parameters. [3, free parameters]
        shift: t, in fractions of the conventional cell. [3]
    """

    letter: str
    multiplicity: int
    site_symmetry: str
    linear: np.ndarray
    shift: np.ndarray

    @property
    def freedom(self) -> int:
        """Number of free parameters, 0 to 3."""
        return self.linear.shape[1]


@dataclass(frozen=True, eq=False)
class SpaceGroup:
    """A space group in its standard setting.

    Attributes:
        number: 1 to 230.
        centring: P, A, C, I, F or R.
        positions: by letter, the general position last.
        relabellings: what the letters a, b, c, ... become under each coset of the Euclidean normaliser; sequences that
            a relabelling carries into each other describe the same crystals. The first one changes nothing.
    """

    number: int
    centring: str
    positions: tuple[Position, ...]
    relabellings: tuple[str, ...]

    @cached_property
    def letters(self) -> str:
        """All letters in their order."""
        return "".join(position.letter for position in self.positions)

    @property
    def to_primitive(self) -> np.ndarray:
        """P with f_primitive = P f_conventional, integers. [3, 3]"""
        return np.array(CENTRINGS[self.centring])

    @cached_property
    def lattice_points(self) -> int:
        """Primitive cells in the conventional cell: 1, 2, 3 or 4."""
        return round(abs(np.linalg.det(self.to_primitive)))

    def __getitem__(self, letter: str) -> Position:
        """Raises StructureError for a letter that the group does not have."""
        index = self.letters.find(letter)
        if index < 0 or len(letter) != 1:
            raise StructureError(
                f"space group {self.number} has no Wyckoff position '{letter}'",
                f"it has {', '.join(self.letters)}",
            )
        return self.positions[index]


@lru_cache(maxsize=GROUPS)
def space_group(number: int) -> SpaceGroup:
    """The space group of a number. Raises StructureError outside 1 to 230."""
    if not 1 <= number <= GROUPS:
        raise StructureError(f"there is no space group {number}", f"numbers go from 1 to {GROUPS}")
    entry = _table()[number - 1]
    positions = tuple(
        Position(
            letter,
            multiplicity,
            site_symmetry,
            np.array(columns, dtype=np.int64).reshape(-1, 3).T,
            np.array(shift) / PARTS,
        )
        for letter, multiplicity, site_symmetry, columns, shift in entry["positions"]
    )
    return SpaceGroup(number, entry["centring"], positions, tuple(entry["relabellings"]))


@lru_cache(maxsize=1)
def _table() -> list[dict]:
    content = files("nucleate.symmetry").joinpath("wyckoff.json.gz").read_bytes()
    return json.loads(gzip.decompress(content))["groups"]
