"""Ablations of KLDM (arXiv 2507.03602, section 5.4 and appendix E) on Perov-5 with a small network.

    python benchmarks/ablations.py --data data/perov_5 --epochs 16

One run folder for each variant and seed under runs/ablations/; a later call resumes where the last one stopped and
skips finished variants. Validation match rate (one sample, `geometry` protocol) against the training step goes into a
YAML record and a figure. One thread for each run, --workers runs in parallel.
"""

from __future__ import annotations

import argparse
import re
import shlex
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import yaml

from nucleate.recipes.registry import get_recipe
from nucleate.runs.card import device_name
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.training.batches import steps_per_epoch
from nucleate.training.log import read_metrics
from page_sections import variants_of

NETWORK = (
    "torus_transformer.width=96", "torus_transformer.layers=3", "torus_transformer.heads=4",
    "torus_transformer.pair_width=24", "torus_transformer.frequencies=8", "torus_transformer.time_width=64",
    "training.batch=64", "training.slices=1", "training.schedule=constant", "training.warmup=100", "training.ema=0.995",
    "training.learning_rate=1e-3", "training.clip=1.0",
    "sampler.method=pc", "sampler.corrector=crystal",
    "frac.shown=state", "frac.horizon=2.0", "loss_weights.lattice=2.0",
)  # fmt: skip
DIRECT = "frac.parametrisation=direct"
LAMBDA = "frac.direct_weight=balanced"
VARIANTS = {
    "direct, variance 0": (DIRECT,),
    **{
        f"direct, variance {variance:g}": (DIRECT, f"frac.initial_velocity={variance**0.5:.4g}")
        for variance in (0.01, 0.1, 0.25, 0.5, 1)
    },
    "direct with lambda(t)": (DIRECT, LAMBDA),
    "simplified": (),
    "simplified, not centred": ("frac.centred=false",),
    "simplified, at rest": ("frac.shown=rest",),
}
"""Initial velocities by their variance (the paper: 0, 0.1, 0.5, 1); the setting is a standard deviation."""
PANELS = {
    "initial velocities (direct)": [name for name in VARIANTS if "variance" in name],
    "parametrisation": ["direct, variance 0", "direct with lambda(t)", "simplified"],
    "zero net translation": ["simplified", "simplified, not centred"],
    "what the network sees": ["simplified", "simplified, at rest"],
}


def run_folder(root: Path, variant: str, seed: int) -> Path:
    return root / f"{re.sub('[^a-z0-9.]+', '-', variant).strip('-')}-seed-{seed}"


