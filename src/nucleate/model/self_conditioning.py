"""Self-conditioning (Chen, Zhang and Hinton 2022, arXiv 2208.04202): the network is shown its last guess of the data.

An option of any model and any network: the guess widens inputs that networks have already. Of the coordinates it is
the shortest displacement to the guess, mean-free over the crystal, beside the velocities; of the lattice and of vector
species it stands behind what is there. Where there is no guess yet it is zero. Discrete species are not shown.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.geometry.torus import TAU, centre, wrap
from nucleate.networks.base import Shown


def with_guess(inputs: dict[str, Tensor], guess: dict[str, Tensor] | None, mask: Mask) -> dict[str, Tensor]:
    """The inputs of a network with a guess of the data, by the names of the processes.

    guess: `frac` in cell units, `lattice` and `species` as their processes have them, and optionally `shown`
    [crystals, 1], False where the guess is hidden. None hides all of it.
    """
    guess = guess or {}
    shown = guess.get("shown")
    displacement = torch.zeros_like(inputs["frac"])
    if "frac" in guess:
        displacement = centre(wrap(TAU * (guess["frac"] - inputs["frac"])) / TAU, mask)
    widened = dict(inputs)
    velocity = [inputs["velocity"]] if "velocity" in inputs else []
    widened["velocity"] = torch.cat([*velocity, _only(displacement, shown)], -1)
    for name in ("lattice", "species"):
        x = inputs[name]
        if x.is_floating_point():
            last = _only(guess.get(name, torch.zeros_like(x)), shown)
            widened[name] = torch.cat([x, last.to(x.dtype)], -1)
    return widened


def shown_by(inputs: dict[str, Tensor], self_conditioning: bool) -> Shown:
    """What a network is shown by inputs without a guess, with one beside them under self-conditioning."""
    found = {
        name: inputs[name].shape[-1] if name in inputs and inputs[name].is_floating_point() else 0
        for name in ("lattice", "species", "velocity")
    }
    if self_conditioning:
        found = {name: 2 * width for name, width in found.items()} | {"velocity": found["velocity"] + 3}
    return Shown(found["lattice"], found["species"], found["velocity"])


def _only(x: Tensor, shown: Tensor | None) -> Tensor:
    """x where it is shown, zero elsewhere."""
    if shown is None:
        return x
    return x * shown.reshape(-1, *(1,) * (x.ndim - 1))
