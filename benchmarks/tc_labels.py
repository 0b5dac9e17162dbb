"""Labels of Tc with insulators among them, for predictors that are asked about any crystal.

    python benchmarks/tc_labels.py --data data --out runs/tc-labels
    nucleate train property --data runs/tc-labels --target tc --half first --epochs 60 --out runs/tc-first
    nucleate train property --data runs/tc-labels --target tc --half second --epochs 60 --out runs/tc-second
    python benchmarks/tc_labels.py --data data --out runs/tc-labels --judge property-tc-first runs/tc-first

All crystals of `alexandria_tc` are metals, and a predictor that has seen nothing else believes in insulators as
superconductors. Added are crystals of MP-20's training split with a gap of at least 0.5 eV, which leaves no carriers to
pair, with Tc = 0; those of elements that have a Tc in `alexandria_tc`, so that predictors still warn of the others, and
whose names have the smallest hashes, so that the choice is no one's. None is among the crystals for calibration, so
that intervals are those of superconductors. The validation split is that of `alexandria_tc`. What exists is left as it
is. With --judge predictors are asked about validation labels, and about such insulators of MP-20's validation split.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from first_halves import write
from nucleate.data.dataset import Dataset
from nucleate.data.merging import concatenate
from nucleate.data.table import CrystalTable
from nucleate.discovery.candidates import Candidate
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.predictor.property import load_property
from nucleate.properties.annotate import annotate
from nucleate.properties.parts import parts_of
from nucleate.properties.task import PropertyTask

GAP = 0.5
"""eV, from which a crystal counts as an insulator: calculated gaps are too small rather than too large."""
COUNT = 2000
"""Insulators among the labels, for 6,603 critical temperatures."""
CALIBRATION = PropertyTask("tc").calibration
"""Share of the crystals from which a predictor's intervals are made."""
LIMITS = (1.0, 5.0, 10.0)
"""K, above which predictions for insulators are counted."""


def insulators(table: CrystalTable, labelled: CrystalTable, count: int) -> CrystalTable:
    """Crystals with a gap, of elements that are labelled, with Tc = 0 for their only property: those whose names have
    the smallest hashes."""
    strange = ~np.isin(table.species, np.unique(labelled.species))
    familiar = np.add.reduceat(strange, table.offsets[:-1]) == 0
    familiar[parts_of(table, np.zeros(len(table)), CALIBRATION).calibration] = False
    rows = np.flatnonzero((table.numbers(["band_gap"])[:, 0] >= GAP) & familiar)
    order = sorted(rows.tolist(), key=lambda row: hashlib.sha256(table.ids[row].encode()).digest())
    chosen = table.select(np.array(sorted(order[:count])))
    return replace(chosen, properties={"tc": np.zeros(len(chosen))})


def labels(data: Path, out: Path) -> None:
    """The data set."""
    sets = [Dataset.open(data / name) for name in ("alexandria_tc", "mp_20")]
    known = {part: sets[0].split(part) for part in ("train", "val")}
    only = {
        part: replace(table, properties={"tc": table.numbers(["tc"])[:, 0]}) for part, table in known.items()
    }
    train = concatenate([only["train"], insulators(sets[1].split("train"), known["train"], COUNT)])
    note = f"; {COUNT} crystals of mp_20 with a gap of at least {GAP:g} eV have Tc = 0"
    write({"train": train, "val": only["val"]}, sets, out, note, "rows")


def judged(name: str, data: Path) -> dict[str, Any]:
    """What a predictor says of validation labels and of insulators that no predictor has seen."""
    model = load_property(name).model
    table = Dataset.open(data / "alexandria_tc").split("val")
    truth = table.numbers(["tc"])[:, 0]
    said = annotate(model, _candidates(table))
    value = np.array([one.value for one in said])
    inside = np.array([one.low <= x <= one.high for one, x in zip(said, truth, strict=True)])
    labelled = Dataset.open(data / "alexandria_tc").split("train")
    none = annotate(model, _candidates(insulators(Dataset.open(data / "mp_20").split("val"), labelled, 1000)))
    hot = np.array([one.value for one in none])
    return {
        "labels": len(truth),
        "mae": round(float(np.abs(value - truth).mean()), 3),
        "inside": wilson(int(inside.sum()), len(inside)).to_dict(),
        "insulators": len(hot),
        **{
            f"insulators above {limit:g} K": wilson(int((hot > limit).sum()), len(hot)).to_dict()
            for limit in LIMITS
        },
    }


def name_of(predictor: str) -> str:
    """A shipped name, or that of a run's folder."""
    return Path(predictor).name


def _candidates(table: CrystalTable) -> list[Candidate]:
    return [Candidate(table.ids[row], table.cell(row)) for row in range(len(table))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, default=Path("runs/tc-labels"))
    parser.add_argument("--judge", nargs="*", default=[], metavar="PREDICTOR", help="names or folders")
    parser.add_argument("--result", type=Path, default=Path(__file__).parent / "results" / "tc-labels.json")
    asked = parser.parse_args()
    labels(asked.data, asked.out)
    if asked.judge:
        record = (
            json.loads(asked.result.read_text())
            if asked.result.exists()
            else {"benchmark": "tc_labels", "rows": {}}
        )
        for name in asked.judge:
            record["rows"][name_of(name)] = row = judged(name, asked.data)
            print(name, row, flush=True)
        write_whole(asked.result, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
