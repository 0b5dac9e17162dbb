"""How far tuning steers to a high Tc: reward by one predictor, judged by the other, against property calls.

    python benchmarks/tuning.py --calls 1000 --minutes 40
    python benchmarks/tuning.py --calls 1000 --reward benchmarks/tuning-tc-trusting.toml --methods sequences

Reward-weighted fine-tuning and policy gradients tune kldm-mp20-dng, policy gradients on sequences tune wyckoff-mp20.
property-tc-first rewards, beside property-band-gap-first (benchmarks/tuning-tc.toml) or alone (the trusting reward);
property-tc-second, of the other half of the labels, judges. Then n crystals of each tuned model and of both untouched
ones are judged as they are drawn, and so are the n best, by the reward, of as many draws of an untouched model as
tuning was given calls (best of N). Unusable draws count as missed. Credible is what lies above 10 K, has a gap below
0.5 eV by property-band-gap-second, and gets no warning of the judge; compounds are those of them with two elements or
more, since what is said of an element alone can be looked up. Nothing is relaxed, and no energy is in the reward. Goes
on where it stopped; writes benchmarks/results/tuning.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from nucleate.cell import Cell
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.predictor import load
from nucleate.rewards import Reward, read_reward
from nucleate.rewards.diversity import system_of
from nucleate.tuning import Budget, tune
from nucleate.tuning.cells import cell_of, plain
from steered_draws import judged

HERE = Path(__file__).parent
REWARD, JUDGE = HERE / "tuning-tc.toml", "property-tc-second"
METHODS = {"weighted": "kldm-mp20-dng", "policy": "kldm-mp20-dng", "sequences": "wyckoff-mp20"}
LIMITS, CREDIBLE = (5.0, 10.0, 20.0), 10.0
"""K, above which draws are counted, and those that are credible."""


METAL = 0.5
"""eV, below which the judge of the gap calls a crystal a metal, as in superconductors.py."""


def cells_of(model: str | Path, n: int, seed: int, kept: Path) -> list[Cell]:
    """n draws of a model, kept in a file."""
    if not kept.exists():
        found = [Cell.of(one) for one in load(model).generate(n, seed)]
        write_whole(kept, json.dumps([plain(cell) for cell in found]))
    return [cell for one in json.loads(kept.read_text()) if (cell := cell_of(one)) is not None]


def row_of(cells: list[Cell], reward: Reward) -> dict[str, Any]:
    """What the reward and the judges say of some crystals."""
    scores, said = reward(cells), judged(list(cells), "second", ("tc", "band_gap"))
    usable = np.array([not reason for reason in scores.reasons])
    tc = np.where(usable, said["tc"], np.nan)
    metal, familiar = said["band_gap"] < METAL, said["tc_familiar"] == 1
    credible = metal & familiar & (tc > CREDIBLE)
    compound = np.array([len(set(cell.species.tolist())) > 1 for cell in cells])
    systems = Counter(system_of(cell.formula) for cell in cells)
    return {
        "drawn": len(cells),
        "reward": float(scores.value.mean()),
        "valid": float(usable.mean()),
        "judge_mean": float(np.nanmean(tc)),
        **{f"above {limit:g} K": _share(tc > limit) for limit in LIMITS},
        "metals": _share(usable & metal),
        "familiar": _share(usable & familiar),
        "credible": _share(credible),
        "credible compounds": _share(credible & compound),
        "formulas": len({cell.formula for cell in cells}),
        "systems": len(systems),
        "largest_system": max(systems.values()) / len(cells),
    }


def _share(events: np.ndarray) -> dict[str, Any]:
    return wilson(int(events.sum()), len(events)).to_dict()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000, help="property calls of each method")
    parser.add_argument("--minutes", type=float, default=40, help="of tuning, for each method")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), help="some of them")
    parser.add_argument("--reward", type=Path, default=REWARD)
    parser.add_argument("--set", nargs="*", default=[], help="settings of tuning besides the seed")
    parser.add_argument("-n", type=int, default=200, help="crystals that are judged at the end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, default=Path("runs/tuning"), help="where the runs lie")
    parser.add_argument("--only-tune", action="store_true", help="judge nothing yet")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "tuning.json")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.runs.mkdir(parents=True, exist_ok=True)
    record: dict[str, Any] = (
        json.loads(asked.out.read_text()) if asked.out.exists() else {"benchmark": "tuning"}
    )
    said = record.setdefault("rewards", {}).setdefault(asked.reward.stem, {})
    if (said.get("n"), said.get("seed")) != (asked.n, asked.seed):
        command = f"python benchmarks/tuning.py --calls {asked.calls} --minutes {asked.minutes:g}"
        if asked.reward != REWARD:
            command += f" --reward benchmarks/{asked.reward.name}"
        said |= {"command": command, "n": asked.n, "seed": asked.seed, "rows": {}}
        said["reward"] = asked.reward.read_text().splitlines()
    for method in asked.methods:
        measure(
            method, asked, said["rows"], lambda: write_whole(asked.out, json.dumps(record, indent=1) + "\n")
        )


def measure(method: str, asked: argparse.Namespace, rows: dict[str, Any], save: Callable[[], None]) -> None:
    """Tune by one method, then the rows that are missing."""
    base, reward, n = METHODS[method], read_reward(asked.reward), asked.n
    done = tune(
        base, asked.reward, asked.runs / f"{asked.reward.stem}-{method}", method,
        budget=Budget(calls=asked.calls, minutes=asked.minutes), settings=[f"seed={asked.seed}", *asked.set],
        judge=JUDGE, tell=print,
    )  # fmt: skip
    if done.state == "stopped" or asked.only_tune:
        return

    def keep(key: str, cells: list[Cell], **more: Any) -> None:
        rows[key] = {"calls": done.calls, **more, **row_of(cells, reward)}
        save()
        print(key, {name: value for name, value in rows[key].items() if name != "curve"}, flush=True)

    if rows.get(method, {}).get("calls") != done.calls:
        file = asked.runs / f"{asked.reward.stem}-{method}" / f"draws-{done.rounds}-{n}-{asked.seed}.json"
        keep(method, cells_of(done.model, n, asked.seed, file), rounds=done.rounds, curve=list(done.rows))
    plain_draws = asked.runs / f"{base}-{asked.calls}-{asked.seed}.json"
    if f"best of {base}" not in rows:
        cells = cells_of(base, asked.calls, asked.seed, plain_draws)
        keep(base, cells[:n], calls=0)
        best = np.argsort(-reward(cells).value, kind="stable")[:n]
        keep(f"best of {base}", [cells[row] for row in best], calls=len(cells))


if __name__ == "__main__":
    main()
