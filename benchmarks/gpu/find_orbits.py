"""Find the orbits of a data set's crystals here, for runs with `training.order = orbits` on a machine that is paid for.

    python benchmarks/gpu/find_orbits.py --data data/mp_20 --out runs/gpu/last

Takes a minute for MP-20. Leaves orbits-train.npz and orbits-val.npz, which a run that finds them in its folder reads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nucleate.data.dataset import Dataset
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


if __name__ == "__main__":
    main()
