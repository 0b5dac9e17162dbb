"""Wyckoff sequences as a generator: a sequence for each request, with a simple cell and coordinates (placing.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from nucleate.elements import SYMBOLS
from nucleate.errors import ModelError, NucleateError
from nucleate.families.choice import Choice
from nucleate.families.whole import check_whole
from nucleate.families.wyckoff.asked import ordered, prompt_of
from nucleate.families.wyckoff.draw import draw
from nucleate.families.wyckoff.model import BATCH
from nucleate.families.wyckoff.placing import place
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.trainable import WyckoffTrainable
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated
from nucleate.sampling.learned import LearnedGenerator
from nucleate.sampling.request import Request
from nucleate.settings import within
from nucleate.streams import PLACES
from nucleate.symmetry.sites import Sites


@dataclass(frozen=True)
class WyckoffSampling:
    """How crystals are drawn.

    Attributes:
        temperature: below 1 favours likely sequences.
        top_p: only the likeliest words that together have this probability.
        tries: placements, of which the one with the largest shortest distance is kept.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    tries: int = 40

    def __post_init__(self) -> None:
        within(self, 1e-3, 100.0, "temperature", "sampler.")
        within(self, 1e-6, 1.0, "top_p", "sampler.")
        within(self, 1, 100_000, "tries", "sampler.")


class WyckoffGenerator(LearnedGenerator):
    """Answers requests for a formula, or for a number of atoms whose elements are invented."""

    task = "dng"
    restricts = True
    model: WyckoffTrainable
    settings: WyckoffSampling

    def check(self, requests: Sequence[Request]) -> None:
        super().check(requests)
        check_whole(self.name, requests)
        check_elements(self.name, requests)

    def answers(
        self, requests: Sequence[Request], settings: WyckoffSampling, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            batch, answers = [], []
            for request in requests[start : start + BATCH]:
                try:
                    prompt = prompt_of(request, self._probable_units, self.model.most, seed)
                    batch.append((request, prompt))
                except NucleateError as error:
                    answers.append(Failure(request, error.message))
            yield answers + self._drawn(batch, settings, seed)
            if options.on_step is not None:
                options.on_step(len(answers) + len(batch))

    def _probable_units(self, atoms: int) -> dict[int, float]:
        return self.limits.probable_units(atoms)

    def _drawn(
        self, batch: list[tuple[Request, Prompt]], settings: WyckoffSampling, seed: int
    ) -> list[Answer]:
        if not batch:
            return []
        keys = torch.tensor([request.key for request, _ in batch])
        choice = Choice(settings.temperature, settings.top_p)
        prompts = [prompt for _, prompt in batch]
        found = draw(self.model.network, prompts, keys, seed, self.model.most, choice)
        answers = []
        for (request, _), (sites, likelihood) in zip(batch, found, strict=True):
            volume = sum(float(self.model.volumes[z]) * n for z, n in sites.counts.items())
            placed = place(sites, volume, PLACES.generator(seed, request.key), settings.tries)
            origin = {
                "space_group": sites.number,
                "sites": words(sites),
                "log_likelihood": round(likelihood, 4),
            }
            cost = Cost(nfe=len(sites.letters) + 2, counts={"tokens": 2 * len(sites.letters) + 2})
            answers.append(Generated(request, ordered(placed.to_cell(), request), cost, origin=origin))
        return answers


def check_elements(name: str, requests: Sequence[Request]) -> None:
    """Raise ModelError for elements that may be there and need not: a sequence is told which ones it has."""
    if any(request.allowed != request.required for request in requests):
        raise ModelError(
            f"{name} takes exactly the elements that it is given, and leaves none out",
            "name them with --elements, or take a diffusion model",
        )


def words(sites: Sites) -> str:
    """The sites as files have them, such as `a:Ti f:O`."""
    return " ".join(
        f"{letter}:{SYMBOLS[number]}" for letter, number in zip(sites.letters, sites.species, strict=True)
    )
