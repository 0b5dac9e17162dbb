"""Match rates of predictions by the number of atoms in the cell: which sizes are hard.

    nucleate predict --like data/mp_20 --limit 1000 -n 1 --model kldm-mp20-csp --out predictions
    python benchmarks/by_atoms.py --predictions predictions/predictions.extxyz --data data/mp_20

One sample for each composition, protocol `geometry`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from drawn_cells import judged
from nucleate.data.dataset import Dataset
from nucleate.metrics.csp.predictions import read_predictions


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    asked = parser.parse_args()
    table = Dataset.open(asked.data).split(asked.split)
    drawn = read_predictions(asked.predictions, table).predictions
    found = judged([one.cell for one in drawn], [table.cell(one.row) for one in drawn])
    print(json.dumps({key: found[key] for key in ("match_rate", "rmse", "by_atoms")}, indent=1))


if __name__ == "__main__":
    main()
