"""Relaxations a core-hour in a funnel and by plain ASE, with the same potential, from the same crystals.

    python benchmarks/funnel_throughput.py --out runs/throughput -n 64 --draw 200

The crystals are candidates of the example plan that have passed its stages before `relax`, drawn at random. They go in
turns of 16 through three ways:

- ase: one by one, CHGNet's own calculator, FrechetCellFilter, FIRE, 0.05 eV/Å, at most 500 steps;
- descents: the stage `relax` without a limit: descents in free parameters side by side, in batches;
- funnel: the stage as it stands in the plan, which gives up what can't come near the hull.

All are ranked by the energy above the same hull, whose energies are computed before the clock runs. The clock is the
processor time of the one thread. The same command goes on with a run that was stopped, and writes
benchmarks/results/funnel-throughput.json over the turns that are done.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from nucleate.energies.placing import above_hull
from nucleate.energies.potentials import potential_named
from nucleate.files import write_whole
from nucleate.funnel.example import EXAMPLE, plans
from nucleate.funnel.plan import Plan, parse_plan
from nucleate.funnel.relaxing import Relax
from nucleate.funnel.run import run
from nucleate.records.ledger import Ledger
from nucleate.records.places import Places
from nucleate.records.verdicts import Candidate
from nucleate.work import Work
from turns import hardware

RESULT = Path(__file__).parent / "results" / "funnel-throughput.json"
TURN, TOP = 16, (1, 3, 5, 10)
SEED = 0
STEPS = 500
WAYS = ("ase", "descents", "funnel")
SAME = 0.01
"""eV/atom; two minima whose energies differ by less count as the same."""
Row = dict[str, Any]


def drawn(folder: Path, draw: int, count: int) -> list[Candidate]:
    """Candidates that passed the stages before `relax` of the example plan."""
    plan = parse_plan(plans()[EXAMPLE])
    before = next(place for place, step in enumerate(plan.steps) if isinstance(step.stage, Relax))
    sources = tuple(replace(source, n=draw) for source in plan.sources)
    short: Plan = replace(plan, steps=plan.steps[:before], sources=sources)
    run(short, folder, Work())
    with Ledger.existing(folder) as ledger:
        numbers = next(Places(ledger).waiting(before + 1, 10**9))
        chosen = np.random.default_rng(SEED).permutation(numbers)[:count].tolist()
        return ledger.candidates(chosen, before + 1)


def plain(candidates: Sequence[Candidate]) -> list[Row]:
    """One after the other as a script does it."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    calculator, rows = potential_named("chgnet").calculator(), []
    for one in candidates:
        atoms = one.cell.to_atoms()
        atoms.calc = calculator
        moving: Any = FrechetCellFilter(atoms)
        optimiser = FIRE(moving, logfile=None)  # pyright: ignore[reportArgumentType]
        try:
            converged = bool(optimiser.run(fmax=0.05, steps=STEPS))
            energy: float | None = float(atoms.get_potential_energy()) / len(atoms)
        except (ValueError, RuntimeError) as error:
            converged, energy = False, None
            print(one.id, error, flush=True)
        rows.append(
            {
                "id": one.id,
                "energy": energy,
                "evaluations": optimiser.nsteps + 1,
                "reason": "" if converged else "not converged",
            }
        )
    return rows


def in_funnel(stage: Relax, cache: Path) -> Callable[[Sequence[Candidate]], list[Row]]:
    """By the stage, as it stands in the plan."""

    def judged(candidates: Sequence[Candidate]) -> list[Row]:
        rows = []
        for one, verdict in zip(candidates, stage.judge(candidates, Work(cache=cache)), strict=True):
            found = {name.rpartition(".")[2]: value for name, value in verdict.values.items()}
            rows.append({"id": one.id, "energy": found.get("energy_per_atom"),
                         "evaluations": found.get("evaluations"), "reason": verdict.reason})  # fmt: skip
        return rows

    return judged


def placed(rows: Sequence[Row], candidates: Sequence[Candidate], stage: Relax, cache: Path) -> None:
    """Say of each how far above the hull it is, eV/atom."""
    hull = stage.prepared(candidates, Work(cache=cache))
    for row, one in zip(rows, candidates, strict=True):
        energy = row["energy"]
        row["above"] = (
            None
            if energy is None
            else above_hull(one.cell, energy * len(one.cell.species), stage.asked, hull).energy
        )


def turn(candidates: Sequence[Candidate], stage: Relax, cache: Path) -> Row:
    """Both ways for the same candidates, each with its processor seconds."""
    stage.prepared(candidates, Work(cache=cache))
    found: Row = {"atoms": [len(one.cell.species) for one in candidates]}
    ways = (plain, in_funnel(replace(stage, most=0.0), cache), in_funnel(stage, cache))
    for name, way in zip(WAYS, ways, strict=True):
        start = time.process_time()
        rows = way(candidates)
        found[name] = {"seconds": time.process_time() - start, "rows": rows}
        placed(rows, candidates, stage, cache)
    return found


