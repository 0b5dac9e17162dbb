"""Ways through a latent space: crystals decoded again, crystals near them, between two, towards a property.

Each way is a list of requests with a point of the latent space for each (`LatentGenerator.at`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from nucleate.cell import Cell
from nucleate.families.latent import LatentModel, Latents
from nucleate.geometry.noise import Noise
from nucleate.sampling.request import Request
from nucleate.settings import within
from nucleate.streams import WAYS

Aim = Literal["min", "max"] | float


@dataclass(frozen=True)
class Named:
    """A crystal that is read.

    Attributes:
        name: in files.
        cell: its structure.
        row: in its split, where it is of a data set.
    """

    name: str
    cell: Cell
    row: int | None = None


@dataclass(frozen=True, eq=False)
class Way:
    """Points that are to be decoded: requests and latent vectors, one after another. [points, width]"""

    requests: list[Request]
    points: Latents


def reconstruction(model: LatentModel, crystals: Sequence[Named], keep: bool = False) -> Way:
    """Each crystal's mean latent vector. keep: ask for its number of atoms and elements; else the heads say them."""
    requests = []
    for one in crystals:
        species = tuple(int(number) for number in one.cell.species) if keep else (0,)
        material = None if one.row is None else one.name
        units = () if keep else None
        requests.append(Request(species, one.name, "", 0, one.row, material, units=units))
    return Way(requests, model.encode([one.cell for one in crystals]))


def near(model: LatentModel, crystals: Sequence[Named], n: int, spread: float, seed: int) -> Way:
    """n points about each crystal, normal with a standard deviation of `spread` in each number."""
    means = model.encode([one.cell for one in crystals])
    noise = Noise.of(seed, torch.arange(len(crystals), device=means.device)).at(WAYS.step())
    points = means.unsqueeze(1) + spread * noise.normal(n, means.shape[1])
    requests = [_open(f"near-{one.name}", sample) for one in crystals for sample in range(n)]
    return Way(requests, points.flatten(0, 1))


def line(model: LatentModel, one: Named, other: Named, steps: int) -> Way:
    """`steps` points on the straight line between two crystals, both ends included."""
    ends = model.encode([one.cell, other.cell])
    weights = torch.linspace(0, 1, steps, device=ends.device).unsqueeze(1)
    points = ends[:1] + weights * (ends[1:] - ends[:1])
    return Way([_open(f"{one.name}-to-{other.name}", place) for place in range(steps)], points)


@dataclass(frozen=True)
class Descent:
    """How a property is optimised; the defaults are those of CDVAE.

    Attributes:
        steps: of Adam.
        rate: its learning rate.
        snapshots: points that are decoded of each way, the last one among them.
    """

    steps: int = 5000
    rate: float = 1e-3
    snapshots: int = 10

    def __post_init__(self) -> None:
        within(self, 1, 10**7, "steps", "descent.")
        within(self, 1e-9, 10.0, "rate", "descent.")
        within(self, 1, self.steps, "snapshots", "descent.")


def prior(model: LatentModel, n: int, seed: int) -> Latents:
    """n latent vectors of the prior."""
    device = next(model.parameters()).device
    return Noise.of(seed, torch.arange(n, device=device)).at(WAYS.step()).normal(model.width)


def optimised(
    model: LatentModel, starts: Latents, names: Sequence[str], aim: Aim, descent: Descent = Descent(),
    on_step: Callable[[], None] = lambda: None,
) -> Way:  # fmt: skip
    """Snapshots of the ways on which Adam takes latent vectors to the least, the largest or a given property.

    Raises ModelError for a model without a head for a property.
    """
    z = starts.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([z], lr=descent.rate)
    marks = {round((i + 1) * descent.steps / descent.snapshots) for i in range(descent.snapshots)}
    points, requests = [], []
    for step in range(1, descent.steps + 1):
        optimiser.zero_grad()
        value = model.property_of(z)
        loss = (value - aim).square() if isinstance(aim, float) else value if aim == "min" else -value
        (z.grad,) = torch.autograd.grad(loss.sum(), z)
        optimiser.step()
        if step in marks:
            points.append(z.detach().clone())
            requests += [_open(f"{name}-step-{step}", 0) for name in names]
        on_step()
    return Way(requests, torch.cat(points))


def _open(name: str, sample: int) -> Request:
    """A crystal of whatever the heads say."""
    return Request((0,), name, "", sample, units=None)
