"""Sequences as padded arrays: what a network learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from nucleate.errors import DataError
from nucleate.families.wyckoff.network import Steps
from nucleate.families.wyckoff.vocabulary import MOST_ATOMS, UNKNOWN, UNUSED, USED, vocabulary
from nucleate.symmetry.sites import Sites


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences of sites, padded with zeros.

    Attributes:
        group: number of the space group. [sequences]
        position: serial numbers. [sequences, sites]
        element: atomic numbers. [sequences, sites]
        asked: the elements of each, by atomic number. [sequences, elements]
        counts: atoms of each of them in the primitive cell. [sequences, elements]
    """

    group: Int[Tensor, " sequences"]
    position: Int[Tensor, "sequences sites"]
    element: Int[Tensor, "sequences sites"]
    asked: Int[Tensor, "sequences elements"]
    counts: Int[Tensor, "sequences elements"]

    def __len__(self) -> int:
        return len(self.group)

    @property
    def sites(self) -> Int[Tensor, " sequences"]:
        """How many sites each has."""
        return (self.position > 0).sum(1)

    @property
    def most(self) -> int:
        """Atoms of the largest primitive cell."""
        return int(self.counts.sum(1).max())

    def __getitem__(self, rows: Tensor | slice) -> Sequences:
        """Some of the sequences, without columns that are empty in all of them."""
        position, asked = self.position[rows], self.asked[rows]
        sites, elements = int((position > 0).sum(1).max()), int((asked > 0).sum(1).max())
        return Sequences(
            self.group[rows],
            position[:, :sites],
            self.element[rows, :sites],
            asked[:, :elements],
            self.counts[rows, :elements],
        )

    @classmethod
    def of(cls, every: Sequence[Sites]) -> Sequences:
        """From sites, which are sorted here. Raises DataError without any, and for cells larger than MOST_ATOMS."""
        if not every:
            raise DataError("there are no Wyckoff sequences to learn from", "give a data set with crystals")
        every = [sites.sorted() for sites in every]
        largest = max(sites.atoms for sites in every)
        if largest > MOST_ATOMS:
            raise DataError(
                f"a crystal has {largest} atoms; sequences know {MOST_ATOMS}", "leave larger cells out"
            )
        length = max(len(sites.letters) for sites in every)
        width = max(len(sites.counts) for sites in every)
        table = vocabulary().position.numpy()
        position, element = np.zeros((2, len(every), length), dtype=np.int64)
        asked, counts = np.zeros((2, len(every), width), dtype=np.int64)
        for row, sites in enumerate(every):
            letters = sites.group.letters
            filled = len(sites.letters)
            position[row, :filled] = [table[sites.number, letters.index(letter)] for letter in sites.letters]
            element[row, :filled] = sites.species
            asked[row, : len(sites.counts)] = list(sites.counts)
            counts[row, : len(sites.counts)] = list(sites.counts.values())
        group = torch.tensor([sites.number for sites in every])
        return cls(group, *map(torch.from_numpy, (position, element, asked, counts)))


@dataclass(frozen=True, eq=False)
class Told:
    """Which parts of the prompt each sequence is given: a formula, or its elements, or its number of atoms, or nothing.

    Attributes:
        formula, elements, atoms: [sequences]
    """

    formula: Bool[Tensor, " sequences"]
    elements: Bool[Tensor, " sequences"]
    atoms: Bool[Tensor, " sequences"]

    @classmethod
    def drawn(cls, chance: torch.Tensor) -> Told:
        """From uniform numbers [sequences]: 0.4 a formula, 0.3 nothing, 0.1 each of atoms, elements and both."""
        atoms = ((chance >= 0.4) & (chance < 0.5)) | (chance >= 0.9)
        elements = ((chance >= 0.5) & (chance < 0.6)) | (chance >= 0.9)
        return cls(chance < 0.4, elements, atoms)

    @classmethod
    def alike(
        cls, sequences: int, formula: bool = False, elements: bool = False, atoms: bool = False
    ) -> Told:
        """The same for all."""
        return cls(*(torch.full((sequences,), told) for told in (formula, elements, atoms)))


def steps_of(sequences: Sequences, told: Told) -> Steps:
    """What each step is told; one step more than sites for the group, one for the prompt alone."""
    words = vocabulary()
    number, sites = sequences.position.shape
    start = torch.zeros(number, 2, dtype=torch.long)
    group = sequences.group[:, None].repeat(1, sites + 2)
    group[:, 0] = 0
    size = words.size[sequences.position]
    placed = torch.cat([start, size.cumsum(1)], 1)
    known = told.formula | told.atoms
    total = torch.where(known[:, None], sequences.counts.sum(1, keepdim=True) - placed, UNKNOWN)
    mine = (sequences.element[:, :, None] == sequences.asked[:, None]) & (sequences.asked[:, None] > 0)
    used = torch.cat([start[:, :, None].repeat(1, 1, mine.shape[-1]), (mine * size[:, :, None]).cumsum(1)], 1)
    left = sequences.counts[:, None] - used
    amount = torch.where(told.formula[:, None, None], left, torch.where(used > 0, USED, UNUSED))
    asked = torch.where((told.formula | told.elements)[:, None], sequences.asked, 0)[:, None].expand_as(
        amount
    )
    return Steps(
        group,
        torch.cat([start, sequences.position], 1),
        torch.cat([start, sequences.element], 1),
        placed,
        total,
        asked,
        torch.where(asked > 0, amount, 0),
    )
