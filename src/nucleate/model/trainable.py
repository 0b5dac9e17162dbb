"""What can be trained: examples in, losses out. The trainer knows nothing else of a model.

It stands beside `CrystalModel`, the first of them, and below the loop in training/.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nucleate.arrays import PerCrystal
from nucleate.data.feed import Examples, Feed
from nucleate.data.table import CrystalTable


@contextmanager
def repeatable(key: int) -> Iterator[None]:
    """Dropout as a function of a step's key, so that a resumed run repeats itself. What others draw from torch's
    generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key)
        yield


class Trainable(nn.Module, ABC):
    """A model with losses. A subclass writes `forward`; the rest has defaults for a model of crystals.

    Attributes:
        conditions: names of the properties of the data set that it is told of each crystal.
        bf16: take the network's products in bfloat16, where it knows how to; losses are float32 in any case. A run
            sets it.
    """

    conditions: tuple[str, ...] = ()
    bf16: bool = False

    @abstractmethod
    def forward(self, **tensors: Any) -> dict[str, PerCrystal]:
        """Each loss by its name, one number for each example.

        Called with what `Examples.tensors` gives, what was `drawn`, and `keys`: those of the noise of each example
        (`geometry.noise.Noise`), a function of seed, step and example.
        """

    def fit(self, table: CrystalTable) -> None:
        """Take statistics from the training split, before anything is trained. Raises DataError where it has none."""

    def examples(self, table: CrystalTable, device: torch.device) -> Examples:
        """A split as this model learns from it."""
        return Feed(table, device, self.conditions)

    def drawn(self, seed: int, step: int, count: int) -> dict[str, Tensor]:
        """What is drawn for all examples of a training step together, such as times: tensors on the CPU with a row for
        each of `count` examples, by the names that `forward` has for them. A function of seed and step."""
        return {}

    def drawn_evenly(self, count: int) -> dict[str, Tensor]:
        """The same for validation: always the same rows, which cover evenly what `drawn` draws from."""
        return {}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """What is minimised: a sum of the losses."""
        return torch.stack(list(losses.values())).sum(0)

    def settle(self) -> None:
        """Take statistics that depend on the weights: called with those that are about to be saved as a model."""

    def facts(self) -> dict[str, Any]:
        """What its card says of the labels that it has seen, by name."""
        return {}

    def compile_parts(self) -> None:
        """Let torch.compile build what takes the time, for `training.compile`."""
        for part in self.children():
            part.compile(dynamic=True)
