"""Crystals as CIF text in the layout that CrystaLLM learns: symmetrised, four decimals, properties of the elements.

The cell is the conventional one and the sites are those of the asymmetric unit, in the standard setting of the
International Tables (origin choice 2; the published data have the setting of spglib, origin choice 1). Each site is the
first of its orbit; sites go by electronegativity, multiplicity and place; the volume is that of the rounded cell. The
only operation that is written is x, y, z: those of the space group follow from its symbol.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cells import lengths_and_angles
from nucleate.elements import SYMBOLS
from nucleate.errors import StructureError
from nucleate.families.cif.elements import order, properties, sorted_counts, structural
from nucleate.families.cif.vocabulary import RARE_GROUPS
from nucleate.metrics.dng.symmetry import symbol
from nucleate.symmetry.finding import find_sites
from nucleate.symmetry.sites import Sites

SYMPREC = 0.1
"""Å; as published."""
BLOCK = "loop_\n_atom_type_symbol\n_atom_type_electronegativity\n_atom_type_radius\n_atom_type_ionic_radius\n"
GROUP = "_symmetry_space_group_name_H-M "
LENGTHS = ("_cell_length_a ", "_cell_length_b ", "_cell_length_c ")
ANGLES = ("_cell_angle_alpha ", "_cell_angle_beta ", "_cell_angle_gamma ")
OPERATIONS = "loop_\n_symmetry_equiv_pos_site_id\n_symmetry_equiv_pos_as_xyz\n"
IDENTITY = "1 'x, y, z'\n"
SITES = (
    "loop_\n_atom_site_type_symbol\n_atom_site_label\n_atom_site_symmetry_multiplicity\n"
    "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
)
Counts = tuple[tuple[int, int], ...]
"""(atomic number, atoms in the conventional cell) in the order of the formula."""


@dataclass(frozen=True)
class Site:
    """A line of the asymmetric unit: element, atoms in the conventional cell, fractional coordinates of one."""

    species: int
    multiplicity: int
    place: tuple[float, float, float]


def sites_of(cell: Cell, symprec: float = SYMPREC) -> Sites:
    """The sites of a crystal; in P 1 where its group has no word or can't be refined."""
    try:
        found = find_sites(cell, symprec)
        if found.number not in RARE_GROUPS:
            return found
    except StructureError:
        pass
    letters = ("a",) * len(cell.species)
    lattice = cell.lattice if np.linalg.det(cell.lattice) > 0 else -cell.lattice
    frac = cell.frac if np.linalg.det(cell.lattice) > 0 else -cell.frac
    return Sites(1, letters, tuple(cell.species.tolist()), (frac % 1.0).reshape(-1), lattice)


def written(sites: Sites) -> str:
    """The text of a crystal, with the empty line at its end. Raises StructureError without parameters or lattice."""
    lattice = sites.cell_vectors(primitive=False)
    lengths, angles = (as_written(values.tolist()) for values in lengths_and_angles(lattice))
    counts = sorted_counts(Counter(sites.expanded(primitive=False).tolist()))
    rows = [row(number, site) for number, site in enumerate(asymmetric_unit(sites))]
    return (
        head(counts)
        + f"{symbol(sites.number)}\n"
        + cell_lines(lengths, angles)
        + tail(sites.number, counts, lengths, angles)
        + "".join(rows)
        + "\n"
    )


def formula(counts: Counts, between: str = "") -> str:
    """All numbers are written, those of 1 too."""
    return between.join(f"{SYMBOLS[number]}{count}" for number, count in counts)


def head(counts: Counts) -> str:
    """From the beginning to the symbol of the space group: what follows from a composition alone."""
    rows = "".join(f"{SYMBOLS[n]} {' '.join(properties(n))}\n" for n, _ in counts)
    return f"data_{formula(counts)}\n{BLOCK}{rows}{GROUP}"


def cell_lines(lengths: Sequence[float], angles: Sequence[float]) -> str:
    """Lengths in Å, angles in degrees."""
    names = (*LENGTHS, *ANGLES)
    return "".join(f"{name}{value:.4f}\n" for name, value in zip(names, (*lengths, *angles), strict=True))


def tail(number: int, counts: Counts, lengths: Sequence[float], angles: Sequence[float]) -> str:
    """From the number of the space group to the sites. The volume is that of the lengths and angles as written."""
    reduced, units = structural(counts)
    a, b, c = np.cos(np.radians(angles))
    shape = np.sqrt(max(1 - a * a - b * b - c * c + 2 * a * b * c, 0.0))
    return (
        f"_symmetry_Int_Tables_number {number}\n_chemical_formula_structural {reduced}\n"
        f"_chemical_formula_sum {quoted(formula(counts, ' '))}\n_cell_volume {float(np.prod(lengths) * shape):.4f}\n"
        f"_cell_formula_units_Z {units}\n{OPERATIONS}{IDENTITY}{SITES}"
    )


def as_written(values: Iterable[float]) -> list[float]:
    """Numbers with four decimals."""
    return [float(f"{value:.4f}") for value in values]


def quoted(text: str) -> str:
    """In quotation marks where it has blanks."""
    return f"'{text}'" if " " in text else text


def row(number: int, site: Site) -> str:
    """The line of a site, numbered from 0."""
    name, place = SYMBOLS[site.species], " ".join(f"{value:.4f}" for value in site.place)
    return f"{name} {name}{number} {site.multiplicity} {place} 1\n"


def asymmetric_unit(sites: Sites) -> list[Site]:
    """One atom of each orbit, the first by its rounded coordinates, in the order of the text."""
    found, start = [], 0
    places = np.round(sites.places(primitive=False), 4) % 1.0
    for species, one in zip(sites.species, sites.orbits(primitive=False), strict=True):
        own = places[start : start + len(one)]
        start += len(one)
        x, y, z = min(own.tolist())
        found.append(Site(species, len(one), (x, y, z)))
    return sorted(found, key=lambda site: (order(site.species), -site.multiplicity, site.place))
