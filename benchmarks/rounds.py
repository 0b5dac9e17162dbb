"""Rounds of a funnel: does acquisition beat random for each call of the oracle, and does a tuned generator?

    python benchmarks/rounds.py --out runs/rounds --record benchmarks/results/rounds.json

Crystals that `wyckoff-mp20` invents, CHGNet for the stages, SevenNet as the oracle (an energy of the crystal as CHGNet
relaxed it), three rounds. What counts is what the oracle puts on or below the hull as it was when the round began.

1. With eight calls a round, four ways from the same first candidates: random or expected improvement, each with the
   generator as it is or tuned after each round.
2. With three calls a round, rules among the same candidates of the untouched generator, `random` with several seeds.

A folder for each way; stopped, it goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.files import write_whole
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.rounds.tables import asked_rows
from nucleate.funnel.run import run
from nucleate.records.ledger import Ledger
from nucleate.records.rounds import rounds

SOURCE = "wyckoff-mp20"
ROUNDS, CALLS = 3, 8
FEW, RULES, CHANCES = 3, ("improvement", "bound", "greedy"), 5
"""Calls a round where rules are compared, these, and seeds of `random`."""
WAYS = {
    "random": ("random", False),
    "improvement": ("improvement", False),
    "random, tuned": ("random", True),
    "improvement, tuned": ("improvement", True),
}
"""Acquisition, and whether the generator is tuned."""
PLAN = f"""
[plan]
name = "rounds"
seed = %(seed)d

[[generate]]
generator = "{SOURCE}"
seed = %(draws)d
atoms = [2, 10]
n = %(n)d

[[stage]]
kind = "sanitise"

[[stage]]
kind = "duplicates"

[[stage]]
kind = "relax"
most = 0.2
near = 0.02

[[stage]]
kind = "hull"
most = 0.2
least = -0.1
near = 0.02

[[stage]]
kind = "duplicates"

[[stage]]
kind = "novelty"

[work]
workers = 1
"""
TABLE = f"""
[rounds]
rounds = {ROUNDS}
calls = %d
relax = false
acquisition = "%s"
tune = %s
"""


def first_of(folder: Path, seed: int, n: int) -> Path:
    """A folder with the candidates of the first round through all stages, which all ways begin with."""
    out = folder / f"seed-{seed}" / "first"
    run(parse_plan(plan_of(seed, n)), out)
    return out


def plan_of(draws: int, n: int, seed: int = 0) -> str:
    """The plan without rounds. draws: seed of the candidates; seed: of `random`."""
    return PLAN % {"draws": draws, "n": n, "seed": seed}


def way_of(folder: Path, seed: int, n: int, way: str) -> list[dict[str, Any]]:
    """The rounds of one way, with the calls."""
    acquisition, tuned = WAYS[way]
    out = folder / f"seed-{seed}" / way.replace(", ", "-")
    if not out.exists():
        shutil.copytree(first_of(folder, seed, n), out)
    table = TABLE % (CALLS, acquisition, json.dumps([SOURCE] if tuned else []))
    return run_of(out, plan_of(seed, n) + table)


def rule_of(folder: Path, draws: int, n: int, rule: str, seed: int) -> list[dict[str, Any]]:
    """The rounds of one rule among the candidates of the untouched generator, which are there already."""
    out = folder / f"seed-{draws}" / f"few-{rule}-{seed}"
    if not out.exists():
        part = out.with_name(f"{out.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(folder / f"seed-{draws}" / "random", part)
        with Ledger.existing(part) as ledger:
            ledger.base.executescript("DELETE FROM asked; DELETE FROM rounds;")
        part.rename(out)
    return run_of(out, plan_of(draws, n, seed) + TABLE % (FEW, rule, "[]"))


def run_of(out: Path, text: str) -> list[dict[str, Any]]:
    """The rounds of a plan in a folder, with the calls."""
    run(parse_plan(text), out)
    with Ledger.existing(out) as ledger:
        calls = asked_rows(ledger)
        told = [asdict(one) for one in rounds(ledger)]
    for one in told:
        one["calls"] = [
            {key: row[key] for key in ("formula", "cheap", "expected", "reach", "oracle", "reason")}
            for row in calls
            if row["round"] == one["round"]
        ]
    return told


def summary_of(runs: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Means over runs of what was found after each round, and standard errors (None of one run)."""
    rows = []
    for way in dict.fromkeys(one[name] for one in runs):
        of = [one["rounds"] for one in runs if one[name] == way]
        found = np.array([np.cumsum([each["found"] for each in one]) for one in of], dtype=float)
        error = (found.std(0, ddof=1) / np.sqrt(len(of))).tolist() if len(of) > 1 else None
        rows.append(
            {
                name: way,
                "runs": len(of),
                "calls": np.cumsum([each["asked"] for each in of[0]]).tolist(),
                "found": found.mean(0).tolist(),
                "standard_error": error,
                "new": [float(np.mean([one[at]["new"] for one in of])) for at in range(ROUNDS)],
                "covered": sum(each["covered"] for one in of for each in one),
                "foretold": sum(each["foretold"] for one in of for each in one),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("-n", type=int, default=32)
    options = parser.parse_args()
    ways: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        ways += [
            {"seed": seed, "way": way, "rounds": way_of(options.out, seed, options.n, way)} for way in WAYS
        ]
        asked = [*((rule, 0) for rule in RULES), *(("random", chance) for chance in range(CHANCES))]
        rules += [
            {"seed": seed, "chance": chance, "rule": rule,
             "rounds": rule_of(options.out, seed, options.n, rule, chance)}
            for rule, chance in asked
        ]  # fmt: skip
    record = {
        "command": "python benchmarks/rounds.py --out runs/rounds --record benchmarks/results/rounds.json "
        f"--seeds {options.seeds} -n {options.n}",
        "generator": SOURCE, "oracle": "sevennet, single points of crystals that chgnet relaxed",
        "hull": "shipped crystals of MP-20 within 0.02 eV/atom of the hull, own energies of each potential",
        "candidates_a_round": options.n, "rounds": ROUNDS, "seeds": options.seeds, "most": 0.0,
        "hardware": "one thread of a CPU, other work beside it",
        "ways": {"calls_a_round": CALLS, "summary": summary_of(ways, "way"), "runs": ways},
        "rules": {"calls_a_round": FEW, "summary": summary_of(rules, "rule"), "runs": rules},
    }  # fmt: skip
    write_whole(options.record, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
