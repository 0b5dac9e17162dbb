"""What recipe_speed.py times: a training step and a draw of a recipe, with our network or a scatter twin."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from network_speed import MP_20
from nucleate.crystals import Crystals
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.cspnet import CSPNet
from nucleate.recipes.base import Recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.sampling.settings import SamplerSettings
from scatter_model import Scatter


@dataclass(frozen=True)
class Batch:
    """Crystals on the device with their rows in the table."""

    crystals: Crystals
    rows: Tensor


def crystals_of(asked: argparse.Namespace) -> CrystalTable:
    """The training split, or made-up crystals of MP-20's sizes."""
    if asked.data is not None:
        return Dataset.open(asked.data).split("train")
    rng = np.random.default_rng(asked.seed)
    sizes = rng.choice(len(MP_20), 4096, p=np.array(MP_20) / sum(MP_20))
    atoms, offsets = int(sizes.sum()), np.concatenate([[0], np.cumsum(sizes)])
    lattice = 5 * np.eye(3) + 0.3 * rng.normal(size=(len(sizes), 3, 3))
    ids = [str(n) for n in range(len(sizes))]
    return CrystalTable(ids, rng.integers(1, 90, atoms), offsets, rng.random((atoms, 3)), lattice)


def on_device(table: CrystalTable, parts: list[np.ndarray], device: str) -> list[Batch]:
    return [Batch(table.batch(part).to(device), torch.as_tensor(part, device=device)) for part in parts]


def training_step(model: CrystalModel, batches: list[Batch], clip: float) -> Callable[[], None]:
    """One optimiser step, as the trainer takes it."""
    device = batches[0].rows.device
    optimiser = torch.optim.AdamW(model.parameters(), 1e-6, fused=True)
    count = sum(len(batch.rows) for batch in batches)
    rng = torch.Generator().manual_seed(0)
    times = [(0.001 + 0.998 * torch.rand(len(batch.rows), generator=rng)).to(device) for batch in batches]

    def step() -> None:
        for batch, t in zip(batches, times, strict=True):
            losses = model.loss(batch.crystals, t, Noise.of(0, batch.rows))
            (model.total(losses).sum() / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip or float("inf"))
        optimiser.step()
        optimiser.zero_grad()

    return step


def sampling(
    model: CrystalModel, batches: list[Batch], task: str, settings: SamplerSettings
) -> Callable[[], None]:
    """Draws all crystals of the batches; in CSP their compositions are given."""
    masks = [batch.crystals.mask for batch in batches]
    given = [
        Given.composition(batch.crystals.species, mask) if task == "csp" else None
        for batch, mask in zip(batches, masks, strict=True)
    ]

    @torch.no_grad()
    def run() -> None:
        for batch, mask, known in zip(batches, masks, given, strict=True):
            sample(model, mask, settings, Noise.of(0, batch.rows), known)

    return run


def compared(dense: CrystalModel, scatter: CrystalModel, batch: Batch) -> float:
    """Largest difference of the losses of the two over the largest loss. Raises if the networks disagree."""
    t = torch.linspace(0.1, 0.9, len(batch.rows), device=batch.rows.device)
    with torch.no_grad():
        ours, theirs = (m.loss(batch.crystals, t, Noise.of(1, batch.rows)) for m in (dense, scatter))
    error = max(
        float((ours[k] - theirs[k]).abs().max() / theirs[k].abs().max().clamp(min=1e-6)) for k in ours
    )
    if error > 1e-3:
        raise RuntimeError(f"the two networks differ by {error:.1e}: their speeds can't be compared")
    return error


def models_of(recipe: Recipe, table: CrystalTable, device: str) -> dict[str, CrystalModel]:
    """Our model and, if it has a CSPNet, the same model with a scatter twin."""
    lattice, sizes = torch.tensor(table.lattice), torch.tensor(table.sizes)
    dense = recipe.build()
    dense.codec.fit(lattice, sizes)
    models = {"dense": dense.to(device)}
    if isinstance(dense.network, CSPNet):
        other = CrystalModel(
            dense.processes, dense.codec, dense.network, dense.loss_weights, dense.species_codec,
            dense.self_conditioning,
        )  # fmt: skip
        other.network = Scatter(dense.network, recipe).to(device)  # pyright: ignore[reportAttributeAccessIssue]
        models = {"scatter": other} | models
    return models
