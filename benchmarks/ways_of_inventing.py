"""Ways of inventing crystals side by side: what each costs, and what is left of its candidates at each stage.

    python benchmarks/ways_of_inventing.py --data data/mp_20 -n 64 --out runs/ways

Every way draws n candidates into a funnel of the same stages: sound, no duplicate, not in the data set, relaxed with
CHGNet and given up where they can't come within 0.2 eV/atom of the hull, at most 0.1 eV/atom above it (formation
energies of the data set's training split), no duplicate and new still. Cost is processor time of one thread, drawing
and judging together, so that survivors a core-hour compare ways at equal cost. A new prototype is one that no crystal
of the shipped index has. The same command goes on; writes benchmarks/results/ways-of-inventing.json over the ways that
are done.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from nucleate.files import write_whole
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.run import run
from nucleate.metrics.intervals import wilson
from nucleate.prototypes.entry import describe
from nucleate.prototypes.files import read_index
from nucleate.prototypes.shipped import INDEX
from nucleate.records.ledger import Ledger
from nucleate.records.places import Places
from nucleate.records.tallies import tallies
from nucleate.work import Work
from turns import hardware

RESULT = Path(__file__).parent / "results" / "ways-of-inventing.json"
WAYS = {
    "free diffusion": 'generator = "kldm-mp20-dng"',
    "Wyckoff sequences, symmetric diffusion": 'generator = "wyckoff-mp20"',
    "substitution": 'generator = "substitution"',
}
PLAN = """
[plan]
name = "ways"
seed = 0

[[generate]]
{source}
name = "drawn"
n = {n}

[[stage]]
kind = "sanitise"

[[stage]]
kind = "duplicates"

[[stage]]
kind = "novelty"
references = ["{data}"]

[[stage]]
kind = "relax"
potential = "chgnet"
evaluations = 200
most = 0.2
reference = "{data}"
hull = "dft"

[[stage]]
kind = "hull"
potential = "chgnet"
most = 0.1
least = -0.2
reference = "{data}"
hull = "dft"

[[stage]]
kind = "duplicates"
lowest = "chgnet.energy_per_atom"

[[stage]]
kind = "novelty"
references = ["{data}"]
"""


def spent(folder: Path) -> float:
    """Processor seconds of all calls for this folder that came to an end."""
    path = folder / "spent.json"
    return json.loads(path.read_text()) if path.exists() else 0.0


def row_of(folder: Path, n: int) -> dict[str, Any]:
    """What is left at each stage, and of what kind."""
    index = read_index(INDEX)
    known = set(index.label.tolist())
    with Ledger.existing(folder) as ledger:
        stages = tallies(ledger)
        last = len(stages) - 1
        numbers = [number for part in Places(ledger).waiting(last + 1, 10**9) for number in part]
        cells = [one.cell for one in ledger.candidates(numbers, last + 1)]
    labels = [entry.label for cell in cells if (entry := describe(cell))]
    seconds, left = spent(folder), wilson(stages[-1].passed, n)
    return {
        "drawn": n,
        "stages": [{"stage": one.label, "came": one.came, "passed": one.passed} for one in stages],
        "left": left.to_dict(),
        "in P1": sum("_1_" in label for label in labels),
        "of new prototypes": sum(label not in known for label in labels),
        "processor_seconds": round(seconds, 1),
        "left_a_core_hour": {key: value and round(value * n / seconds * 3600, 1) for key, value in
                             (("value", left.value), ("low", left.low), ("high", left.high))},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, Any] = {}
    for way, source in WAYS.items():
        folder = asked.out / way.replace(", ", "-").replace(" ", "-")
        if not (folder / "done").exists():
            began = time.process_time()
            run(parse_plan(PLAN.format(source=source, n=asked.n, data=asked.data)), folder, Work())
            write_whole(folder / "spent.json", json.dumps(spent(folder) + time.process_time() - began))
            write_whole(folder / "done", "")
        rows[way] = row_of(folder, asked.n)
        print(way, json.dumps(rows[way]), flush=True)
        command = f"python benchmarks/ways_of_inventing.py --data {asked.data} -n {asked.n} --out {asked.out}"
        record = {
            "benchmark": "ways-of-inventing",
            "command": command,
            "hardware": hardware("cpu"),
            "ways": rows,
        }
        write_whole(RESULT, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
