"""A training run in a folder: recipe.toml, metrics.jsonl, tensorboard/, last.ckpt, model/ (best) and model-last/."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import nucleate
from nucleate import settings
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.errors import MissingPackageError, TrainingError
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.folder import FORMAT, read_recipe, save_model
from nucleate.recipes.registry import Recipe
from nucleate.training.loop import Budget, Counters, Hooks, Trainer

BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class Hardware:
    """Where a run runs: accelerator, devices and strategy as Lightning Fabric names them, threads for the CPU."""

    devices: int = 1
    strategy: str = "auto"
    accelerator: str = "auto"
    nodes: int = 1


def train_recipe(
    recipe: Recipe, data: Path, run: Path, *, epochs: int | None = None, minutes: float | None = None,
    resume: bool = False, hardware: Hardware | None = None, visible: bool = True,
) -> Counters:  # fmt: skip
    """Train a recipe on a data set folder. Raises TrainingError if the run folder is taken and resume is not asked."""
    _prepare(run, recipe, resume)
    dataset = Dataset.open(data)
    train, val = dataset.split("train"), dataset.split("val")
    hardware = hardware or Hardware()
    fabric = _fabric(recipe, hardware)
    model = recipe.build()
    if recipe.standardise:
        model.codec.fit(torch.tensor(train.lattice), torch.tensor(train.sizes))
    card = _card(recipe, dataset, train, model, hardware)
    steps_per_epoch = max(1, len(train) // recipe.training.batch)
    if epochs is None:
        epochs = recipe.training.epochs if minutes is None else 10**9
    hooks = Hooks(export=_exporter(run, recipe, card), match_rate=_match_rate(recipe, val))
    trainer = Trainer(fabric, model, train, val, recipe.training, Budget(epochs * steps_per_epoch, minutes), run, hooks)
    if resume:
        trainer.resume()
    return trainer.fit(visible)


def _prepare(run: Path, recipe: Recipe, resume: bool) -> None:
    taken = (run / "recipe.toml").exists()
    if taken and not resume:
        raise TrainingError(f"{run} already holds a run", "add --resume to go on with it, or name another --out")
    if taken:
        before, now = settings.to_dict(read_recipe(run / "recipe.toml")), settings.to_dict(recipe)
        changed = [key for key in now if key != "training" and now[key] != before.get(key)]
        if changed:
            raise TrainingError(
                f"the run in {run} was started with other settings ({', '.join(changed)})",
                "resume with the same recipe and --set, or name another --out",
            )
    run.mkdir(parents=True, exist_ok=True)
    text = settings.to_toml({"format": FORMAT, **settings.to_dict(recipe)})
    (run / "recipe.toml").write_text(text)


def _fabric(recipe: Recipe, hardware: Hardware) -> Any:
    try:
        from lightning.fabric import Fabric
    except ImportError:
        raise MissingPackageError("training needs lightning", "pip install 'nucleate[train]'") from None
    precision = recipe.training.precision
    if precision == "auto":
        precision = "bf16-mixed" if native_bf16(hardware.accelerator) else "32-true"
    fabric = Fabric(
        accelerator=hardware.accelerator, devices=hardware.devices, num_nodes=hardware.nodes,
        strategy=hardware.strategy, precision=precision,
    )  # fmt: skip
    fabric.launch()
    return fabric


def native_bf16(accelerator: str = "auto") -> bool:
    """Whether bfloat16 products run in hardware; elsewhere they are emulated and far slower than float32."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return bool(flags & BF16_FLAGS)


def _card(
    recipe: Recipe, dataset: Dataset, train: CrystalTable, model: CrystalModel, hardware: Hardware
) -> dict[str, Any]:
    """What a reader of the model must know. Metrics are added at every export."""
    return {
        "recipe": recipe.name,
        "task": "csp",
        "data": {
            "name": dataset.path.name,
            "crystals": len(train),
            "checksums": dataset.info["checksums"],
            "source": dataset.info.get("source"),
            "licence": dataset.info.get("licence"),
        },
        "elements": sorted({int(z) for z in train.species}),
        "largest_cell": int(train.sizes.max()),
        "parameters": sum(p.numel() for p in model.parameters()),
        "versions": {"nucleate": nucleate.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "hardware": {"devices": hardware.devices, "cuda": torch.cuda.is_available(), "threads": torch.get_num_threads()},
        "metrics": {},
    }


def _exporter(run: Path, recipe: Recipe, card: dict[str, Any]):
    folders = {"best": run / "model", "last": run / "model-last"}

    def export(model: CrystalModel, kind: str, metrics: dict[str, float]) -> None:
        save_model(folders[kind], model, recipe, {**card, "metrics": metrics})

    return export


def _match_rate(recipe: Recipe, val: CrystalTable):
    """A judge of predictions on validation for the training loop, or None where pymatgen is not installed."""
    return None
