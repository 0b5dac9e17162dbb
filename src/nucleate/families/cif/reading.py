"""CIF texts of a language model as crystals: each line finds its Wyckoff position, and its orbit follows.

Four decimals do not quite lie on a position, and what a model says may lie further off. Of the positions with the
written multiplicity the nearest one takes the atom, so that an orbit has as many atoms as the text says; how far the
atom was moved is told.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np

from nucleate.data.cells import standard_lattice
from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import StructureError
from nucleate.families.cif.vocabulary import group_of
from nucleate.families.cif.writing import ANGLES, GROUP, IDENTITY, LENGTHS, Site
from nucleate.symmetry.orbits import operations, orbit
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import space_group

FAR = 0.1
"""Å that an atom may be moved; the tolerance with which texts are written."""
ALIKE = 1e-3
"""Å that a position with fewer free parameters may lie further off and still be meant."""
IMAGES = np.array(list(itertools.product((-1, 0, 1), repeat=3)), dtype=float)
_NUMBER = r"(\d{1,4}\.\d{1,8})"
_ROW = re.compile(rf"([A-Z][a-z]?) \1\d+ (\d{{1,3}}) {_NUMBER} {_NUMBER} {_NUMBER} 1")


@dataclass(frozen=True)
class Found:
    """A crystal that was read.

    Attributes:
        sites: group, positions, elements, parameters and conventional cell.
        moved: Å that the atoms were moved at most.
    """

    sites: Sites
    moved: float


def read(text: str, far: float = FAR) -> Found:
    """The crystal of a text. Raises StructureError where it is cut short, is no cell, or has an atom further than `far`
    (Å) from all positions of its multiplicity."""
    number, lattice, lines = parts_of(text)
    letters, species, free, moved = [], [], [], 0.0
    for site in lines:
        letter, values, distance = nearest(number, site, lattice, letters)
        if distance > far:
            raise StructureError(
                f"no position with {site.multiplicity} atoms of space group {number} is within {far:g} Å"
            )
        letters.append(letter)
        species.append(site.species)
        free.append(values % 1.0)
        moved = max(moved, distance)
    found = Sites(number, tuple(letters), tuple(species), np.concatenate(free), lattice)
    return Found(found, moved)


def parts_of(text: str) -> tuple[int, np.ndarray, list[Site]]:
    """Number of the space group, conventional cell [3, 3] in Å, and the lines of the sites.

    Raises StructureError where one of them is missing.
    """
    values = [_value(text, name) for name in (*LENGTHS, *ANGLES)]
    named = re.search(re.escape(GROUP) + r"(\S+)\n", text)
    if named is None or named[1] not in group_of():
        raise StructureError("no space group is named")
    lines = text.rpartition("_atom_site_occupancy\n")[2]
    if not lines.endswith("\n\n"):
        raise StructureError("the text is cut short")
    rows = [_ROW.fullmatch(line) for line in lines[:-2].split("\n")]
    if not all(rows):
        raise StructureError("a line is no site")
    sites = [
        Site(ATOMIC_NUMBERS[row[1]], int(row[2]), (float(row[3]), float(row[4]), float(row[5])))
        for row in rows
        if row and row[1] in ATOMIC_NUMBERS
    ]
    if len(sites) < len(rows):
        raise StructureError("a line has no element")
    lattice = standard_lattice(np.array(values[:3]), np.array(values[3:]))
    return group_of()[named[1]], lattice, sites


def nearest(number: int, site: Site, lattice: np.ndarray, taken: list[str]) -> tuple[str, np.ndarray, float]:
    """Letter, free parameters and distance (Å) of the position of this multiplicity that is nearest to a site.

    taken: letters of the sites before, of which those without freedom are not taken twice. Raises StructureError where
    the group has no such position left.
    """
    best: tuple[float, str, np.ndarray, float] | None = None
    for position in space_group(number).positions:
        if position.multiplicity != site.multiplicity or (not position.freedom and position.letter in taken):
            continue
        values, distance = _onto(number, position.letter, np.array(site.place), lattice)
        worth = distance + ALIKE * position.freedom
        if best is None or worth < best[0]:
            best = worth, position.letter, values, distance
    if best is None:
        raise StructureError(
            f"space group {number} has no position with {site.multiplicity} atoms that is left"
        )
    return best[1:]


def _onto(number: int, letter: str, place: np.ndarray, lattice: np.ndarray) -> tuple[np.ndarray, float]:
    """Free parameters of an orbit that passes nearest to a point, and the distance in Å."""
    one = orbit(number, letter, primitive=False)
    gaps = (place - one.shift)[:, None]
    gaps = gaps - np.floor(gaps) + IMAGES
    inverse = np.linalg.pinv(lattice.T @ one.linear)
    values = np.einsum("afx,xy,any->anf", inverse, lattice.T, gaps)
    rest = (gaps - np.einsum("axf,anf->anx", one.linear, values)) @ lattice
    distance = np.linalg.norm(rest, axis=-1)
    atom, image = np.unravel_index(distance.argmin(), distance.shape)
    return values[atom, image], float(distance[atom, image])


def with_operations(text: str) -> str:
    """The text with all operations of its space group in the place of the identity, for other programs."""
    number = parts_of(text)[0]
    lines = "".join(
        f"{place} '{xyz(rotation, shift)}'\n"
        for place, (rotation, shift) in enumerate(zip(*operations(number, primitive=False), strict=True), 1)
    )
    return text.replace(IDENTITY, lines)


def xyz(rotation: np.ndarray, shift: np.ndarray) -> str:
    """An operation as files have it, such as `-x, y+1/2, -z`."""
    parts = []
    for line, part in zip(rotation.tolist(), np.round(shift * 24).astype(int).tolist(), strict=True):
        terms = "".join(f"{'+' if k > 0 else '-'}{name}" for k, name in zip(line, "xyz", strict=True) if k)
        top, bottom = part % 24, 24
        for factor in (2, 2, 2, 3):
            if top % factor == 0 and bottom % factor == 0:
                top, bottom = top // factor, bottom // factor
        parts.append(terms.removeprefix("+") + (f"+{top}/{bottom}" if top else ""))
    return ", ".join(parts)


def _value(text: str, name: str) -> float:
    found = re.search(re.escape(name) + _NUMBER + r"\n", text)
    if found is None:
        raise StructureError(f"{name.strip()} has no value")
    return float(found[1])
