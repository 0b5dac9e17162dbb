"""Where the shipped index and ranking are, and their sources."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "data"
INDEX = FOLDER / "index.parquet"
RANKING = FOLDER / "ranking.safetensors"
RANKING_OF_ANY = FOLDER / "ranking-of-any.safetensors"
"""Of cells of any number of formula units."""

COLLECTION = "the index of prototypes"
"""As messages call the shipped index."""
SOURCES = {
    "mp_20": "MP-20, training split (Materials Project, CC BY 4.0)",
    "mpts_52": "MPTS-52, validation split, cells of 21 to 52 atoms (Materials Project, CC BY 4.0)",
    "aflow": "the AFLOW library of prototypes, as pymatgen holds it",
    "elements": "the elements at room temperature, as ASE holds them",
}
"""What the shipped index holds. A result on a split must not use that split's entries."""

STANDS_FOR = {"mpts_52": 5.0}
"""Crystals for which one of a source stands, 1 where nothing is said: MP-20's training split is 3 in 5 of its crystals,
the larger cells of MPTS-52's validation split are 1 in 8 of theirs."""
