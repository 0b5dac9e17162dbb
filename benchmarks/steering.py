"""How far the shipped adapters steer: draws with a target, judged by predictors that neither guided nor trained them.

    python benchmarks/steering.py -n 100

Draws of kldm-mp20-dng are judged as they are drawn, by both predictors of a property (each fitted to one half of the
labels). The adapters saw all of these labels, so that this is a trend, not a held-out result. Unreadable draws count as
missed. Continues from what is there; writes benchmarks/results/steering.json.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from nucleate.cell import Cell
from nucleate.discovery.candidates import Candidate
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.predictor import load
from nucleate.predictor.property import load_property
from nucleate.properties.annotate import annotate

BASE = "kldm-mp20-dng"
EVENTS: dict[str, dict[str, Callable[[float], bool]]] = {
    "tc": {"above 5 K": lambda x: x > 5, "above 10 K": lambda x: x > 10},
    "band_gap": {"2.7 to 3.3 eV": lambda x: 2.7 <= x <= 3.3, "below 0.1 eV": lambda x: x < 0.1},
    "formation_energy_per_atom": {"-3.2 to -2.8 eV/atom": lambda x: -3.2 <= x <= -2.8},
}
"""What is counted, by property."""
JUDGES = {"tc": "tc", "band_gap": "band-gap", "formation_energy_per_atom": "formation-energy"}
TARGETS = {"tc": 20.0, "band_gap": 3.0, "formation_energy_per_atom": -3.0}
WEIGHTS = (None, 0.0, 2.0, 4.0)
"""Of the guidance; None for nothing asked."""


def row_of(name: str, weight: float | None, n: int, seed: int) -> dict[str, Any]:
    """One setting: shares of the draws in each event by each judge, and how many chemical systems there are."""
    if weight is None:
        drawn = load(BASE).generate(n, seed)
    else:
        model = load(BASE, adapters=[name])
        drawn = model.generate(n, seed, target={name: TARGETS[name]}, guidance={name: weight})
    crystals = [Candidate(str(i), Cell.of(one)) for i, one in enumerate(drawn)]
    found: dict[str, Any] = {"asked": None if weight is None else {name: TARGETS[name]}, "weight": weight}
    for half in ("first", "second"):
        said = annotate(load_property(f"property-{JUDGES[name]}-{half}").model, crystals)
        values = [math.nan if one.value is None else one.value for one in said]
        found[half] = {
            event: wilson(sum(map(holds, values)), n).to_dict() for event, holds in EVENTS[name].items()
        }
    systems = {tuple(sorted(one.composition.chemical_system.split("-"))) for one in drawn}
    return {**found, "drawn": len(drawn), "chemical_systems": len(systems)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=100, help="crystals for each setting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "steering.json")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    record = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    if (record.get("n"), record.get("seed")) != (asked.n, asked.seed):
        command = f"python benchmarks/steering.py -n {asked.n} --seed {asked.seed}"
        record = {"benchmark": "steering", "command": command, "n": asked.n, "seed": asked.seed, "rows": {}}
    for name in TARGETS:
        for weight in WEIGHTS:
            key = f"{name} {'nothing' if weight is None else f'w={weight:g}'}"
            if key not in record["rows"]:
                record["rows"][key] = row_of(name, weight, asked.n, asked.seed)
                write_whole(asked.out, json.dumps(record, indent=1) + "\n")
                print(key, record["rows"][key], flush=True)


if __name__ == "__main__":
    main()
