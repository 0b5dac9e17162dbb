"""What a network is shown of a condition: the numbers, and which of them are there.

A number that is not known, of a crystal in training or of a request, is NaN: a network that reads it without looking at
`present` is found out at its first step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nucleate.arrays import Conditions, Mask
from nucleate.errors import ModelError


def with_condition(
    inputs: dict[str, Tensor], condition: Conditions | None, names: Sequence[str], mask: Mask
) -> dict[str, Tensor]:
    """The inputs of a network with `condition` [crystals, conditions] and `present`, False where it is NaN.

    None is a condition of which nothing is known. A model without names shows neither. Raises ModelError for a
    condition of another width.
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
