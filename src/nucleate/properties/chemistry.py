"""Kinds of chemistry that errors are told apart by: what plays the anion.

Energies and gaps of oxides, halides and metals are not equally well known, and one interval for all is too long for
some and too short for others.
"""

from __future__ import annotations

from collections.abc import Iterable

from nucleate.data.table import CrystalTable

ANIONS: dict[str, tuple[int, ...]] = {
    "oxide": (8,),
    "halide": (9, 17, 35, 53),
    "chalcogenide": (16, 34, 52),
    "pnictide": (7, 15, 33, 51),
    "carbide or boride": (1, 5, 6, 14, 32),
}
"""By what it is called: atomic numbers, of which one must be there, in the order in which they are looked for."""

METALLIC = "intermetallic"
KINDS = (*ANIONS, METALLIC)


def kind_of(species: Iterable[int]) -> str:
    """The kind of a crystal by its atomic numbers: an oxyhalide is an oxide, a pure metal an intermetallic."""
    present = set(species)
    return next((kind for kind, numbers in ANIONS.items() if present.intersection(numbers)), METALLIC)


def kinds_of(table: CrystalTable) -> list[str]:
    """The kind of each crystal of a table."""
    return [kind_of(table.species[table.atoms_of(row)].tolist()) for row in range(len(table))]
