"""Make the index of prototypes that the package holds: MP-20's training split, the cells of 21 to 52 atoms of MPTS-52's
validation split, and the 288 AFLOW prototypes of pymatgen.

    python benchmarks/ship_prototypes.py --data data --workers 2
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.data.dataset import Dataset
from nucleate.prototypes.files import write_index
from nucleate.prototypes.index import Index, index_of, merged
from nucleate.prototypes.shipped import INDEX
from nucleate.work import Work

MPTS_ATOMS = (21, 52)


def aflow(work: Work) -> Index:
    rows = []
    for one in AFLOW_PROTOTYPE_LIBRARY:
        tags = one["tags"]
        structure = one["snl"].structure
        if structure.is_ordered:
            rows.append(
                (
                    f"{tags['aflow']} {tags['mineral'] or ''}".strip(),
                    Cell.of(structure.get_primitive_structure()),
                    {},
                )
            )
    return index_of(make_tables({"all": rows})["all"], "aflow", work)


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
    index = merged([mp_20, mpts_52, aflow(work)])
    write_index(index, asked.out)
    print(f"{len(index)} entries, {asked.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
