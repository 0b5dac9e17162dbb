"""Classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598), with a weight for each condition.

    answer = base + sum_i (1 + w_i) (told_i - base)

where `base` is what the network says when it is told nothing and `told_i` when it is told condition i alone, whatever
it predicts: velocities, scores, clean data, logits. With one condition this is the published (1 + w) told - w base.
All of them are evaluated in one batch. Outside a condition's interval of times (Kynkäänniemi et al. 2024, arXiv
2404.07724) its weight is 0; a crystal without any weight is told all its conditions at once, as without guidance.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nucleate.arrays import Conditions, Mask, PerCrystal
from nucleate.data.described import Described
from nucleate.model.constraint import Predictions, States
from nucleate.model.crystal_model import CrystalModel
from nucleate.sampling.request import Request

Weights = Float[Tensor, "crystals names"]


class ClassifierFree:
    """The guidance of one batch.

    Attributes:
        weights: of each condition of the model for each crystal, 0 for none. [crystals, names]
        begin, end: the times between which each holds. [crystals, names]
        columns: which columns of a batch's condition belong to each condition. [names, columns]
    """

    def __init__(
        self, weights: Weights, begin: Weights, end: Weights, columns: Bool[Tensor, "names columns"]
    ) -> None:
        self.weights, self.begin, self.end, self.columns = weights, begin, end, columns

    @classmethod
    def of(
        cls, requests: Sequence[Request], described: Sequence[tuple[str, Described]], names: Sequence[str],
        device: torch.device,
    ) -> ClassifierFree | None:  # fmt: skip
        """What the requests ask for; None where none asks for any."""
        if not any(request.guidance for request in requests):
            return None
        table = torch.zeros(3, len(requests), len(names))
        for row, request in enumerate(requests):
            for name, *values in request.guidance:
                table[:, row, names.index(name)] = torch.tensor(values)
        widths = torch.tensor([one.width for _, one in described] or [1] * len(names))
        columns = torch.eye(len(names), dtype=torch.bool).repeat_interleave(widths, 1)
        weights, begin, end = table.to(device)
        return cls(weights, begin, end, columns.to(device))

    def __call__(
        self, model: CrystalModel, states: States, t: PerCrystal, mask: Mask, guess: Predictions | None,
        condition: Conditions,
    ) -> Predictions:  # fmt: skip
        """Predictions with guidance. One call of the network, counted as one evaluation for each part of its batch."""
        when = t.unsqueeze(-1)
        asked = self._asked(condition)
        weights = torch.where((when >= self.begin) & (when <= self.end) & asked, self.weights, 0.0)
        guided = (weights != 0).any(1)
        if not bool(guided.any()):
            return model.denoise(states, t, mask, guess, condition)
        names = [place for place in range(len(self.columns)) if bool(asked[:, place].any())]
        alone = [condition.masked_fill(~self.columns[place], torch.nan) for place in names]
        parts = [torch.full_like(condition, torch.nan), *alone]
        plain = not bool(guided.all()) and len(names) > 1
        parts += [condition] if plain else []
        answers = _together(model, states, t, mask, guess, parts)
        return {
            name: self._sum([one[name] for one in answers], weights[:, names], guided, plain)
            for name in answers[0]
        }

    def _asked(self, condition: Conditions) -> Bool[Tensor, "crystals names"]:
        """Which conditions each crystal is told."""
        return torch.stack([(~condition[:, own].isnan()).any(1) for own in self.columns], 1)

    def _sum(self, answers: list[Tensor], weights: Tensor, guided: Tensor, plain: bool) -> Tensor:
        base, told = answers[0], answers[1 : 1 + weights.shape[1]]
        total = base
        for place, one in enumerate(told):
            total = total + _column(1 + weights[:, place], base) * (one - base)
        return torch.where(_column(guided, base), total, answers[-1]) if plain else total


def _together(
    model: CrystalModel, states: States, t: PerCrystal, mask: Mask, guess: Predictions | None,
    parts: list[Conditions],
) -> list[Predictions]:  # fmt: skip
    """The model's answers to the same states under several conditions, by one call."""
    times = len(parts)

    def repeated(x: Tensor) -> Tensor:
        return torch.cat([x] * times)

    many = {name: {key: repeated(x) for key, x in state.items()} for name, state in states.items()}
    guesses = None if guess is None else {name: repeated(x) for name, x in guess.items()}
    answers = model.denoise(many, repeated(t), repeated(mask), guesses, torch.cat(parts))
    model.evaluations += times - 1
    return [{name: x.chunk(times)[place] for name, x in answers.items()} for place in range(times)]


def _column(x: Tensor, like: Tensor) -> Tensor:
    return x.reshape(-1, *(1,) * (like.ndim - 1))
