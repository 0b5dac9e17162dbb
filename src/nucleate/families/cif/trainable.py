"""A GPT that learns CIF texts: each crystal is one text, from its beginning to its end."""

from __future__ import annotations

from typing import Any

import torch

from nucleate.arrays import PerCrystal
from nucleate.data.conditions import told
from nucleate.data.described import Described
from nucleate.data.table import CrystalTable
from nucleate.elements import SYMBOLS
from nucleate.errors import DataError
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.cif.writing import sites_of, written
from nucleate.families.language.gpt import GPT
from nucleate.families.language.trainable import LanguageTrainable, TextExamples
from nucleate.geometry.noise import Noise
from nucleate.model.condition import hidden


class CifTrainable(LanguageTrainable):
    """most: atoms in the primitive cell; larger crystals are left out, as are texts longer than the context, and
    elements without a word."""

    typical = 350.0

    def __init__(
        self, network: GPT, most: int, conditions: tuple[str, ...] = (),
        described: tuple[tuple[str, Described], ...] = (),
    ) -> None:  # fmt: skip
        super().__init__(network, conditions, described)
        self.most = most

    def examples(self, table: CrystalTable, device: torch.device) -> TextExamples:
        rows, texts = [], []
        for row in range(len(table)):
            words = self.words_of(table, row)
            if words is not None:
                rows.append(row)
                texts.append(words)
        if not rows:
            raise DataError(
                f"no crystal has {self.most} atoms or fewer and a text of up to {self.network.settings.context} "
                "words",
                "raise 'most' and 'gpt.context'",
            )
        shown = told(table, self.described)
        condition = shown.numbers(self.columns)[rows] if self.columns else None
        return TextExamples([table.ids[row] for row in rows], texts, condition, device)

    def words_of(self, table: CrystalTable, row: int) -> list[int] | None:
        """The text of a crystal; None where it is left out."""
        vocabulary, cell = cif_vocabulary(), table.cell(row)
        if any(SYMBOLS[number] not in vocabulary for number in set(cell.species.tolist())):
            return None
        sites = sites_of(cell)
        if sites.atoms > self.most:
            return None
        words = vocabulary.encode(written(sites))
        return words if len(words) <= self.network.settings.context else None

    def forward(self, **tensors: Any) -> dict[str, PerCrystal]:
        """Nats of each text, over the typical number of words."""
        words, mask, keys = tensors["words"], tensors["mask"], tensors["keys"]
        condition = tensors["condition"]
        if self.training:
            condition = hidden(condition, self.described, Noise(keys))
        return {"text": self.nats(words, mask[:, 1:], keys[0], condition) / self.typical}