def settings_of(asked: argparse.Namespace, variant: str, seed: int, steps: int) -> list[str]:
    every = max(1, steps // asked.points)
    return [
        *NETWORK, *VARIANTS[variant], f"training.seed={seed}", f"training.match_every={every}",
        f"training.match_crystals={asked.crystals}", f"training.validate_every={every}",
        f"training.checkpoint_every={every}", f"sampler.steps={asked.nfe // 2}",
    ]  # fmt: skip


def train_variants(asked: argparse.Namespace) -> None:
    """Train the requested variants that are not trained yet, seed by seed, so that an early stop leaves whole seeds."""
    chosen = [(variant, seed) for seed in range(asked.seeds) for variant in asked.variants or VARIANTS]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        for number, line in enumerate(pool.map(partial(train_variant, asked), chosen)):
            print(f"{number + 1}/{len(chosen)} {line}", file=sys.stderr)


def train_variant(asked: argparse.Namespace, which: tuple[str, int]) -> str:
    """Train or resume one variant with one seed. Returns a line that says how long it took."""
    from nucleate.data.dataset import Dataset

    torch.set_num_threads(1)
    variant, seed = which
    crystals = len(Dataset.open(asked.data).split("train"))
    steps = asked.epochs * steps_per_epoch(crystals, 64)
    recipe = get_recipe("kldm-csp-tiny", settings_of(asked, variant, seed, steps))
    outcome = train_recipe(
        recipe, asked.data, run_folder(asked.root, variant, seed), epochs=asked.epochs, minutes=asked.minutes,
        resume=True, hardware=Hardware(accelerator="cpu"), visible=False,
    )  # fmt: skip
    if outcome.state == "stopped":
        raise SystemExit(130)
    minutes = (outcome.counters.seconds + outcome.counters.paused) / 60
    return f"{variant}, seed {seed}: {outcome.counters.step} steps, {minutes:.1f} min"


def curve(root: Path, variant: str, seeds: int) -> list[dict[str, Any]]:
    """Mean and standard error over the seeds that have reached each step."""
    by_step: dict[int, list[float]] = {}
    for seed in range(seeds):
        path = run_folder(root, variant, seed) / "metrics.jsonl"
        for row in read_metrics(path) if path.exists() else []:
            if "val/match_rate" in row:
                by_step.setdefault(row["step"], []).append(row["val/match_rate"])
    return [
        {
            "step": step,
            "match_rate": round(statistics.fmean(found), 5),
            "standard_error": round(statistics.stdev(found) / len(found) ** 0.5, 5)
            if len(found) > 1
            else None,
            "seeds": len(found),
        }
        for step, found in sorted(by_step.items())
    ]


def record(asked: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """The record of all variants; `before` holds those of the last record."""
    words = [
        f"--{name} {getattr(asked, name)}"
        for name in ("epochs", "minutes", "seeds", "crystals", "nfe", "points")
    ]
    return {
        "title": "Ablations of KLDM on Perov-5 with a small network",
        "source": "arXiv 2507.03602, section 5.4 and appendix E",
        "command": shlex.join(["python", "benchmarks/ablations.py", "--data", str(asked.data)])
        + " " + " ".join(word for word in words if not word.endswith("None")),
        "protocol": "geometry", "split": "val", "k": 1, "crystals": asked.crystals, "nfe": asked.nfe,
        "hardware": f"{device_name(torch.device('cpu'))}, 1 thread",
        **({"note": asked.note} if asked.note else {}),
        "settings": list(NETWORK),
        "variants": {variant: measured(asked, variant, before) for variant in VARIANTS},
    }  # fmt: skip


def measured(asked: argparse.Namespace, variant: str, before: dict[str, Any]) -> dict[str, Any]:
    """A variant's curve from the runs in --root, else from the last record."""
    found = curve(asked.root, variant, asked.seeds)
    return {"settings": list(VARIANTS[variant]), "curve": found or before.get(variant, {}).get("curve", [])}


def draw(found: dict[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(PANELS), figsize=(12, 3.6), sharey=True, layout="constrained")
    for axis, (title, variants) in zip(axes, PANELS.items(), strict=True):
        for variant in variants:
            points = found["variants"][variant]["curve"]
            steps, means = [p["step"] for p in points], [100 * p["match_rate"] for p in points]
            errors = [100 * (p["standard_error"] or 0.0) for p in points]
            axis.errorbar(
                steps, means, errors, marker="o", markersize=4, capsize=3, linewidth=1.5, label=variant
            )
        axis.set_title(title)
        axis.set_xlabel("training step")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0].set_ylabel(f"match rate, % (NFE {found['nfe']})")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data/perov_5"))
    parser.add_argument("--root", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--variants", "--cells", nargs="*", choices=list(VARIANTS), help="train only these")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--minutes", type=float, help="minutes of training for each variant, at most")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--crystals", type=int, default=200, help="validation compositions to judge")
    parser.add_argument("--nfe", type=int, default=100, help="network evaluations for each crystal")
    parser.add_argument("--points", type=int, default=4, help="match rates measured during a run")
    parser.add_argument("--workers", type=int, default=1, help="runs in parallel")
    parser.add_argument("--note", default="", help="a sentence to keep in the record")
    parser.add_argument("--yaml", type=Path, default=Path("benchmarks/results/ablations/perov-5.yaml"))
    parser.add_argument("--figure", type=Path, default=Path("docs/images/ablations.png"))
    asked = parser.parse_args()
    train_variants(asked)
    asked.yaml.parent.mkdir(parents=True, exist_ok=True)
    before = variants_of(yaml.safe_load(asked.yaml.read_text())) if asked.yaml.exists() else {}
    found = record(asked, before)
    asked.yaml.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=110))
    draw(found, asked.figure)


if __name__ == "__main__":
    main()
