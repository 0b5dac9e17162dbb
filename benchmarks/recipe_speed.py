"""Speed of every recipe: training and sampling with our networks, and with a plain scatter CSPNet in their place.

Training: loss, backward and AdamW on one step's micro-batches as the trainer makes them. Sampling: the recipe's own
sampler at a few network evaluations, whose cost is the same in every step, so that NFE 100 and the recipe's default NFE
are scaled from it. Both run the same processes, losses, batches and sampler; only the network is exchanged, with the
same weights and the same, checked, predictions. The two take turns in one run; the ratio is that of the medians. Lists
of edges are made once for scatter and are not timed. The torus transformer of the small recipes has no published
scatter code: no ratio there. An interrupted run resumes; the recipes that --recipe names are measured again.

    python benchmarks/recipe_speed.py --data data/mp_20 --threads 2
    python benchmarks/recipe_speed.py --data data/mp_20 --device cuda
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch

from nucleate.data.buckets import split_by_edges
from nucleate.data.table import CrystalTable
from nucleate.networks.cspnet import CSPNet
from nucleate.recipes.base import Recipe, scaled
from nucleate.recipes.registry import recipes
from nucleate.runs.devices import native_bf16
from nucleate.sampling.generate import EDGES
from nucleate.training.batches import StepPlan
from recipe_runs import compared, crystals_of, models_of, on_device, sampling, training_step
from turns import hardware, summary, take_turns

LEFT_OUT = ("-tiny", "-mini", "-large")
NFE = 100
INVENTED = 1000
PUBLISHED_CALLS = {
    "kldm": "2",
    "diffcsp": "2",
    "equicsp": "2",
    "flowmm": "1",
    "crystalflow": "1",
    "omatg-csp": "2",
    "omatg-csp-trigonometric": "2 to 4",
    "omatg-dng": "3 to 4",
}
"""Network calls of one sampler step in the public codes, by the longest prefix of the recipe's name. Predictor and
corrector take one each; OMatG's code calls its network for each quantity, and again for its noise."""


def measure(recipe: Recipe, table: CrystalTable, asked: argparse.Namespace) -> dict[str, Any]:
    """Both comparisons of one recipe."""
    models = models_of(recipe, table, asked.device)
    t, batch = recipe.training, asked.batch or recipe.training.batch
    plan = StepPlan(table.sizes, min(batch, len(table)), t.edges, asked.seed, t.slices)
    step = on_device(table, plan.step(0), asked.device)
    pool = np.random.default_rng(asked.seed).choice(len(table), asked.pool, replace=False)
    pool = pool[np.argsort(table.sizes[pool], kind="stable")]
    edges = EDGES if asked.device == "cpu" else 32 * EDGES
    drawn = on_device(table, split_by_edges(pool, table.sizes, edges), asked.device)
    record: dict[str, Any] = {
        "task": recipe.task,
        "network": recipe.network,
        "parameters": sum(p.numel() for p in models["dense"].parameters()),
    }
    if "scatter" in models:
        record["largest_relative_difference"] = compared(models["dense"], models["scatter"], step[0])
    for model in models.values():
        model.bf16 = asked.precision == "bf16"
    if isinstance(models["dense"].network, CSPNet):
        with torch.autocast(asked.device, torch.bfloat16, enabled=asked.precision == "bf16"):
            layouts = [
                models["dense"].network.layout(b.crystals.frac, b.crystals.mask) for b in (*step, *drawn)
            ]
        record["edges_of_ours"] = ", ".join(sorted(set(layouts)))
    train = {name: training_step(model, step, t.clip) for name, model in models.items()}
    record["training"] = {"crystals": plan.batch, "micro_batches": len(step)} | summary(
        take_turns(train, asked.repeats, asked.device), plan.batch
    )
    timed = scaled(recipe.sampler, asked.timed_nfe)
    draw = {name: sampling(model.eval(), drawn, recipe.task, timed) for name, model in models.items()}
    calls = models["dense"].evaluations
    seconds = take_turns(draw, asked.repeats, asked.device)
    calls = (models["dense"].evaluations - calls) / (asked.repeats + 1) / len(drawn)
    record["sampling"] = {"crystals": asked.pool, "nfe": timed.evaluations} | summary(seconds, asked.pool)
    record["calls_per_step"] = {
        "ours": round(calls / timed.steps, 3),
        "published": published_calls(recipe.name),
    }
    record["scaled"] = scaled_up(record["sampling"], recipe)
    return record


