"""Crystals as text for large language models (Gruver et al. 2024, arXiv 2402.04379), in the published layout.

    4.0 4.0 5.9                lengths in Å, one decimal
    90 90 120                  angles in degrees, cut to integers (not rounded)
    Ti                         then two lines for each atom: its symbol
    0.00 0.50 0.25             and its fractional coordinates, two decimals

The atoms are moved together by a random vector for each draw. Before the text stands what is known of the crystal, in
English; after it the end-of-text word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cells import lengths_and_angles, standard_lattice
from nucleate.elements import ATOMIC_NUMBERS, SYMBOLS
from nucleate.errors import StructureError
from nucleate.families.cif.elements import sorted_counts, structural

BEGIN = "Below is a description of a bulk material. "
TASK = (
    "Generate a description of the lengths and angles of the lattice vectors and then the element type and "
    "coordinates for each atom within the lattice:\n"
)
FORMULA = "The chemical formula is "
ATTRIBUTES = {
    "formation_energy_per_atom": "The formation energy per atom is ",
    "band_gap": "The band gap is ",
    "e_above_hull": "The energy above the convex hull is ",
    "spacegroup.number": "The spacegroup number is ",
}
"""Properties of a data set with the words they are told in."""
MASK = "[MASK]"
INFILL = (
    "Below is a partial description of a bulk material where one element has been replaced with the string "
    f'"{MASK}":\n'
)
REPLACE = f"Generate an element that could replace {MASK} in the bulk material:\n"


def text_of(cell: Cell, shift: Sequence[float] = (0.0, 0.0, 0.0)) -> str:
    """The text of a crystal, without a line break at its end. shift: of all atoms, in fractions of the cell."""
    lengths, angles = lengths_and_angles(cell.lattice)
    # What rounding leaves just below an integer is that integer.
    cut = np.floor(angles + 1e-6).astype(int)
    lines = [" ".join(f"{x:.1f}" for x in lengths), " ".join(map(str, cut.tolist()))]
    for number, place in zip(cell.species.tolist(), (cell.frac + np.asarray(shift)) % 1.0, strict=True):
        lines += [SYMBOLS[number], " ".join(f"{x:.2f}" for x in place)]
    return "\n".join(lines)


def read(text: str) -> Cell:
    """The crystal of a text. Raises StructureError where it is none."""
    lines = [line for line in text.split("\n") if line]
    if len(lines) < 4 or len(lines) % 2:
        raise StructureError("the text is cut short")
    lengths, angles, *places = (_numbers(line) for line in (lines[0], lines[1], *lines[3::2]))
    unknown = [name for name in lines[2::2] if name not in ATOMIC_NUMBERS]
    if unknown:
        raise StructureError(f"'{unknown[0]}' is no element")
    species = np.array([ATOMIC_NUMBERS[name] for name in lines[2::2]])
    return Cell(species, np.array(places) % 1.0, standard_lattice(np.array(lengths), np.array(angles)))


def prompt(counts: Mapping[int, int] | None = None, told: Mapping[str, float] | None = None) -> str:
    """What stands before a text: the reduced formula and properties, where they are known.

    counts: atoms by atomic number. told: values by the name of the property.
    """
    sentences = []
    if counts is not None:
        sentences.append(f"{FORMULA}{structural(sorted_counts(counts))[0]}. ")
    for name, value in (told or {}).items():
        sentences.append(f"{words_for(name)}{as_told(name, value)}. ")
    return BEGIN + "".join(sentences) + TASK


def words_for(name: str) -> str:
    """The words in which a property is told."""
    return ATTRIBUTES.get(name, f"The {re.sub(r'[^A-Za-z0-9]+', ' ', name).strip()} is ")


def as_told(name: str, value: float) -> str:
    """A value rounded to four decimals; a space group's number without."""
    return str(int(value)) if name == "spacegroup.number" else str(round(float(value), 4))


def masked(text: str, element: int) -> str:
    """The prompt that asks which element has been masked in a text."""
    lines = [MASK if line == SYMBOLS[element] else line for line in text.split("\n")]
    return INFILL + "\n".join(lines) + "\n" + REPLACE


def _numbers(line: str) -> list[float]:
    parts = line.split(" ")
    if len(parts) != 3 or not all(re.fullmatch(r"\d{1,4}(\.\d{1,8})?", part) for part in parts):
        raise StructureError(f"'{line[:40]}' should be three numbers")
    return [float(part) for part in parts]
