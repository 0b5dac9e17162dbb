"""Find here what a run of nucleate-csp looks up once, for a machine that is paid for or lacks pymatgen: the orbits of a
data set's crystals (`training.order = orbits`) and which elements take each other's place (`training.replace`).

    python benchmarks/gpu/find_orbits.py --data data/mp_20 --out runs/gpu/last

Takes a minute for MP-20. Leaves orbits-train.npz, orbits-val.npz and replacements.npz, which a run that finds them in
its folder reads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nucleate.data.dataset import Dataset
from nucleate.runs.replacing import KNOWN, knowledge_of
from nucleate.training.orbit_split import orbits_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    data = Dataset.open(asked.data)
    for name in ("train", "val"):
        orbits_of(data.split(name), asked.out / f"orbits-{name}.npz")
    knowledge_of(asked.out / KNOWN)


if __name__ == "__main__":
    main()
