"""One change of a small recipe at a time, each at the cost of the base: what raises the match rate on MP-20?

    python benchmarks/experiments.py --data data/mp_20 --runs runs/experiments

A variant trains for as many epochs as take the base's processor seconds: a step of both is timed in turns first. Then
it draws the same validation compositions from the same noise with its own sampler. Shares: of matches (`geometry`, one
draw), of cells within the matcher's tolerances of the true one at equal volume, of usable crystals. cRMSE counts a miss
as 0.5. `--upon` names a variant whose settings all have, so that changes are measured on top of what has been learned.
A later call goes on where the last one stopped and trains what is new; `--only` names variants. One thread.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from drawn_cells import judged, load_cells, save_cells
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.files import write_whole
from nucleate.geometry.noise import Noise
from nucleate.recipes.base import Recipe
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.model_folder import load_model
from nucleate.runs.train import train_recipe
from nucleate.training.batches import StepPlan
from nucleate.training.log import read_metrics
from nucleate.training.optimisers import optimisers
from nucleate.training.validation import validation_subset

RECORD = Path(__file__).parent / "results" / "experiments.json"
RECIPE = "kldm-csp-small"
BASE = (
    "torus_transformer.width=96", "torus_transformer.layers=3", "torus_transformer.heads=4",
    "torus_transformer.pair_width=24", "torus_transformer.frequencies=8", "torus_transformer.time_width=64",
    "training.batch=64", "training.slices=1", "training.learning_rate=2e-3", "training.warmup=100",
    "training.ema=0.995", "training.precision=32-true", "training.validate_every=2000",
)  # fmt: skip
INDEX = ("torus_transformer.index=true", "training.order=orbits")
MUON = ("training.optimiser=muon",)
VARIANTS: dict[str, tuple[str, ...]] = {
    "base": (),
    "index, order of the data": ("torus_transformer.index=true",),
    "index, by orbits": INDEX,
    "cell ahead": ("lattice.ahead=2",),
    "cell behind": ("lattice.ahead=0.5",),
    "cell as log metric": ("cell=polar",),
    "cells by Selling's reduction": (),
    "distances": ("torus_transformer.distances=true",),
    "times in the middle": ("training.times=middle",),
    "weight decay 0.05": ("training.weight_decay=0.05",),
    "index, by orbits, cell ahead": (*INDEX, "lattice.ahead=2"),
    "index, by orbits, distances": (*INDEX, "torus_transformer.distances=true"),
    "index, by orbits, times in the middle": (*INDEX, "training.times=middle"),
    "self-conditioning": ("self_conditioning=true",),
    "deeper, narrower": (
        "torus_transformer.width=64", "torus_transformer.layers=6", "torus_transformer.pair_width=16",
    ),
    "batch 128": ("training.batch=128",),
    "batch 32": ("training.batch=32",),
    "learning rate 1e-3": ("training.learning_rate=1e-3",),
    "learning rate 4e-3": ("training.learning_rate=4e-3",),
    "dropout 0.1": ("torus_transformer.dropout=0.1",),
    "averages over 500 steps": ("training.ema=0.998",),
    "replaced elements": ("training.replace=0.5",),
    "rate by a cosine": ("training.schedule=cosine",),
    "cooldown over two thirds": ("training.cooldown=0.67",),
    "coordinate noise": ("training.shake=0.005",),
    "sites and space groups asked": ("loss_weights.symmetry=0.1",),
    "soft bins": ("frac.bins=64",),
    "soft bins, weight 0.3": ("frac.bins=64", "loss_weights.frac=0.3"),
    "soft bins, weight 3": ("frac.bins=64", "loss_weights.frac=3"),
    "coordinates weigh 3": ("loss_weights.frac=3",),
    "coordinates weigh 10": ("loss_weights.frac=10",),
    "times in the middle, symmetry asked": ("training.times=middle", "loss_weights.symmetry=0.1"),
    "coordinates weigh 3, times in the middle, symmetry asked": (
        "loss_weights.frac=3", "training.times=middle", "loss_weights.symmetry=0.1",
    ),
    "Muon": MUON,
    "Muon, index by orbits": (*MUON, *INDEX),
}  # fmt: skip
"""Settings beside those of the base, by the name of the variant."""
OTHER_DATA = {"cells by Selling's reduction": "-superbase"}
"""What the name of the data set ends with where a variant learns from another one, made by superbase.py."""
TIMED = 25


def recipe_of(variant: str, upon: str, seed: int) -> Recipe:
    found = get_recipe(RECIPE, [*BASE, *VARIANTS[upon], *VARIANTS[variant], f"training.seed={seed}"])
    assert isinstance(found, Recipe)
    return found


def variants_upon(upon: str) -> list[str]:
    """Those that change something there."""
    has = set(VARIANTS[upon])
    return [name for name, more in VARIANTS.items() if name == "base" or not has & set(more)]


def step_share(recipe: Recipe, base: Recipe, train: CrystalTable) -> float:
    """Processor seconds of a recipe's training on a crystal in units of the base's: the median of TIMED steps in turns,
    each of its own batch."""
    runs = []
    for one in (recipe, base):
        model = one.build()
        model.fit(train)
        examples = model.examples(train, torch.device("cpu"))
        own = one.training
        plan = StepPlan(train.sizes, own.batch, own.edges, 0, own.slices)
        runs.append((model, examples, optimisers(model, own), plan))
    shares = []
    for number in range(TIMED):
        spent = []
        for model, examples, steps, plan in runs:
            start = time.process_time()
            for part in plan.step(number):
                rows = torch.from_numpy(part)
                tensors = examples.tensors(rows, int(train.sizes[part].max()))
                keys = Noise.of(0, rows).at(number).keys
                losses = model(**tensors, **model.drawn(0, number, len(part)), keys=keys)
                model.total(losses).mean().backward()
            for optimiser in steps:
                optimiser.step()
                optimiser.zero_grad()
            spent.append((time.process_time() - start) / plan.batch)
        shares.append(spent[0] / spent[1])
    return statistics.median(shares)


def trained(asked: argparse.Namespace, variant: str, seed: int) -> None:
    """Train a variant, or go on with it, and draw from it. Leaves plan.json, metrics.jsonl and cells.npz."""
    torch.set_num_threads(1)
    where = asked.data.with_name(asked.data.name + OTHER_DATA.get(variant, ""))
    folder, recipe = run_folder(asked, variant, seed), recipe_of(variant, asked.upon, seed)
    data = Dataset.open(where)
    plan = folder / "plan.json"
    folder.mkdir(parents=True, exist_ok=True)
    if recipe.training.order == "orbits" and where == asked.data:
        share_orbits(asked.runs, folder)
    if not plan.exists():
        share = 1.0
        if not asked.minutes and variant != "base":
            share = step_share(recipe, recipe_of("base", asked.upon, seed), data.split("train"))
        write_whole(plan, json.dumps({"epochs": max(1, round(asked.epochs / share)), "step_of_base": share}))
    found, start = json.loads(plan.read_text()), time.process_time()
    outcome = train_recipe(
        recipe, where, folder, epochs=None if asked.minutes else found["epochs"], minutes=asked.minutes,
        resume=True, hardware=Hardware(accelerator=asked.accelerator), visible=False,
    )  # fmt: skip
    if outcome.state == "stopped":
        os._exit(130)  # which ends the pool: the next variant must not begin
    model, recipe, card = load_model(folder / "model-last")
    val = data.split("val")
    cells = list(recipe.predicted(model, val, validation_subset(val, asked.crystals)))
    spent = {"processor_seconds": round(time.process_time() - start), "parameters": card["parameters"]}
    write_whole(plan, json.dumps({**found, **spent, "sampler": recipe.facts()["sampler"]}))
    save_cells(folder / "cells.npz", cells)


def measured(asked: argparse.Namespace, variant: str, seed: int) -> dict[str, Any]:
    """A variant's row of the record, from what `trained` has left."""
    folder, val = run_folder(asked, variant, seed), Dataset.open(asked.data).split("val")
    rows = read_metrics(folder / "metrics.jsonl")
    losses = {k: round(v, 5) for row in rows for k, v in row.items() if k.startswith(("val/", "train/"))}
    references = [val.cell(int(row)) for row in validation_subset(val, asked.crystals)]
    return {
        "settings": list(VARIANTS[variant]), "seed": seed, **json.loads((folder / "plan.json").read_text()),
        "steps": rows[-1]["step"], "losses": losses, **judged(load_cells(folder / "cells.npz"), references),
    }  # fmt: skip


