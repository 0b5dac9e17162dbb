"""Pairs of atoms from two sets: the assignment of least total cost in each crystal.

The minimum-permutation coupling of OMatG (arXiv 2502.02582); Kuhn's Hungarian method, by scipy.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nucleate.arrays import Mask, PerAtom


def squared_distances(one: PerAtom, other: PerAtom, periodic: bool) -> Float[Tensor, "crystals atoms atoms"]:
    """|one_i - other_j|^2 within each crystal; between nearest images, in units of the cell, where periodic."""
    gaps = one.unsqueeze(2) - other.unsqueeze(1)
    return ((gaps - gaps.round()) if periodic else gaps).square().sum(-1)


def assign(cost: Float[Tensor, "crystals atoms atoms"], mask: Mask) -> Int[Tensor, "crystals atoms"]:
    """The atom j assigned to each atom i, such that the sum of cost[i, j] over the real atoms is least.

    A permutation of the real atoms among themselves; padding keeps its place. Raises ValueError if a cost between real
    atoms is not finite.
    """
    from scipy.optimize import linear_sum_assignment

    atoms = mask.shape[1]
    chosen = torch.arange(atoms).repeat(len(mask), 1)
    for row, table, real in zip(chosen, cost.detach().double().cpu(), mask.cpu(), strict=True):
        own = real.nonzero().flatten()
        table = table[own][:, own]
        if not bool(torch.isfinite(table).all()):
            raise ValueError("the costs of an assignment must be finite; check the coordinates")
        _, columns = linear_sum_assignment(table.numpy())
        row[own] = own[torch.from_numpy(columns)]
    return chosen.to(mask.device)
