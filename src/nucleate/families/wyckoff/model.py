"""WyckoffModel: proposes space groups with occupied positions, and says how likely such sequences are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import FormulaError, RecipeError
from nucleate.families.choice import Choice
from nucleate.families.wyckoff.draw import draw
from nucleate.families.wyckoff.likelihood import log_likelihood
from nucleate.families.wyckoff.network import WyckoffNetwork
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.sampling.formula import parse_formula
from nucleate.symmetry.sites import Sites

BATCH = 256
"""Sequences drawn in one batch."""


@dataclass(frozen=True, eq=False)
class WyckoffModel:
    """A network with what is needed besides its weights.

    Attributes:
        network: in evaluation mode.
        most: atoms in the primitive cell, up to which it draws.
    """

    network: WyckoffNetwork
    most: int

    def propose(
        self,
        n: int,
        seed: int,
        space_group: int | None = None,
        formula: str | Mapping[int, int] | None = None,
        atoms: int | None = None,
        elements: Sequence[str | int] | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> list[tuple[Sites, float]]:
        """Sequences with their log-likelihoods, nats, under this prompt at temperature 1; repeats are not left out.

        Args:
            n: how many.
            seed: the same seed gives the same sequences, and more of them begin with these.
            space_group: its number.
            formula: of the whole primitive cell, as text or atoms by atomic number.
            atoms: in the primitive cell.
            elements: exactly these, as symbols or atomic numbers.
            temperature: below 1 favours likely sequences; above 1 unlikely ones.
            top_p: only the likeliest words that together have this probability.

        Raises:
            NucleateError: for a prompt that no sequence answers, and for impossible settings.
        """
        if not temperature > 0:
            raise RecipeError(f"temperature can't be {temperature}", "give a number above 0")
        if not 0 < top_p <= 1:
            raise RecipeError(f"top_p can't be {top_p}", "give a number above 0, up to 1")
        prompt = self.prompt(space_group, formula, atoms, elements)
        choice, found = Choice(temperature, top_p), []
        for start in range(0, n, BATCH):
            numbers = torch.arange(start, min(start + BATCH, n))
            found += draw(self.network, [prompt] * len(numbers), numbers, seed, self.most, choice)
        return found

    def prompt(
        self,
        space_group: int | None = None,
        formula: str | Mapping[int, int] | None = None,
        atoms: int | None = None,
        elements: Sequence[str | int] | None = None,
    ) -> Prompt:
        """A prompt that has an answer. Raises NucleateError where it has none."""
        counts = parse_formula(formula) if isinstance(formula, str) else formula
        prompt = Prompt.of(
            space_group, counts, atoms, None if elements is None else [_number(e) for e in elements]
        )
        prompt.check(self.most)
        return prompt

    def log_likelihood(
        self, every: Sequence[Sites], prompts: Sequence[Prompt] | None = None
    ) -> Float[Tensor, " sequences"]:
        """Nats for each sequence under its prompt, or under none; minus infinity where it is no answer."""
        asked = [Prompt()] * len(every) if prompts is None else prompts
        parts = [
            log_likelihood(
                self.network, every[start : start + BATCH], asked[start : start + BATCH], self.most
            )
            for start in range(0, len(every), BATCH)
        ]
        return torch.cat([torch.empty(0, dtype=torch.float64), *parts])


def _number(element: str | int) -> int:
    if isinstance(element, int):
        return element
    if element not in ATOMIC_NUMBERS:
        raise FormulaError(f"'{element}' is no element", "write symbols such as Ti or O")
    return ATOMIC_NUMBERS[element]
