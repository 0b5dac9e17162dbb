"""Time and winners of a race beside those of relaxing every candidate with FIRE, in turn within one run.

    python benchmarks/race.py --data data/mp_20 --count 40 --out benchmarks/results/race.json

Compositions of the validation split, each with up to five retrieved candidates (entries of the training split; those of
the same formula last). Both use CHGNet on one thread; which goes first alternates. Processor seconds are the cost where
other programs share the machine.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.energies.potentials import potential_named
from nucleate.energies.racing import RaceSettings, race
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.prototypes.retrieve import Prototypes
from turns import hardware

SEED = 12
STEPS = 40
SAME = 2.0
"""meV/atom: winners this near count as the same."""


def by_fire(cells: list[Cell]) -> dict[str, Any]:
    found = relax(cells, potential_named("chgnet"), RelaxSettings(max_steps=STEPS))
    # one evaluation before the first step
    steps = [one.steps + 1 for one in found if one.cell is not None]
    return {"energies": [one.energy_per_atom for one in found], "evaluations": sum(steps)}


def by_race(cells: list[Cell]) -> dict[str, Any]:
    found = race(cells, potential_named("chgnet"))
    return {
        "energies": [one.energy_per_atom for one in found],
        "evaluations": sum(one.relaxed.steps for one in found),
        "status": [one.status for one in found],
    }


def timed(run: Callable[[list[Cell]], dict[str, Any]], cells: list[Cell]) -> dict[str, Any]:
    wall, processor = time.perf_counter(), time.process_time()
    found = run(cells)
    found["wall"], found["processor"] = time.perf_counter() - wall, time.process_time() - processor
    return found


def lowest(energies: list[float | None]) -> tuple[int, float]:
    numbers = [math.inf if one is None else one for one in energies]
    place = int(np.argmin(numbers))
    return place, numbers[place]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    same, differences, cut = 0, [], 0
    for row in rows:
        (first, low), (second, other) = lowest(row["fire"]["energies"]), lowest(row["race"]["energies"])
        differences.append(1000 * (other - low))
        same += first == second or abs(other - low) * 1000 < SAME
        cut += row["race"]["status"][first] == "stopped"
    record: dict[str, Any] = {
        "compositions": len(rows),
        "candidates": sum(len(row["race"]["energies"]) for row in rows),
        "same_winner": wilson(same, len(rows)).to_dict(),
        "winner_of_fire_stopped": cut,
        "energy_of_winner_race_less_fire_meV_per_atom": {
            "median": statistics.median(differences), "mean": statistics.mean(differences),
            "highest": max(differences), "lowest": min(differences),
        },
        "status": {
            name: sum(row["race"]["status"].count(name) for row in rows)
            for name in sorted({one for row in rows for one in row["race"]["status"]})
        },
    }  # fmt: skip
    for kind in ("processor", "wall", "evaluations"):
        medians = {way: statistics.median(row[way][kind] for row in rows) for way in ("fire", "race")}
        totals = {way: sum(row[way][kind] for row in rows) for way in ("fire", "race")}
        record[kind] = {
            "median": medians, "ratio_of_medians": medians["fire"] / medians["race"],
            "total": totals, "ratio_of_totals": totals["fire"] / totals["race"],
        }  # fmt: skip
    return record


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table = Dataset.open(asked.data).split(asked.split)
    chosen = np.random.default_rng(SEED).permutation(len(table.ids))[: asked.count].tolist()
    prototypes = Prototypes.open(sources=["mp_20"])
    rows = json.loads(asked.out.read_text())["rows"] if asked.out.exists() else []
    done = {row["id"] for row in rows}
    warm = False
    for number, place in enumerate(chosen):
        if table.ids[place] in done:
            continue
        found = prototypes.propose(table.cell(place).species.tolist(), asked.candidates, known="other")
        cells = [one.cell for one in found]
        if len(cells) < 2:
            continue
        ways = {"fire": by_fire, "race": by_race}
        if not warm:
            for run in ways.values():
                run(cells[:1])
            warm = True
        order = list(ways) if number % 2 else list(ways)[::-1]
        said = {way: timed(ways[way], cells) for way in order}
        rows.append({"id": table.ids[place], "atoms": len(cells[0].species), **said})
        record = {
            "data": f"{asked.data.name}, {asked.split}, {asked.count} compositions of seed {SEED}",
            "potential": potential_named("chgnet").identity, "hardware": f"{hardware('cpu')}, one thread",
            "fire": f"{STEPS} steps, fmax {RelaxSettings().fmax}", "race": RaceSettings().identity,
            "summary": summary(rows), "rows": rows,
        }  # fmt: skip
        write_whole(asked.out, json.dumps(record, indent=1))
        print(number + 1, json.dumps({way: round(said[way]["processor"], 2) for way in said}), flush=True)
    print(json.dumps(summary(rows), indent=1))


if __name__ == "__main__":
    main()
