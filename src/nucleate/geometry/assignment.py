"""Which of two sets of atoms belong together: the assignment of least total cost, for each crystal by itself.

The minimum-permutation coupling of OMatG (arXiv 2502.02582); Kuhn's Hungarian method as scipy has it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nucleate.arrays import Mask, PerAtom


def squared_distances(one: PerAtom, other: PerAtom, periodic: bool) -> Float[Tensor, "crystals atoms atoms"]:
    """|one_i - other_j|^2 within each crystal; of the nearest images, in units of the cell, where periodic."""
    gaps = one.unsqueeze(2) - other.unsqueeze(1)
    return ((gaps - gaps.round()) if periodic else gaps).square().sum(-1)


def assign(cost: Float[Tensor, "crystals atoms atoms"], mask: Mask) -> Int[Tensor, "crystals atoms"]:
    """For each atom i the j that it is given, such that the sum of cost[i, j] over the real atoms is least.

    A permutation of the real atoms among themselves; padding keeps its place. Raises ValueError where a cost between
    real atoms is not finite.
    """
    from scipy.optimize import linear_sum_assignment

    atoms = mask.shape[1]
    chosen = torch.arange(atoms).repeat(len(mask), 1)
    for row, table, real in zip(chosen, cost.detach().double().cpu(), mask.cpu(), strict=True):
        own = real.nonzero().flatten()
        table = table[own][:, own]
        if not bool(torch.isfinite(table).all()):
            raise ValueError("the costs of an assignment are not finite; check the coordinates")
        _, columns = linear_sum_assignment(table.numpy())
        row[own] = own[torch.from_numpy(columns)]
    return chosen.to(mask.device)
