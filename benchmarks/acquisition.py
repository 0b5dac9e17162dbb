"""Does acquisition beat random for each call of an oracle? Three rounds on MP-20 validation crystals.

    python benchmarks/acquisition.py --data data/mp_20 --energies benchmarks/results/consensus.json \\
        --out benchmarks/results/acquisition.json

The oracle is SevenNet's energy above the hull (benchmarks/consensus.py has it for all crystals), the cheap potential
CHGNet's. A delta model learns the difference from what was asked; each round asks for more. What counts is how many of
the tenth with the lowest oracle energies were asked, after each round, over seeds of the first draw.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.dataset import Dataset
from nucleate.files import write_whole
from nucleate.properties.acquisition import RULES, chosen, scores
from nucleate.properties.delta import DeltaModel, places_of

FIRST, EACH, ROUNDS, SEEDS = 20, 20, 3, 40
TOP = 0.1
POTENTIAL = "potential alone"
"""No model: what the cheap potential puts lowest."""


def found_after(
    rule: str, pool: int, seed: int, cheap: np.ndarray, oracle: np.ndarray, places: np.ndarray
) -> list[float]:
    """Share of the best that were asked, after the first draw and after each round."""
    best = set(np.argsort(oracle, kind="stable")[: int(TOP * len(oracle))].tolist())
    asked = np.random.default_rng(seed).permutation(len(oracle))[:FIRST].tolist()
    shares = [len(best & set(asked)) / len(best)]
    for number in range(ROUNDS):
        left = np.setdiff1d(np.arange(len(oracle)), asked)
        mean, deviation = -cheap[left], np.zeros(len(left))
        if rule != POTENTIAL:
            model = DeltaModel.fit(places[asked], (oracle - cheap)[asked])
            delta, deviation = model.predict(places[left])
            mean = mean - delta
        scored = scores(
            "greedy" if rule == POTENTIAL else rule,
            mean,
            deviation,
            float(-oracle[asked].min()),
            1000 * seed + number,
        )
        asked += left[chosen(scored, places[left], EACH, pool)].tolist()
        shares.append(len(best & set(asked)) / len(best))
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--energies", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    energies = json.loads(options.energies.read_text())
    rows = [row for row in energies["rows"] if None not in (row["chgnet"]["above"], row["sevennet"]["above"])]
    table = Dataset.open(options.data).split("val")
    place = {name: row for row, name in enumerate(table.ids)}
    places = places_of([table.cell(place[row["id"]]) for row in rows])
    cheap, oracle = (np.array([row[name]["above"] for row in rows]) for name in ("chgnet", "sevennet"))
    summary: list[dict[str, Any]] = []
    for rule in (*RULES, POTENTIAL):
        for pool in (1, 2):
            shares = np.array([found_after(rule, pool, seed, cheap, oracle, places) for seed in range(SEEDS)])
            mean, error = shares.mean(0), 1.96 * shares.std(0, ddof=1) / np.sqrt(SEEDS)
            summary.append(
                {"rule": rule, "pool": pool, "found": mean.tolist(), "half_width_95": error.tolist()}
            )
    record = {
        "command": "python benchmarks/acquisition.py --data data/mp_20 "
        "--energies benchmarks/results/consensus.json --out benchmarks/results/acquisition.json",
        "data": energies["data"],
        "oracle": energies["potentials"]["sevennet"],
        "cheap": energies["potentials"]["chgnet"],
        "asked": [FIRST + EACH * number for number in range(ROUNDS + 1)],
        "crystals": len(rows),
        "top": TOP,
        "seeds": SEEDS,
        "summary": summary,
    }
    write_whole(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
