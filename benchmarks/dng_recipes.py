"""Every recipe for new materials on Perov-5, on one small network with one budget: train, generate, judge, record.

    python benchmarks/dng_recipes.py --data data/perov_5

A run folder for each recipe under runs/dng-recipes/; a later call resumes where the last one stopped. One thread. Each
recipe generates with its own sampler, scaled to the same number of network evaluations.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from nucleate.recipes.registry import get_recipe

RECIPES = (
    "kldm-dng-masked", "kldm-dng-bits", "kldm-dng-onehot", "diffcsp-dng", "equicsp-dng", "flowmm-dng", "omatg-dng",
    "crystalflow-dng",
)  # fmt: skip
MINI = (
    "torus_transformer.width=96", "torus_transformer.layers=3", "torus_transformer.heads=4",
    "torus_transformer.pair_width=24", "torus_transformer.frequencies=8", "torus_transformer.time_width=64",
    "training.batch=64", "training.slices=1", "training.learning_rate=2e-3", "training.warmup=100",
    "training.ema=0.995",
)  # fmt: skip


def run(*words: str) -> None:
    subprocess.run([sys.executable, *words], check=True)


def nucleate(*words: str) -> None:
    run("-m", "nucleate.cli.main", *words)


def sets_of(settings: list[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def one(asked: argparse.Namespace, name: str) -> None:
    """Train, generate, judge and record one recipe; steps that are done are skipped."""
    folder = asked.root / name
    record = asked.records / f"{asked.data.name.replace('_', '-')}-{name}.yaml"
    if record.exists():
        return
    sets = sets_of([*MINI, *asked.set])
    reference = ["--reference", str(asked.reference)] if asked.reference else []
    nucleate(
        "train", f"{name}-small", "--data", str(asked.data), "--out", str(folder / "run"), "--epochs",
        str(asked.epochs), "--resume", "--threads", "1", *sets,
    )  # fmt: skip
    sampler = get_recipe(f"{name}-small", [*MINI, *asked.set]).sampler_for(asked.nfe)
    generate = [
        "generate", "-n", str(asked.crystals), "--model", str(folder / "run" / "model"), "--steps",
        str(sampler.steps), "--sampler", sampler.method, "--threads", "1", "--out", str(folder / "generated"),
    ]  # fmt: skip
    judge = [
        "evaluate", "dng", str(folder / "generated"), "--reference", str(asked.data), "--relax", "none",
        "--protocol", "classic",
        *(["--reference-limit", str(asked.reference)] if asked.reference else []),
    ]  # fmt: skip
    nucleate(*generate)
    judged = folder / "judged.json"
    nucleate(*judge, "--workers", "1", "--cache", str(asked.root / "cache"), "--json", str(judged))
    run(
        "benchmarks/record_dng.py", "--evaluation", str(judged), "--model", str(folder / "run" / "model"),
        "--job", str(folder / "generated" / "job.json"), "--out", str(record),
        "--command",
        shlex.join(["python", "benchmarks/dng_recipes.py", "--data", str(asked.data), *reference, *sets_of(asked.set)]),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data/perov_5"))
    parser.add_argument("--root", type=Path, default=Path("runs/dng-recipes"))
    parser.add_argument("--records", type=Path, default=Path("benchmarks/results/dng"))
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--crystals", type=int, default=200)
    parser.add_argument("--reference", type=int, help="validation crystals to compare with; all by default")
    parser.add_argument("--nfe", type=int, default=100)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--set", action="append", default=[], help="change a setting; needs its own --root")
    asked = parser.parse_args()
    for name in asked.recipes:
        one(asked, name)


if __name__ == "__main__":
    main()
