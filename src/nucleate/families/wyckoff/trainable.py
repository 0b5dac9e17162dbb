"""The network with its losses, as the training loop knows it, and the volumes of elements for drawn cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.data.feed import Examples
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import DataError, StructureError
from nucleate.families.wyckoff.loss import negative_log_likelihood
from nucleate.families.wyckoff.model import WyckoffModel
from nucleate.families.wyckoff.network import WyckoffNetwork
from nucleate.families.wyckoff.sequences import Sequences, Told
from nucleate.model.trainable import Trainable, repeatable
from nucleate.streams import PROMPTS
from nucleate.symmetry.finding import find_sites
from nucleate.symmetry.sites import Sites

RIDGE = 0.3
"""Weight of each element's prior volume, in crystals of that element."""
GOLDEN = 0.6180339887498949


class SequenceExamples(Examples):
    """A split as canonical Wyckoff sequences; crystals of more atoms than the model draws are left out."""

    def __init__(self, table: CrystalTable, most: int, device: torch.device) -> None:
        found = [(name, sites) for name, sites in _found(table) if sites.atoms <= most]
        if not found:
            raise DataError(f"no crystal has {most} atoms or fewer in its primitive cell", "raise 'most'")
        self.device, self.ids = device, [name for name, _ in found]
        self.sequences = Sequences.of([sites for _, sites in found])
        # Two steps before the first site.
        self.sizes = self.sequences.sites.numpy() + 2

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Tensor | None]:
        all_of, sites = self.sequences, size - 2
        return {
            "group": all_of.group[indices],
            "position": all_of.position[indices, :sites],
            "element": all_of.element[indices, :sites],
            "asked": all_of.asked[indices],
            "counts": all_of.counts[indices],
        }


class WyckoffTrainable(Trainable):
    """Learns sequences.

    Attributes:
        network: the transformer.
        most: atoms in the primitive cell.
        volumes: of an atom of each element, Å^3 by atomic number, fitted on the training split. [elements + 1]
    """

    volumes: Tensor

    def __init__(self, network: WyckoffNetwork, most: int) -> None:
        super().__init__()
        self.network, self.most = network, most
        self.register_buffer("volumes", torch.full((MAX_ATOMIC_NUMBER + 1,), 20.0))

    @property
    def sequences(self) -> WyckoffModel:
        """The model that proposes sequences and gives their likelihood."""
        return WyckoffModel(self.network, self.most)

    def fit(self, table: CrystalTable) -> None:
        """Volumes of the elements by ridge regression of the volume per atom on the composition."""
        self.volumes.copy_(torch.from_numpy(element_volumes(table)))

    def examples(self, table: CrystalTable, device: torch.device) -> SequenceExamples:
        return SequenceExamples(table, self.most, device)

    def drawn(self, seed: int, step: int, count: int) -> dict[str, Tensor]:
        """Which part of a prompt each sequence is given."""
        return {"chance": torch.from_numpy(PROMPTS.generator(seed, step).random(count))}

    def drawn_evenly(self, count: int) -> dict[str, Tensor]:
        return {"chance": (torch.arange(count, dtype=torch.float64) * GOLDEN) % 1}

    def forward(self, **tensors: Any) -> dict[str, PerCrystal]:
        """Nats of the space group, the positions and the elements of each sequence."""
        told, keys = Told.drawn(tensors.pop("chance")), tensors.pop("keys")
        with repeatable(int(keys[0])):
            nats = negative_log_likelihood(self.network, Sequences(**tensors), told, self.most)
        return dict(zip(("space_group", "position", "element"), nats.unbind(1), strict=True))


def element_volumes(table: CrystalTable) -> Float[np.ndarray, " elements"]:
    """Å^3 by atomic number; near the median of all crystals where an element is rare."""
    shares = np.zeros((len(table), MAX_ATOMIC_NUMBER + 1))
    rows = np.repeat(np.arange(len(table)), table.sizes)
    np.add.at(shares, (rows, table.species), 1 / table.sizes[rows])
    each = np.abs(np.linalg.det(table.lattice)) / table.sizes
    prior = np.median(each)
    normal = shares.T @ shares + RIDGE * np.eye(shares.shape[1])
    return np.maximum(prior + np.linalg.solve(normal, shares.T @ (each - prior)), 1.0)


def _found(table: CrystalTable) -> list[tuple[str, Sites]]:
    """Names and sites of all crystals with a space group."""
    found = []
    for row, name in enumerate(table.ids):
        try:
            found.append((name, find_sites(table.cell(row)).canonical()))
        except StructureError:
            continue
    return found
