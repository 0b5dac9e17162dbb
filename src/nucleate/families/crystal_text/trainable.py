"""A small GPT that learns these texts: two thirds whole crystals, one third a masked element.

Each time a crystal is seen it is moved by another vector, and other properties stand before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.feed import Examples, Feed
from nucleate.data.table import CrystalTable
from nucleate.elements import SYMBOLS
from nucleate.families.crystal_text.vocabulary import END, text_vocabulary
from nucleate.families.crystal_text.writing import masked, prompt, text_of
from nucleate.families.language.gpt import GPT
from nucleate.families.language.trainable import LanguageTrainable
from nucleate.geometry.noise import Noise
from nucleate.streams import TELLING

WHOLE = 0.66
"""Share of the texts that are whole crystals; in the others an element is masked."""
DRAWS = 16
"""Uniform numbers for each text."""


def training_text(
    cell: Cell, told: dict[str, float], names: Sequence[str], draws: np.ndarray
) -> tuple[str, str]:
    """A prompt and what should follow it.

    Args:
        cell: the crystal.
        told: its properties that are known.
        names: all properties that may be told; without any, half of the texts are told the formula.
        draws: uniform numbers. [DRAWS]
    """
    text = text_of(cell, draws[:3].tolist())
    counts = Counter(cell.species.tolist())
    if draws[3] >= WHOLE:
        element = int(cell.species[int(draws[4] * len(cell.species))])
        return masked(text, element), SYMBOLS[element]
    many = int(draws[4] * (len(names) + 1)) if names else int(draws[4] < 0.5)
    order = np.argsort(draws[5 : 5 + len(names)]).tolist()
    chosen = {name: told[name] for name in (names[int(i)] for i in order[:many]) if name in told}
    return prompt(counts if many else None, chosen), text


class TextTrainable(LanguageTrainable):
    """network: with the words of `text_vocabulary(conditions)`."""

    typical = 150.0

    def __init__(self, network: GPT, conditions: tuple[str, ...] = ()) -> None:
        super().__init__(network, conditions)
        self.vocabulary = text_vocabulary(conditions)

    def examples(self, table: CrystalTable, device: torch.device) -> Examples:
        return Feed(table, device, self.conditions)

    def forward(self, **tensors: Any) -> dict[str, PerCrystal]:
        """Nats of each text with its prompt, over the typical number of words."""
        keys, condition = tensors["keys"], tensors["condition"]
        crystals = Crystals(tensors["species"], tensors["frac"], tensors["lattice"], tensors["mask"])
        written = self.texts(crystals, condition, keys)
        device = keys.device
        most = min(max(map(len, written)), self.network.settings.context)
        words = torch.zeros(len(written), most, dtype=torch.long)
        counted = torch.zeros(len(written), most, dtype=torch.bool)
        for row, one in enumerate(written):
            words[row, : len(one)] = torch.tensor(one[:most])
            counted[row, : len(one)] = True
        nats = self.nats(words.to(device), counted[:, 1:].to(device), keys[0])
        return {"text": nats / self.typical}

    def texts(self, crystals: Crystals, condition: Tensor | None, keys: Tensor) -> list[list[int]]:
        """Words of a text for each crystal, as the keys decide."""
        pairs = training_pairs(crystals, condition, self.conditions, keys)
        return [[*self.vocabulary.encode(before + after), self.vocabulary[END]] for before, after in pairs]


def training_pairs(
    crystals: Crystals, condition: Tensor | None, names: Sequence[str], keys: Tensor
) -> list[tuple[str, str]]:
    """A prompt and what should follow it for each crystal of a batch. condition: [crystals, names], NaN if unknown."""
    draws = Noise(keys).at(TELLING.step()).uniform(DRAWS).double().cpu().numpy()
    rows = [[]] * len(draws) if condition is None else condition.tolist()
    told = [{name: value for name, value in zip(names, row, strict=False) if value == value} for row in rows]
    return [
        training_text(cell, known, names, own)
        for cell, known, own in zip(crystals.cells(), told, draws, strict=True)
    ]
