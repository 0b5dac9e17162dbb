"""Orbits of Wyckoff positions: where each atom sits as a function of the free parameters, in either cell.

Atom j of an orbit is at f_j = W_j u + t_j with integer W_j; u are the free parameters of the representative.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nucleate.symmetry.moyo import moyo
from nucleate.symmetry.wyckoff import GROUPS, space_group

GENERIC = np.array([0.137203491, 0.322801577, 0.049187263])
"""Free parameters at which no two atoms of an orbit meet: used to count and identify atoms, never to place them."""

TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Orbit:
    """All atoms of a Wyckoff position in one cell.

    Attributes:
        linear: W_j, integers. [atoms, 3, free parameters]
        shift: t_j. [atoms, 3]
    """

    linear: np.ndarray
    shift: np.ndarray

    def __len__(self) -> int:
        return len(self.shift)

    def places(self, free: np.ndarray) -> np.ndarray:
        """Fractional coordinates in [0, 1) at free parameters [free parameters]. [atoms, 3]"""
        return wrapped(self.linear @ free + self.shift)


@lru_cache(maxsize=2 * GROUPS)
def operations(number: int, primitive: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Operations f' = R f + t of a group in its primitive or conventional cell, the identity first.

    Those of the conventional cell include each centring translation. Rotations are integers. [operations, 3, 3] and
    [operations, 3]
    """
    standard = moyo().Setting.standard()
    found = moyo().operations_from_number(number, setting=standard, primitive=primitive)
    return np.array(found.rotations, dtype=np.int64), np.array(found.translations)


@lru_cache(maxsize=4096)
def orbit(number: int, letter: str, primitive: bool = True) -> Orbit:
    """The orbit of a position of a space group. Raises StructureError for numbers and letters that don't exist."""
    group = space_group(number)
    position = group[letter]
    rotations, translations = operations(number, primitive)
    change = group.to_primitive if primitive else np.eye(3, dtype=np.int64)
    linear = rotations @ (change @ position.linear)
    shift = rotations @ (change @ position.shift) + translations
    places = wrapped(linear @ GENERIC[: position.freedom] + shift)
    first = [index for index, place in enumerate(places) if not len(matches(places[:index], place))]
    return Orbit(linear[first], shift[first])


@lru_cache(maxsize=4096)
def images(number: int, letter: str, primitive: bool = True) -> np.ndarray:
    """The atom of an orbit that each operation carries each of its atoms onto. [operations, atoms]

    Found at generic parameters, so it holds for all, those at which atoms meet included.
    """
    rotations, translations = operations(number, primitive)
    places = orbit(number, letter, primitive).places(GENERIC[: space_group(number)[letter].freedom])
    carried = places @ rotations.transpose(0, 2, 1) + translations[:, None]
    return np.array([[matches(places, place)[0] for place in one] for one in carried])


def wrapped(frac: np.ndarray) -> np.ndarray:
    """Fractional coordinates in [0, 1); what rounds to a whole number is 0."""
    inside = frac - np.floor(frac)
    return np.where(inside > 1 - 1e-12, 0.0, inside)


def matches(places: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Indices of the points [atoms, 3] that equal a point [3] up to lattice translations."""
    apart = places - place
    return np.flatnonzero(np.abs(apart - np.round(apart)).max(-1, initial=0.0) < TOLERANCE)