def scaled_up(found: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Crystals/s at NFE 100, and seconds for 1,000 new crystals at the recipe's own NFE, in proportion to the NFE."""
    own = recipe.sampler.evaluations
    out: dict[str, Any] = {"nfe": NFE, "default_nfe": own}
    for clock in ("wall", "processor"):
        # Network evaluations of one crystal each second.
        rates = {
            n: found["crystals"] * found["nfe"] / s for n, s in found[clock]["median_seconds"].items() if s
        }
        out[clock] = {"crystals_per_second": {n: _short(rate / NFE) for n, rate in rates.items()}}
        if recipe.task == "dng":
            seconds = {n: _short(INVENTED * own / rate) for n, rate in rates.items()}
            out[clock][f"seconds_for_{INVENTED}"] = seconds
    return out


def _short(x: float) -> float:
    return float(f"{x:.4g}")


def published_calls(name: str) -> str:
    known = [begin for begin in PUBLISHED_CALLS if name.startswith(begin)]
    return PUBLISHED_CALLS[max(known, key=len)] if known else "-"


def chosen(names: list[str] | None) -> list[Recipe]:
    """The named recipes; by default all published ones and their small versions."""
    known = recipes()
    unknown = set(names or []) - known.keys()
    if unknown:
        sys.exit(f"no recipes named {', '.join(sorted(unknown))}")
    kept = [n for n in known if not n.startswith("cross") and not n.endswith(LEFT_OUT)]
    return [known[name] for name in names or kept]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="data set folder; default: made-up crystals of MP-20's sizes")
    parser.add_argument("--recipe", action="append", help="measure only this one; repeatable")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--batch", type=int, help="crystals of a step; 64 on a CPU, else the recipe's")
    parser.add_argument("--pool", type=int, default=64, help="crystals to sample")
    parser.add_argument("--timed-nfe", type=int, help="evaluations to time; 10 on a CPU, else 100")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few crystals, once, to see that it runs")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/recipe_speed.json"))
    asked = parser.parse_args()
    on_cpu = asked.device == "cpu"
    asked.batch = asked.batch or (64 if on_cpu else None)
    asked.timed_nfe = asked.timed_nfe or (10 if on_cpu else NFE)
    if asked.quick:
        asked.batch, asked.pool, asked.timed_nfe, asked.repeats = 4, 4, 2, 1
    asked.precision = "bf16" if native_bf16("cpu" if on_cpu else "auto") else "float32"
    return asked


def measured(out: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Results of an interrupted run under the same conditions, which this one resumes."""
    earlier = json.loads(out.read_text()) if out.exists() else {}
    alike = ("hardware", "threads", "torch", "precision", "data", "repeats")
    return earlier["recipes"] if earlier and all(earlier[k] == record[k] for k in alike) else {}


def main() -> None:
    asked = arguments()
    torch.set_num_threads(asked.threads)
    # The networks must be compared in float32, also on a GPU.
    torch.backends.cuda.matmul.allow_tf32 = False
    table = crystals_of(asked)
    record: dict[str, Any] = {
        "benchmark": "recipe_speed",
        "command": shlex.join(["python", *sys.argv]),
        "hardware": hardware(asked.device),
        "threads": asked.threads,
        "load_before": [round(x, 2) for x in os.getloadavg()],
        "torch": torch.__version__,
        "precision": asked.precision,
        "native_bf16": native_bf16(asked.device),
        "data": asked.data or "made-up crystals of MP-20's sizes",
        "repeats": asked.repeats,
        "recipes": {},
    }
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    record["recipes"] = {} if asked.recipe else measured(asked.out, record)
    for recipe in chosen(asked.recipe):
        if recipe.name in record["recipes"]:
            continue
        record["recipes"][recipe.name] = measure(recipe, table, asked)
        # After each, so that a killed run keeps what it has.
        part = asked.out.with_suffix(".part")
        part.write_text(json.dumps(record, indent=1) + "\n")
        os.replace(part, asked.out)
        print(recipe.name, json.dumps(record["recipes"][recipe.name]["scaled"]), file=sys.stderr)
    print(asked.out)


if __name__ == "__main__":
    main()
