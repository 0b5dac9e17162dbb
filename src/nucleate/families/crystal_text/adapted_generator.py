"""An adapted large language model as a generator: an English prompt for each request, the answer read as a crystal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from nucleate.errors import NucleateError
from nucleate.families.choice import Choice
from nucleate.families.crystal_text.adapted import AdaptedTrainable
from nucleate.families.crystal_text.generator import in_order, prompt_for
from nucleate.families.crystal_text.writing import read
from nucleate.families.language.generator import LanguageGenerator, text_key
from nucleate.geometry.noise import Noise
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated
from nucleate.sampling.request import Request
from nucleate.settings import within


@dataclass(frozen=True)
class AdaptedSampling:
    """How answers are drawn.

    Attributes:
        temperature: below 1 favours likely texts.
        top_p: only the likeliest words that together have this probability.
        words: of an answer at most.
        tries: answers at most, of which the first one that is a crystal of what is asked is taken.
    """

    temperature: float = 0.9
    top_p: float = 0.9
    words: int = 500
    tries: int = 5

    def __post_init__(self) -> None:
        within(self, 1e-3, 100.0, "temperature", "sampler.")
        within(self, 1e-6, 1.0, "top_p", "sampler.")
        within(self, 1, 100_000, "words", "sampler.")
        within(self, 1, 1000, "tries", "sampler.")


class AdaptedGenerator(LanguageGenerator):
    """Answers requests for a composition, or a number of atoms whose elements are invented; one text at a time."""

    model: AdaptedTrainable
    settings: AdaptedSampling

    def answers(
        self, requests: Sequence[Request], settings: AdaptedSampling, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for request in requests:
            yield [self._answer(request, settings, seed)]
            if options.on_step is not None:
                options.on_step(1)

    def _answer(self, request: Request, settings: AdaptedSampling, seed: int) -> Answer:
        choice, tokens, problem = Choice(settings.temperature, settings.top_p), 0, ""
        for attempt in range(settings.tries):
            noise = Noise.of(seed, torch.tensor([text_key(request, attempt)]))
            text, used, ended = self.model.continued(prompt_for(request), noise, choice, settings.words)
            tokens += used
            cost = Cost(tokens, {"tokens": tokens})
            try:
                if ended:
                    crystal = in_order(read(text.strip()), request)
                    return Generated(request, crystal, cost, origin={"draws": attempt + 1})
                problem = f"the text did not end within {settings.words} words"
            except NucleateError as error:
                problem = error.message
        return Failure(request, problem, Cost(tokens, {"tokens": tokens}))
