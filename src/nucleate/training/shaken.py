"""Training crystals whose atoms stand a little beside their places.

In a half of the examples all coordinates get normal noise of one width, so that a network does not learn by heart to
which digit a place is known (MaskGXT, arXiv 2606.22866, where it is a third of a bin).
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.data.feed import Examples, Shown
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import by_processes
from nucleate.model.trainable import Trainable
from nucleate.streams import SHAKING

SHARE = 0.5


def check_shaking(model: Trainable, width: float) -> None:
    """Raise RecipeError for a model that does not learn from coordinates under noise."""
    if width:
        by_processes(model, "training.shake", width)


class Shaken(Examples):
    """A split of crystals whose atoms `varied` moves, by noise of this width in units of the cell."""

    def __init__(self, plain: Examples, width: float) -> None:
        self.plain, self.width = plain, width
        self.sizes, self.ids, self.device = plain.sizes, plain.ids, plain.device

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> Shown:
        return self.plain.tensors(indices, size)

    def varied(self, tensors: Shown, keys: Int[Tensor, " examples"]) -> Shown:
        tensors = self.plain.varied(tensors, keys)
        frac, mask = tensors["frac"], tensors["mask"]
        assert frac is not None
        assert mask is not None
        noise = Noise(keys).at(SHAKING.step())
        moved = frac + self.width * noise.normal(frac.shape[1], 3).to(frac)
        chosen = (noise.uniform(1) < SHARE).unsqueeze(-1) & mask.unsqueeze(-1)
        return {**tensors, "frac": torch.where(chosen, torch.remainder(moved, 1), frac)}