def share_orbits(root: Path, folder: Path) -> None:
    """Orbits that a run has found serve the next one."""
    for name in ("orbits-train.npz", "orbits-val.npz"):
        for found in sorted(root.glob(f"*/{name}"))[:1]:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / name).exists():
                shutil.copy(found, folder / name)


def run_folder(asked: argparse.Namespace, variant: str, seed: int) -> Path:
    return asked.runs / f"{re.sub('[^a-z0-9]+', '-', variant.lower()).strip('-')}-{seed}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/experiments"))
    parser.add_argument("--epochs", type=int, default=16, help="of the base")
    parser.add_argument("--minutes", type=float, help="for each variant, where nothing else runs; not epochs")
    parser.add_argument("--crystals", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), help="by default all")
    parser.add_argument("--upon", choices=list(VARIANTS), default="base", help="whose settings all have")
    parser.add_argument("--workers", type=int, default=1, help="variants at once, one thread each")
    parser.add_argument("--accelerator", default="cpu")
    parser.add_argument(
        "--unjudged", action="store_true", help="leave judging, which needs pymatgen, to a later call"
    )
    parser.add_argument("--out", type=Path, default=RECORD)
    asked = parser.parse_args()
    rows = json.loads(asked.out.read_text())["rows"] if asked.out.exists() else {}
    chosen = [
        (variant, seed) for seed in asked.seeds for variant in asked.only or variants_upon(asked.upon)
        if rows.get(name_of(variant, seed), {}).get("settings") != list(VARIANTS[variant])
    ]  # fmt: skip
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        runs = [
            (
                one,
                None
                if (run_folder(asked, *one) / "cells.npz").exists()
                else pool.submit(trained, asked, *one),
            )
            for one in chosen
        ]
        try:
            for one, run in runs:
                if run is not None:
                    run.result()
                if not asked.unjudged:
                    judge(asked, *one, rows)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def judge(asked: argparse.Namespace, variant: str, seed: int, rows: dict[str, Any]) -> None:
    """Add a variant to the record."""
    name = name_of(variant, seed)
    rows[name] = measured(asked, variant, seed)
    write_whole(asked.out, json.dumps(record(asked, rows), indent=1) + "\n")
    print(f"{name}: {100 * rows[name]['match_rate']['value']:.1f} %", file=sys.stderr, flush=True)


