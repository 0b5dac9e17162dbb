"""Labelled crystals as a predictor learns from them."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable


class PropertyExamples(Feed):
    """Crystals with labels, and which members of an ensemble see each."""

    def __init__(
        self, table: CrystalTable, labels: Float[Tensor, "crystals columns"], members: int, left_out: float,
        device: torch.device,
    ) -> None:  # fmt: skip
        """left_out: share of the crystals that a member does not see; one member alone sees all."""
        super().__init__(table, device)
        self.labels = labels.to(device)
        self.seen = _seen(table.ids, members, left_out).to(device)

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Tensor | None]:
        more = {"labels": self.labels[indices], "seen": self.seen[indices]}
        return {**super().tensors(indices, size), **more}


def _seen(ids: list[str], members: int, left_out: float) -> Float[Tensor, "crystals members"]:
    """1 where a member sees a crystal, by the hash of its name."""
    if members == 1:
        return torch.ones(len(ids), 1)
    rows = [list(hashlib.sha256(f"member:{name}".encode()).digest()[:members]) for name in ids]
    return (torch.tensor(rows).reshape(len(ids), members) >= 256 * left_out).float()
