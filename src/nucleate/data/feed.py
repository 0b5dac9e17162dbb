"""What a model is trained on, on its device: a step uploads indices and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.crystals import Crystals, wrap
from nucleate.data.table import CrystalTable

Shown = dict[str, Tensor | None]
"""Examples by the names that the model's `forward` has for them."""


class Examples(ABC):
    """A split as a model learns from it: crystals, sequences, pairs.

    Attributes:
        sizes: length of each example, which decides what shares a batch: its atoms or tokens. [examples]
        ids: what each is called in messages.
        device: where batches are.
    """

    sizes: np.ndarray
    ids: list[str]
    device: torch.device

    @abstractmethod
    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> Shown:
        """The examples at these indices (on the device), padded to this size, by the names that the model's `forward`
        has for them. No transfer, no wait."""

    def varied(self, tensors: Shown, keys: Int[Tensor, " examples"]) -> Shown:
        """What a training step learns from in the place of `tensors` with what the model has drawn for them, by the
        keys of its noise. [examples]"""
        return tensors

    def upload(self, values: Tensor) -> Tensor:
        """A small tensor to the device, without waiting for it."""
        if self.device.type != "cuda":
            return values.to(self.device)
        return values.pin_memory().to(self.device, non_blocking=True)


class Feed(Examples):
    """A split of crystals in columns on one device; `batch` gives what `CrystalTable.batch` gives, bit for bit."""

    def __init__(self, table: CrystalTable, device: torch.device, conditions: Sequence[str] = ()) -> None:
        self.device = device
        self.sizes, self.ids = table.sizes, table.ids
        self.species = torch.tensor(table.species).to(device)
        self.frac = wrap(torch.tensor(table.frac).float()).to(device)
        self.lattice = torch.tensor(table.lattice).float().to(device)
        self.atoms = torch.tensor(table.sizes).to(device)
        self.first = torch.tensor(table.offsets[:-1]).to(device)
        self.condition = torch.tensor(table.numbers(conditions)).float().to(device) if conditions else None

    def batch(self, indices: Int[Tensor, " crystals"], atoms: int) -> Crystals:
        """The crystals at these indices (on the device), padded to so many atoms. No transfer, no wait."""
        position = torch.arange(atoms, device=self.device)
        mask = position < self.atoms[indices].unsqueeze(-1)
        atom = torch.where(mask, self.first[indices].unsqueeze(-1) + position, 0)
        species = torch.where(mask, self.species[atom], 0)
        frac = torch.where(mask.unsqueeze(-1), self.frac[atom], 0.0)
        condition = None if self.condition is None else self.condition[indices]
        return Crystals(species, frac, self.lattice[indices], mask, condition)

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> Shown:
        return vars(self.batch(indices, size))
