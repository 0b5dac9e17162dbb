"""Guidance by the gradient of a predictor: any differentiable objective steers any model of crystals.

    p(x | y) ~ p(x) exp(w f(x)),    score + w df/dx

(Dhariwal and Nichol 2021, arXiv 2105.05233), where f is asked either on the noised state itself (`state`, for
predictors that know noise) or on the clean crystal expected from it (`endpoint`, Chung et al. 2022, arXiv 2209.14687,
with the gradient through the network: one more evaluation and its backward pass). Each process turns the gradient into
a change of its own prediction (`Process.tilted`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.errors import RecipeError
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.properties.objectives import Objective
from nucleate.properties.views import expected, leaves_of, seen
from nucleate.sampling.guidance import Ask, Guidance, Predictions


@dataclass(frozen=True)
class GradientSettings:
    """How a gradient steers.

    Attributes:
        weight: of the objective; 0 for no guidance.
        on: ask the objective on the noised `state`, or on the clean crystal at the `endpoint`.
        clip: largest change of a prediction, relative to the model's own answer, for each crystal and quantity; None
            for no limit.
        start, stop: times between which it steers.
        quantities: which processes are steered.
    """

    weight: float = 1.0
    on: Literal["state", "endpoint"] = "endpoint"
    clip: float | None = 1.0
    start: float = 0.0
    stop: float = 1.0
    quantities: tuple[str, ...] = ("species", "frac", "lattice")

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1e6:
            raise RecipeError(
                f"a weight of guidance is at least 0; got {self.weight}", "turn the objective round instead"
            )
        if self.clip is not None and not 0 < self.clip <= 1e6:
            raise RecipeError(f"clip = {self.clip} can't be", "give a number above 0, or None for no limit")
        if not 0 <= self.start < self.stop <= 1:
            raise RecipeError(
                f"guidance can't act from t = {self.start} to {self.stop}",
                "give times between 0 and 1, the first lower",
            )


def guided(
    model: CrystalModel, mask: Mask, objective: Objective, settings: GradientSettings = GradientSettings()
) -> Guidance:
    """The guidance of one batch, for `sampling.loop`.

    Args:
        model: which is steered.
        mask: of the batch.
        objective: see `properties.objectives`, or any other.
    """

    def steer(predictions: Predictions, states: States, t: PerCrystal, ask: Ask) -> Predictions:
        now = (settings.start <= t) & (t <= settings.stop)
        if settings.weight == 0 or not bool(now.any()):
            return predictions
        gradient = slope(model, mask, objective, settings.on, states, t, ask)
        changed = dict(predictions)
        for name in settings.quantities:
            if name in predictions and name in gradient:
                own, process = predictions[name], model.processes[name]
                scaled = {part: settings.weight * x for part, x in gradient[name].items()}
                change = process.tilted(states[name], own, scaled, t, mask) - own
                changed[name] = own + _limited(change, own, now, mask, settings.clip, process.level == "atom")
        return changed

    return steer


def slope(
    model: CrystalModel, mask: Mask, objective: Objective, on: Literal["state", "endpoint"], states: States,
    t: PerCrystal, ask: Ask,
) -> States:  # fmt: skip
    """The gradient of the objective with respect to the states; zero for crystals where it is not finite."""
    with torch.enable_grad():
        leaves = leaves_of(states, mask)
        if on == "state":
            value = objective(seen(model, leaves, t, mask), t)
        else:
            told = ask(_fed(leaves, states), t)
            value = objective(expected(model, leaves, states, told, t, mask), torch.ones_like(t))
        where = [(name, part) for name, state in leaves.items() for part in state]
        found = torch.autograd.grad(
            value.sum(), [leaves[name][part] for name, part in where], allow_unused=True
        )
    out: States = {name: {} for name in leaves}
    for (name, part), x in zip(where, found, strict=True):
        x = torch.zeros_like(leaves[name][part]) if x is None else x
        sound = x.flatten(1).isfinite().all(1).reshape(-1, *(1,) * (x.ndim - 1))
        out[name][part] = torch.where(sound, x, 0.0)
    return out


def _fed(leaves: States, states: States) -> States:
    """What the network is given: leaves, but atomic numbers where leaves are their probabilities."""
    return {
        name: {part: leaves[name][part] if x.is_floating_point() else x for part, x in state.items()}
        for name, state in states.items()
    }


def _limited(
    change: Tensor, own: Tensor, now: Tensor, mask: Mask, clip: float | None, of_atoms: bool
) -> Tensor:
    """A change within the limit, and zero outside the interval of times."""
    if clip is not None:
        size, limit = (_norm(x, mask, of_atoms) for x in (change, own))
        factor = (clip * limit / size.clamp(min=1e-12)).clamp(max=1.0)
        change = change * factor.reshape(-1, *(1,) * (change.ndim - 1))
    return torch.where(now.reshape(-1, *(1,) * (change.ndim - 1)), change, 0.0)


def _norm(x: Tensor, mask: Mask, of_atoms: bool) -> PerCrystal:
    return (x * mask.unsqueeze(-1) if of_atoms else x).flatten(1).norm(dim=1)
