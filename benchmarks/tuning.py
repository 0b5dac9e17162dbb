"""How far tuning steers to a high Tc: reward by one predictor, judged by the other, against property calls.

    python benchmarks/tuning.py --calls 1000 --minutes 40

Reward-weighted fine-tuning and policy gradients tune kldm-mp20-dng, policy gradients on sequences tune wyckoff-mp20.
property-tc-first rewards (benchmarks/tuning-tc.toml); property-tc-second, of the other half of the labels, judges. Then
n crystals of each tuned model and of both untouched ones are judged as they are drawn, and so are the n best, by the
reward, of as many draws of an untouched model as tuning was given calls (best of N). Unusable draws count as missed.
Nothing is relaxed, and no energy is in the reward. Goes on where it stopped; writes benchmarks/results/tuning.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.predictor import load
from nucleate.rewards import read_reward
from nucleate.rewards.diversity import system_of
from nucleate.tuning import Budget, tune
from nucleate.tuning.judge import Judge

HERE = Path(__file__).parent
REWARD, JUDGE = HERE / "tuning-tc.toml", "property-tc-second"
METHODS = {"weighted": "kldm-mp20-dng", "policy": "kldm-mp20-dng", "sequences": "wyckoff-mp20"}
LIMITS = (5.0, 10.0, 20.0)
"""K, above which draws are counted."""


def cells_of(model: str | Path, n: int, seed: int) -> list[Cell]:
    """n draws of a model."""
    return [Cell.of(one) for one in load(model).generate(n, seed)]


def row_of(cells: list[Cell]) -> dict[str, Any]:
    """What the reward and the judge say of some crystals."""
    reward = read_reward(REWARD)
    judge = Judge.of(JUDGE, reward, print)
    assert judge is not None
    scores, judged = reward(cells), judge(cells)
    said = np.where([bool(reason) for reason in scores.reasons], np.nan, judged)
    systems = Counter(system_of(cell.formula) for cell in cells)
    return {
        "drawn": len(cells),
        "reward": float(scores.value.mean()),
        "valid": float(np.mean([not reason for reason in scores.reasons])),
        "judge_mean": float(np.nanmean(said)),
        **{f"above {limit:g} K": wilson(int((said > limit).sum()), len(cells)).to_dict() for limit in LIMITS},
        "formulas": len({cell.formula for cell in cells}),
        "systems": len(systems),
        "largest_system": max(systems.values()) / len(cells),
    }


def best_of(model: str, calls: int, n: int, seed: int) -> list[Cell]:
    """The n best of as many draws as there are calls."""
    cells = cells_of(model, max(calls, n), seed)
    value = read_reward(REWARD)(cells).value
    return [cells[row] for row in np.argsort(-value, kind="stable")[:n]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000, help="property calls of each method")
    parser.add_argument("--minutes", type=float, default=40, help="of tuning, for each method")
    parser.add_argument("--methods", default=",".join(METHODS), help="some of them")
    parser.add_argument("-n", type=int, default=200, help="crystals that are judged at the end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs lie")
    parser.add_argument("--only-tune", action="store_true", help="judge nothing yet")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "tuning.json")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    record = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    if (record.get("n"), record.get("seed")) != (asked.n, asked.seed):
        limits = f"--calls {asked.calls} --minutes {asked.minutes:g}"
        command = f"python benchmarks/tuning.py {limits} -n {asked.n} --seed {asked.seed}"
        record = {"benchmark": "tuning", "command": command, "n": asked.n, "seed": asked.seed, "rows": {}}
        record["reward"] = REWARD.read_text().splitlines()
    rows, budget = record["rows"], Budget(calls=asked.calls, minutes=asked.minutes)

    def keep(key: str, row: dict[str, Any]) -> None:
        rows[key] = row
        write_whole(asked.out, json.dumps(record, indent=1) + "\n")
        print(key, {name: value for name, value in row.items() if name != "curve"}, flush=True)

    for method in asked.methods.split(","):
        base = METHODS[method]
        done = tune(
            base, REWARD, asked.runs / f"tune-{method}", method, budget=budget, settings=[f"seed={asked.seed}"],
            judge=JUDGE, tell=print,
        )  # fmt: skip
        if done.state == "stopped" or asked.only_tune:
            continue
        if base not in rows:
            keep(base, row_of(cells_of(base, asked.n, asked.seed)))
        if rows.get(method, {}).get("calls") != done.calls:
            row = row_of(cells_of(done.model, asked.n, asked.seed))
            keep(method, {"calls": done.calls, "rounds": done.rounds, **row, "curve": list(done.rows)})
        if rows.get(f"best of {base}", {}).get("calls") != done.calls:
            best = best_of(base, done.calls, asked.n, asked.seed)
            keep(f"best of {base}", {"calls": done.calls, **row_of(best)})


if __name__ == "__main__":
    main()
