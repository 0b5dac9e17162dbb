"""A language model of these texts as a generator, and as one that fills in a masked element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.errors import ModelError, NucleateError
from nucleate.families.choice import Choice
from nucleate.families.crystal_text.grammar import crystal
from nucleate.families.crystal_text.trainable import TextTrainable
from nucleate.families.crystal_text.vocabulary import END
from nucleate.families.crystal_text.writing import masked, prompt, read, text_of
from nucleate.families.language.draw import Text, draw
from nucleate.families.language.generator import LanguageGenerator, text_key
from nucleate.families.language.grammar import anything, exactly
from nucleate.geometry.noise import Noise
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated
from nucleate.sampling.request import Request
from nucleate.settings import within

BATCH = 64


@dataclass(frozen=True)
class TextSampling:
    """How texts are drawn.

    Attributes:
        temperature: below 1 favours likely texts.
        top_p: only the likeliest words that together have this probability.
        grammar: only words with which the text can still become a crystal of what is asked; else any.
        tries: texts at most, of which the first one that is such a crystal is taken.
    """

    temperature: float = 0.9
    top_p: float = 0.9
    grammar: bool = True
    tries: int = 3

    def __post_init__(self) -> None:
        within(self, 1e-3, 100.0, "temperature", "sampler.")
        within(self, 1e-6, 1.0, "top_p", "sampler.")
        within(self, 1, 1000, "tries", "sampler.")


def prompt_for(request: Request) -> str:
    """What a request tells: the formula where it is given, and properties."""
    counts = Counter(request.species) if all(request.species) else None
    told = {name: value for name, value in request.condition if not isinstance(value, tuple)}
    return prompt(counts, told)


def in_order(cell: Cell, request: Request) -> Crystals:
    """A batch of one with the atoms in the order of the request where it names them. Raises ModelError for others."""
    asked, found = Counter(request.species), Counter(cell.species.tolist())
    if len(cell.species) != len(request.species) or any(found[z] < count for z, count in asked.items() if z):
        raise ModelError("the text has another composition than was asked", "draw another")
    if all(request.species):
        order = np.empty(len(cell.species), dtype=np.int64)
        order[np.argsort(request.species, kind="stable")] = np.argsort(cell.species, kind="stable")
        cell = cell._replace(species=cell.species[order], frac=cell.frac[order])
    return Crystals.of_cells([cell], torch.float32)


class TextGenerator(LanguageGenerator):
    """Answers requests for a composition, or a number of atoms whose elements are invented, with properties or not."""

    model: TextTrainable
    settings: TextSampling

    def answers(
        self, requests: Sequence[Request], settings: TextSampling, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            asked, answers = list(requests[start : start + BATCH]), []
            tokens: Counter[int] = Counter()
            for attempt in range(settings.tries):
                texts = self._texts(asked, settings, seed, attempt)
                again = []
                for request, text in zip(asked, texts, strict=True):
                    tokens[request.key] += len(text.words)
                    cost = Cost(tokens[request.key], {"tokens": tokens[request.key]})
                    found = self._read(request, text)
                    if isinstance(found, Crystals):
                        origin = {"log_likelihood": round(text.likelihood, 4), "draws": attempt + 1}
                        answers.append(Generated(request, found, cost, origin=origin))
                    elif attempt + 1 == settings.tries:
                        answers.append(Failure(request, found, cost))
                    else:
                        again.append(request)
                asked = again
            if options.on_step is not None:
                options.on_step(len(answers))
            yield answers

    def _texts(self, asked: Sequence[Request], settings: TextSampling, seed: int, attempt: int) -> list[Text]:
        vocabulary = self.model.vocabulary
        grammars = [
            crystal(vocabulary, prompt_for(one), one.species, self.limits.elements)
            if settings.grammar
            else _begun(vocabulary.encode(prompt_for(one)), vocabulary[END])
            for one in asked
        ]
        if not grammars:
            return []
        noise = Noise.of(seed, torch.tensor([text_key(one, attempt) for one in asked]))
        return draw(self.model.network, grammars, noise, Choice(settings.temperature, settings.top_p))

    def _read(self, request: Request, text: Text) -> Crystals | str:
        """The crystal of a text, or why it is none that was asked."""
        if text.problem:
            return text.problem
        words = text.words[len(self.model.vocabulary.encode(prompt_for(request))) : -1]
        try:
            return in_order(read(self.model.vocabulary.decode(words)), request)
        except NucleateError as error:
            return error.message


def _begun(words: Sequence[int], end: int):
    yield from exactly(words)
    yield from anything([end])


@torch.no_grad()
def infilled(model: TextTrainable, cell: Cell, element: int) -> dict[int, float]:
    """Probabilities of the elements that could stand where one is masked, by atomic number; likely ones first."""
    vocabulary = model.vocabulary
    words = torch.tensor([vocabulary.encode(masked(text_of(cell), element))])
    logits = model.network(words.to(model.network.words.weight.device))[0, -1].cpu().double()
    numbers = range(1, MAX_ATOMIC_NUMBER + 1)
    shares = torch.softmax(logits[[vocabulary[SYMBOLS[z]] for z in numbers]], 0).tolist()
    return dict(sorted(zip(numbers, shares, strict=True), key=lambda one: -one[1]))
