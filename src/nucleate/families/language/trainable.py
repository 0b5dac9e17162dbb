"""What language models of crystals share in training: the loss of padded texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from nucleate.arrays import PerCrystal
from nucleate.data.described import Described, columns_of
from nucleate.data.feed import Examples
from nucleate.families.language.gpt import GPT
from nucleate.model.trainable import Trainable, repeatable


class TextExamples(Examples):
    """Texts as numbers of words, with what is told of each.

    texts: one or more words each. condition: [texts, columns]; None where nothing is told.
    """

    def __init__(
        self,
        ids: list[str],
        texts: Sequence[Sequence[int]],
        condition: np.ndarray | None,
        device: torch.device,
    ) -> None:
        self.ids, self.device = ids, device
        self.sizes = np.array([len(text) for text in texts])
        self.words = torch.tensor(np.concatenate([np.array(text) for text in texts]), device=device)
        self.first = torch.tensor(np.cumsum(self.sizes) - self.sizes, device=device)
        self.length = torch.tensor(self.sizes, device=device)
        self.condition = None if condition is None else torch.tensor(condition, device=device).float()

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Tensor | None]:
        place = torch.arange(size, device=self.device)
        mask = place < self.length[indices, None]
        at = torch.where(mask, self.first[indices, None] + place, 0)
        condition = None if self.condition is None else self.condition[indices]
        return {"words": torch.where(mask, self.words[at], 0), "mask": mask, "condition": condition}


class LanguageTrainable(Trainable):
    """A GPT that learns texts of crystals.

    Attributes:
        network: the GPT.
        described: how each property it is told is read.
        columns: of the properties in a batch.
        typical: words of a text; the loss is nats for each text divided by it, so that every word counts alike.
    """

    typical: float = 300.0

    def __init__(
        self,
        network: GPT,
        conditions: tuple[str, ...] = (),
        described: tuple[tuple[str, Described], ...] = (),
    ) -> None:
        super().__init__()
        self.network, self.conditions, self.described = network, conditions, described
        self.columns = columns_of(described) or conditions

    def nats(
        self,
        words: Int[Tensor, "texts places"],
        counted: Tensor,
        key: Tensor,
        condition: Float[Tensor, "texts columns"] | None = None,
    ) -> PerCrystal:
        """Minus log-probability of the words that are counted, [texts, places] without the first place.

        key: of the dropout, so that a resumed run repeats itself.
        """
        with (
            repeatable(int(key) if self.training else 0),
            torch.autocast(words.device.type, torch.bfloat16, enabled=self.bf16),
        ):
            logits = self.network(words[:, :-1], None, condition)
        nats = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2), words[:, 1:], reduction="none"
        )
        return (nats * counted).sum(1)
