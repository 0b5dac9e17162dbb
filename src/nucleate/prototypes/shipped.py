"""Where the index and the ranking lie that the package brings, and their sources."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "data"
INDEX = FOLDER / "index.parquet"
RANKING = FOLDER / "ranking.safetensors"

SOURCES = {
    "mp_20": "MP-20, training split (Materials Project, CC BY 4.0)",
    "mpts_52": "MPTS-52, validation split, cells of 21 to 52 atoms (Materials Project, CC BY 4.0)",
    "aflow": "the AFLOW library of prototypes, as pymatgen holds it",
}
"""What the shipped index holds. A result on a split must not use that split's entries."""
