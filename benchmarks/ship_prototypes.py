"""Make the index of prototypes that the package holds: MP-20's training split, the cells of 21 to 52 atoms of MPTS-52's
validation split, the 288 AFLOW prototypes of pymatgen, and the elements at room temperature as ASE has them.

A compound that gave a Strukturbericht symbol its structure is reported to have it, the earlier the smaller the number
(TiO2: C4 rutile before C5 anatase and C21 brookite); so is an element of its structure at room temperature.
Some entries of the library have wrong coordinates (anatase, brookite, FeB): where relaxing in the space group gains too
much in CHGNet, nothing is reported.

    python benchmarks/ship_prototypes.py --data data --workers 2
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.data import chemical_symbols, reference_states
from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.data.dataset import Dataset
from nucleate.energies.potentials import potential_named
from nucleate.energies.symmetric import relax_symmetric
from nucleate.prototypes.files import write_index
from nucleate.prototypes.index import Index, index_of, merged
from nucleate.prototypes.shipped import INDEX
from nucleate.work import Work

MPTS_ATOMS = (21, 52)
ELEMENTAL = ("fcc", "bcc", "hcp", "diamond", "sc", "rhombohedral")
"""Structures of elements that ASE builds whole; of others it has the cell alone."""
NOT_SIMPLE = ("Se", "Te", "La", "Pr", "Nd")
"""Hexagonal in ASE, where they are chains or stacked fourfold."""
MOST_GAIN = 0.2
"""eV/atom."""
OF_ELEMENT, OF_LETTER = 1, 100
"""Numbers of what is reported: an element's structure comes first, Strukturbericht symbols with letters last."""


def aflow(work: Work) -> Index:
    rows, reported = [], {}
    for one in AFLOW_PROTOTYPE_LIBRARY:
        tags = one["tags"]
        structure = one["snl"].structure
        if structure.is_ordered:
            name = f"{tags['aflow']} {tags['mineral'] or ''}".strip()
            # Hg_xSn stands in the library as tin
            reported[name] = 0 if "_x" in name else strukturbericht(tags["strukturbericht"])
            rows.append((name, Cell.of(structure.get_primitive_structure()), {}))
    found = index_of(make_tables({"all": rows})["all"], "aflow", work)
    return replace(found, reported=np.array([reported[name] for name in found.names]))


def strukturbericht(symbol: str | None) -> int:
    """Its place among the symbols of one stoichiometry: 1 + the number (4 in C4, 11 in C11_b, 1 in D5_1).

    Symbols with a letter alone, such as A_b and D0_a, come last; 0 for none."""
    if re.fullmatch(r"[ABC]_[a-z]|[D-L]\d+_[a-z]", symbol or ""):
        return OF_LETTER
    found = re.fullmatch(r"[ABC](\d+)(?:_\w+|')?|[D-L]\d+_(\d+)|[D-L](\d+)", symbol or "")
    return 1 + int(next(number for number in found.groups() if number)) if found else 0


def sound(index: Index) -> Index:
    """The same entries; those whose coordinates can't be right are reported of nothing."""
    asked = np.flatnonzero(index.reported > 0)
    relaxed = relax_symmetric([index.cell(int(entry)) for entry in asked], potential_named("chgnet"))
    wrong = [(one.energy_drop_per_atom or 0.0) > MOST_GAIN for one in relaxed]
    reported = index.reported.copy()
    reported[asked[wrong]] = 0
    return replace(index, reported=reported)


def elements(work: Work) -> Index:
    rows = []
    for symbol, state in zip(chemical_symbols, reference_states, strict=False):
        if state and state["symmetry"] in ELEMENTAL and symbol not in NOT_SIMPLE:
            rows.append((f"{symbol} {state['symmetry']}", Cell.of_atoms(bulk(symbol)), {}))
    found = index_of(make_tables({"all": rows})["all"], "elements", work)
    return replace(found, reported=np.full(len(found), OF_ELEMENT))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=INDEX)
    asked = parser.parse_args()
    work = Work.local(asked.workers)
    mp_20 = index_of(Dataset.open(asked.data / "mp_20").split("train"), "mp_20", work)
    larger = Dataset.open(asked.data / "mpts_52").split("val")
    inside = (larger.sizes >= MPTS_ATOMS[0]) & (larger.sizes <= MPTS_ATOMS[1])
    mpts_52 = index_of(larger.select(np.flatnonzero(inside)), "mpts_52", work)
    index = merged([mp_20, mpts_52, sound(aflow(work)), elements(work)])
    write_index(index, asked.out)
    print(f"{len(index)} entries, {asked.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
