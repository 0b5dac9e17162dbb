"""One crystal in all detail: cell, sites, symmetry with Wyckoff positions, what its file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cell_forms import SYMPREC
from nucleate.defects import defect
from nucleate.elements import ATOMIC_MASSES, MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.errors import StructureError
from nucleate.metrics.cell_shapes import cell_parameters
from nucleate.metrics.dng.symmetry import crystal_system, symbol
from nucleate.report.html.gallery import DRAWN
from nucleate.symmetry.finding import find_sites
from nucleate.symmetry.sites import Sites
from nucleate.web.listing import DALTON, Listing, formulas

TOLERANCES = (0.01, SYMPREC)
"""Å, at which space groups are named."""
NO_FACT = ("Lattice", "Properties", "pbc")


def details(listing: Listing, row: int) -> dict[str, Any]:
    """Everything about the crystal of a row, for JSON. Raises IndexError for a row that there is not."""
    if not 0 <= row < len(listing):
        raise IndexError(row)
    cell = listing.cell(row)
    drawn = None if cell is None else defect(cell, DRAWN)
    return {
        "row": row,
        "values": row_values(listing, row),
        "facts": {name: value for name, value in listing.facts(row).items() if name not in NO_FACT and value},
        "crystal": None if cell is None else crystal(cell),
        "conventional": None if cell is None or drawn else conventional(cell),
        "undrawn": drawn or ("unreadable" if cell is None else ""),
        "symmetry": [] if cell is None or drawn else symmetries(cell),
    }


def alone(name: str, cell: Cell | None, problem: str = "") -> dict[str, Any]:
    """A crystal that stands in no listing, as `details` tells of one that does."""
    drawn = None if cell is None else defect(cell, DRAWN)
    facts: dict[str, str] = {"problem": problem} if problem else {}
    return {
        "row": 0,
        "values": {"name": name} if cell is None or drawn else {"name": name, "formula": formula(cell)},
        "facts": facts,
        "crystal": None if cell is None or drawn else crystal(cell),
        "conventional": None if cell is None or drawn else conventional(cell),
        "undrawn": drawn or ("unreadable" if cell is None else ""),
        "symmetry": [] if cell is None or drawn else symmetries(cell),
    }


def formula(cell: Cell) -> str:
    """The reduced formula as tables have it."""
    return formulas(np.bincount(cell.species, minlength=MAX_ATOMIC_NUMBER + 1)[None])[0]


def row_values(listing: Listing, row: int) -> dict[str, Any]:
    """The values of a row by column; unknown ones are left out."""
    found = {column.name: listing.values(column.name)[row].as_py() for column in listing.columns}
    return {name: value for name, value in found.items() if value is not None}


def crystal(cell: Cell) -> dict[str, Any]:
    """A crystal for JSON: its arrays, and the numbers of its cell. Lengths in Å, angles in degrees."""
    lengths, angles = cell_parameters(cell.lattice[None])
    mass = float(np.array(ATOMIC_MASSES)[cell.species].sum())
    return {
        **arrays(cell),
        "lengths": np.round(lengths[0], 8).tolist(),
        "angles": np.round(angles[0], 8).tolist(),
        "volume": cell.volume,
        "density": mass / cell.volume * DALTON if cell.volume else None,
        "shortest": shortest(cell),
    }


def arrays(cell: Cell) -> dict[str, Any]:
    """Symbols, fractional coordinates in [0, 1) and cell vectors."""
    return {
        "species": [SYMBOLS[number] for number in cell.species.tolist()],
        "frac": np.round(np.mod(cell.frac, 1.0), 8).tolist(),
        "lattice": np.round(cell.lattice, 8).tolist(),
    }


def shortest(cell: Cell) -> float | None:
    """The shortest distance of two atoms, images included, Å."""
    from scipy.spatial import KDTree

    if defect(cell, DRAWN):
        return None
    given = cell.compact()
    steps = np.stack(np.meshgrid(*([[-1, 0, 1]] * 3), indexing="ij"), -1).reshape(-1, 3)
    atoms = np.mod(given.frac, 1.0) @ given.lattice
    images = (atoms[None] + (steps @ given.lattice)[:, None]).reshape(-1, 3)
    return float(KDTree(images).query(atoms, 2)[0][:, 1].min())


def symmetries(cell: Cell) -> list[dict[str, Any]]:
    """The space group at each tolerance, with its occupied Wyckoff positions."""
    found = []
    for tolerance in TOLERANCES:
        try:
            found.append({"tolerance": tolerance, **_group(find_sites(cell, tolerance))})
        except (StructureError, ValueError, ArithmeticError) as error:
            found.append({"tolerance": tolerance, "number": None, "problem": str(error).splitlines()[0]})
    return found


def conventional(cell: Cell) -> dict[str, Any] | None:
    """The conventional cell within SYMPREC, where it is not as large as the given one."""
    try:
        other = find_sites(cell, SYMPREC).to_cell(primitive=False)
    except (StructureError, ValueError, ArithmeticError):
        return None
    same = len(other.species) == len(cell.species)
    return None if same or defect(other, DRAWN) else arrays(other)


def _group(sites: Sites) -> dict[str, Any]:
    lengths, angles = cell_parameters(sites.cell_vectors(primitive=False)[None])
    ends = np.cumsum([sites.group[letter].freedom for letter in sites.letters])
    free = np.split(np.zeros(0) if sites.free is None else sites.free, ends[:-1])
    rows = []
    for letter, number, part in zip(sites.letters, sites.species, free, strict=True):
        position = sites.group[letter]
        place = np.mod(position.linear @ part + position.shift, 1.0)
        rows.append(
            {
                "position": f"{position.multiplicity}{letter}",
                "site": position.site_symmetry,
                "element": SYMBOLS[number],
                "place": np.round(place, 5).tolist(),
            }
        )
    return {
        "number": sites.number,
        "symbol": symbol(sites.number),
        "system": crystal_system(sites.number),
        "lengths": np.round(lengths[0], 4).tolist(),
        "angles": np.round(angles[0], 3).tolist(),
        "sites": rows,
    }


def origin(values: Mapping[str, Any], facts: Mapping[str, str]) -> str:
    """One line on where a crystal comes from, for files."""
    said = " ".join(
        f"{name}={facts[name]}" for name in ("model", "seed", "source", "rank") if facts.get(name)
    )
    return f"{values.get('name', '')} {values.get('formula', '')} {said} from nucleate".replace("\n", " ")
