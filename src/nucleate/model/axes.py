"""Consistency under a renaming of the cell's axes (EquiCSP, Lin et al. 2024).

A cell may name its axes in six ways. The lattice and the coordinates of what the network is shown are permuted, and
its answer should be the permuted answer. Works on inputs and predictions, whatever the processes, for codecs that
can permute (`LatticeCodec.permuted`).
"""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.codecs.base import LatticeCodec
from nucleate.geometry.noise import Noise
from nucleate.geometry.tables import Table

ORDERS = list(permutations(range(3)))[1:]
"""The orders that are not the present one."""
_TABLE = Table(torch.tensor(ORDERS))


def random_orders(noise: Noise) -> Tensor:
    """One of ORDERS for each crystal. [crystals, 3]"""
    chosen = (noise.uniform(1).squeeze(1) * len(ORDERS)).long().clamp(max=len(ORDERS) - 1)
    return _TABLE.on(chosen.device)[chosen]


def permuted(tensors: dict[str, Tensor], order: Tensor, codec: LatticeCodec) -> dict[str, Tensor]:
    """Inputs or predictions as they are with the axes in another order; names without axes stay."""
    moved = dict(tensors)
    for name in ("frac", "velocity"):
        if name in tensors:
            triples = tensors[name].unflatten(-1, (-1, 3))
            index = order[:, None, None, :].expand(triples.shape)
            moved[name] = triples.gather(-1, index).flatten(-2)
    if "cell" in tensors:
        moved["cell"] = tensors["cell"].gather(1, order.unsqueeze(-1).expand(-1, -1, 3))
    if "lattice" in tensors:
        blocks = tensors["lattice"].split(codec.width, -1)
        moved["lattice"] = torch.cat([codec.permuted(block, order) for block in blocks], -1)
    return moved


def disagreement(one: dict[str, Tensor], other: dict[str, Tensor], mask: Mask) -> PerCrystal:
    """Mean squared difference of two answers, summed over the names. [crystals]"""
    total = torch.zeros(mask.shape[:1], device=mask.device)
    for name, value in one.items():
        square = (value.float() - other[name].float()).square().mean(-1)
        if square.ndim == 2:
            square = (square * mask).sum(1) / mask.sum(1).clamp(min=1)
        total = total + square
    return total