def summary(turns: Sequence[Row], limit: float) -> Row:
    """Candidates an hour, and how equal the rankings are to that of ASE."""
    rows = {name: [row for one in turns for row in one[name]["rows"]] for name in WAYS}
    seconds = {name: sum(one[name]["seconds"] for one in turns) for name in WAYS}
    found: dict[str, Any] = {"candidates": len(rows["ase"]), "limit": limit, "ways": {}}
    for name in WAYS:
        found["ways"][name] = {
            "processor_seconds": round(seconds[name], 1),
            "a_core_hour": round(3600 * len(rows[name]) / seconds[name]),
            "times_ase": round(seconds["ase"] / seconds[name], 2),
            "ranked": len(_ranked(rows[name])),
            "not_ranked_for": dict(Counter(row["reason"] for row in rows[name] if row["reason"])),
        }
        if name != "ase":
            found["ways"][name] |= agreement(rows["ase"], rows[name], limit)
    return found


def agreement(ase: Sequence[Row], other: Sequence[Row], limit: float) -> Row:
    """How equal a ranking is to that of ASE; of those within the limit, which one has and the other has not."""
    first, second = _ranked(ase), _ranked(other)
    above = [{row["id"]: row["above"] for row in rows} for rows in (ase, other)]
    both = [one for one in first if one in second]
    pairs = np.array([[one[name] for one in above] for name in both]).reshape(-1, 2)
    gaps = pairs[:, 1] - pairs[:, 0]
    why = {row["id"]: row["reason"] or f"{row['above']:.4f} eV/atom" for row in other}
    near = [
        [name for name in names if heights[name] <= limit]
        for names, heights in zip((first, second), above, strict=True)
    ]
    return {
        "ranked_by_both": len(both),
        "of_the_top": {k: len(set(first[:k]) & set(second[:k])) for k in TOP if k <= len(second)},
        "kendall_tau": _tau(pairs) if len(both) > 2 else None,
        "same_energy": int((np.abs(gaps) < SAME).sum()),
        "lower_than_ase": int((gaps <= -SAME).sum()),
        "higher_than_ase": int((gaps >= SAME).sum()),
        "within_the_limit": {
            "ase": len(near[0]),
            "here": len(near[1]),
            "both": len(set(near[0]) & set(near[1])),
        },
        "within_it_by_ase_alone": [
            [one, round(above[0][one], 4), why[one]] for one in near[0] if one not in near[1]
        ],
        "within_it_here_alone": [
            [one, round(above[1][one], 4), above[0][one]] for one in near[1] if one not in near[0]
        ],
    }


def _tau(pairs: np.ndarray) -> float:
    found: Any = kendalltau(*pairs.T)
    return round(float(found.statistic), 3)


def _ranked(rows: Sequence[Row]) -> list[str]:
    """Ids of those that were relaxed and have a distance from the hull, the lowest first."""
    kept = [row for row in rows if row["above"] is not None and not row["reason"]]
    return [row["id"] for row in sorted(kept, key=lambda row: row["above"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("-n", type=int, default=120)
    parser.add_argument("--draw", type=int, default=500, help="candidates of each source of the plan")
    options = parser.parse_args()
    candidates = drawn(options.out, options.draw, options.n)
    stage = next(step.stage for step in parse_plan(plans()[EXAMPLE]).steps if isinstance(step.stage, Relax))
    cache, path = options.out / "hull.sqlite", options.out / "turns.json"
    turns: list[Row] = json.loads(path.read_text()) if path.exists() else []
    potential_named("chgnet").evaluate([candidates[0].cell])  # loads the network
    for start in range(TURN * len(turns), len(candidates), TURN):
        turns.append(turn(candidates[start : start + TURN], stage, cache))
        write_whole(path, json.dumps(turns) + "\n")
        print(json.dumps({name: round(turns[-1][name]["seconds"], 1) for name in WAYS}), flush=True)
    record = {
        "benchmark": "funnel-throughput",
        "command": f"python benchmarks/funnel_throughput.py --out runs/throughput -n {options.n} --draw {options.draw}",
        "plan": "example: its candidates before relax, and its limit",
        "atoms": float(np.mean([atoms for one in turns for atoms in one["atoms"]])),
        "potential": potential_named("chgnet").identity,
        "hardware": f"{hardware('cpu')}, one thread, processor time; other work ran beside it",
        **summary(turns, stage.most),
    }
    write_whole(RESULT, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