def name_of(variant: str, seed: int) -> str:
    return variant if seed == 0 else f"{variant}, seed {seed}"


def record(asked: argparse.Namespace, rows: dict[str, Any]) -> dict[str, Any]:
    kept = "" if asked.out == RECORD else f" --out benchmarks/results/{asked.out.name}"
    base = f"{asked.minutes:g} minutes" if asked.minutes else f"{asked.epochs} epochs"
    upon = "" if asked.upon == "base" else f" (which has: {asked.upon})"
    kept = kept if asked.upon == "base" else f" --upon '{asked.upon}'{kept}"
    return {
        "title": f"At the cost of {base} of the base{upon}, {asked.crystals} compositions",
        "command": f"python benchmarks/experiments.py --data data/{asked.data.name} --runs runs/{asked.out.stem} "
        + (f"--minutes {asked.minutes:g}" if asked.minutes else f"--epochs {asked.epochs}")
        + f" --crystals {asked.crystals}{kept}",
        "recipe": RECIPE, "settings": [*BASE, *VARIANTS[asked.upon]],
        "epochs": asked.epochs, "crystals": asked.crystals,
        "split": "val", "protocol": "geometry", "threads": 1,
        "note": "one thread, while other programs ran on the machine",
        "rows": rows,
    }  # fmt: skip


if __name__ == "__main__":
    main()
