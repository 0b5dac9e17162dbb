"""What a network is shown of a condition: the numbers, and which of them are there.

A number that is not known, of a crystal in training or of a request, is NaN: a network that reads it without looking at
`present` is found out at its first step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nucleate.arrays import Conditions, Mask
from nucleate.data.described import Described
from nucleate.errors import ModelError
from nucleate.geometry.noise import Noise
from nucleate.streams import HIDING

HIDDEN_SHARE = 0.2


def with_condition(
    inputs: dict[str, Tensor], condition: Conditions | None, names: Sequence[str], mask: Mask
) -> dict[str, Tensor]:
    """The inputs of a network with `condition` [crystals, columns] and `present`, False where it is NaN.

    names: of the columns. None is a condition of which nothing is known. A model without names shows neither. Raises
    ModelError for a condition of another width.
    """
    if not names:
        return inputs
    if condition is None:
        condition = torch.full((len(mask), len(names)), torch.nan, device=mask.device)
    if condition.shape[1] != len(names):
        raise ModelError(
            f"a condition of {condition.shape[1]} numbers, and the model is told {', '.join(names)}",
            "give one number for each, NaN for what is not asked",
        )
    return {**inputs, "condition": condition, "present": ~condition.isnan()}


def hidden(
    condition: Conditions | None, conditions: Sequence[tuple[str, Described]], noise: Noise
) -> Conditions | None:
    """The condition of training crystals with each of its conditions hidden now and then, independently, so that a
    network learns every subset of them, and none at all (classifier-free guidance, arXiv 2207.12598)."""
    if condition is None or not conditions:
        return condition
    draws = Noise(noise.keys).at(HIDING.step()).uniform(len(conditions)) < HIDDEN_SHARE
    widths = torch.tensor([one.width for _, one in conditions], device=condition.device)
    return condition.masked_fill(draws.repeat_interleave(widths, 1), torch.nan)
