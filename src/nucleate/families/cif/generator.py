"""A language model of CIF texts as a generator: a text for each request, read as a crystal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from nucleate.errors import NucleateError
from nucleate.families.choice import Choice
from nucleate.families.cif.elements import sorted_counts
from nucleate.families.cif.grammar import Asked, cif
from nucleate.families.cif.points import points_of
from nucleate.families.cif.reading import FAR, read
from nucleate.families.cif.trainable import CifTrainable
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.cif.writing import formula, head
from nucleate.families.language.draw import Text, draw
from nucleate.families.language.generator import LanguageGenerator, text_key
from nucleate.families.language.grammar import Part, anything, exactly
from nucleate.families.wyckoff.asked import ordered, prompt_of
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.geometry.noise import Noise
from nucleate.metrics.dng.symmetry import symbol
from nucleate.sampling.condition import Reading, condition_in
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated
from nucleate.sampling.request import Request
from nucleate.settings import within
from nucleate.streams import POINTS

BATCH = 64


@dataclass(frozen=True)
class CifSampling:
    """How texts are drawn.

    Attributes:
        temperature: below 1 favours likely texts.
        top_k: only so many of the likeliest words; 0 for all. 10 as published.
        top_p: only the likeliest words that together have this probability.
        grammar: only words with which the text can still become a crystal of what is asked; else any, and the
            beginning alone is given, as published.
        tries: texts at most, of which the first one that is such a crystal is taken.
    """

    temperature: float = 1.0
    top_k: int = 10
    top_p: float = 1.0
    grammar: bool = True
    tries: int = 3

    def __post_init__(self) -> None:
        within(self, 1e-3, 100.0, "temperature", "sampler.")
        within(self, 0, 100_000, "top_k", "sampler.")
        within(self, 1e-6, 1.0, "top_p", "sampler.")
        within(self, 1, 1000, "tries", "sampler.")


@dataclass
class Wanted:
    """A request on its way: what it means, and what its texts have cost so far."""

    request: Request
    prompt: Prompt
    draws: int = 0
    tokens: int = 0
    problem: str = ""

    @property
    def key(self) -> int:
        """For the noise of the next text."""
        return text_key(self.request, self.draws)


class CifGenerator(LanguageGenerator):
    """Answers requests for a formula, a space group, properties, or a number of atoms whose elements are invented."""

    chooses_sites = True
    model: CifTrainable
    settings: CifSampling

    @property
    def described(self) -> Reading:  # type: ignore[override]
        return self.model.described

    def answers(
        self, requests: Sequence[Request], settings: CifSampling, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            asked, answers = [], []
            for request in requests[start : start + BATCH]:
                try:
                    asked.append(Wanted(request, prompt_of(request, self._probable, self.model.most, seed)))
                except NucleateError as error:
                    # To find out why took one look at the prompt.
                    answers.append(Failure(request, error.message, Cost(counts={"tokens": 1})))
            for _ in range(settings.tries):
                made = self._drawn(asked, settings, seed)
                answers += [one for one in made if one is not None]
                asked = [own for own, one in zip(asked, made, strict=True) if one is None]
            answers += [Failure(own.request, own.problem, _cost(own)) for own in asked]
            if options.on_step is not None:
                options.on_step(len(answers))
            yield answers

    def _probable(self, atoms: int) -> dict[int, float]:
        return self.limits.probable_units(atoms)

    def _drawn(self, asked: Sequence[Wanted], settings: CifSampling, seed: int) -> list[Generated | None]:
        """A text of each; None where it is no such crystal, with the problem."""
        if not asked:
            return []
        noise = Noise.of(seed, torch.tensor([own.key for own in asked]))
        points = self._points([own.prompt for own in asked], noise)
        grammars = [
            grammar_of(Asked(own.prompt, many, self.model.most), settings.grammar)
            for own, many in zip(asked, points, strict=True)
        ]
        device = self.model.network.words.weight.device
        told = condition_in([own.request for own in asked], self.conditions, device, self.model.described)
        choice = Choice(settings.temperature, settings.top_p, settings.top_k)
        texts = draw(self.model.network, grammars, noise, choice, told)
        far = float("inf") if settings.grammar else FAR
        return [_finished(own, text, far) for own, text in zip(asked, texts, strict=True)]

    def _points(self, prompts: Sequence[Prompt], noise: Noise) -> list[int]:
        """Primitive cells in each conventional cell; 0 where the text may choose them."""
        known = {
            one: points_of(self.model.network, one, self.model.most) for one in set(prompts) if one.counts
        }
        uniform, found = noise.at(POINTS.step()).uniform(1)[:, 0].tolist(), []
        for prompt, aim in zip(prompts, uniform, strict=True):
            shares = known.get(prompt, {0: 1.0})
            sums = torch.tensor(list(shares.values())).cumsum(0)
            found.append(list(shares)[min(int((sums <= aim).sum()), len(shares) - 1)])
        return found

    def about(self, settings: CifSampling) -> list[str]:
        device = self.model.network.words.weight.device
        return [
            f"on {device}, {torch.get_num_threads()} CPU threads; torch {torch.__version__}",
            f"settings: {settings}",
        ]


def grammar_of(asked: Asked, strict: bool) -> Part[None]:
    """The whole grammar, or only the beginning that the request fixes."""
    if strict:
        yield from cif(asked)
        return
    vocabulary, prompt = cif_vocabulary(), asked.prompt
    begin = "data_"
    if prompt.counts is not None:
        counts = sorted_counts({number: count * asked.points for number, count in prompt.counts})
        begin = f"data_{formula(counts)}\n"
        if prompt.space_group is not None:
            begin = f"{head(counts)}{symbol(prompt.space_group)}\n"
    yield from exactly(vocabulary.encode(begin))
    yield from anything(vocabulary.encode("\n\n"))


def _finished(own: Wanted, text: Text, far: float) -> Generated | None:
    own.draws += 1
    own.tokens += len(text.words)
    own.problem = text.problem
    if text.problem:
        return None
    try:
        found = read(cif_vocabulary().decode(text.words), far)
    except NucleateError as error:
        own.problem = error.message
        return None
    sites = found.sites
    if problem := unlike(own.prompt, sites.counts, sites.number):
        own.problem = problem
        return None
    origin = {
        "space_group": sites.number,
        "log_likelihood": round(text.likelihood, 4),
        "moved": round(found.moved, 4),
        "draws": own.draws,
    }
    return Generated(own.request, ordered(sites.to_cell(), own.request), _cost(own), origin=origin)


def unlike(prompt: Prompt, counts: Mapping[int, int], number: int) -> str:
    """Why a crystal is not what was asked; "" where it is."""
    if prompt.counts is not None and Counter(dict(prompt.counts)) != Counter(counts):
        return "the text has another composition than was asked"
    if prompt.total not in (None, sum(counts.values())):
        return f"the text has {sum(counts.values())} atoms, and {prompt.total} were asked"
    if prompt.space_group not in (None, number):
        return f"the text is in space group {number}, and {prompt.space_group} was asked"
    return ""


def _cost(own: Wanted) -> Cost:
    return Cost(nfe=own.tokens, counts={"tokens": own.tokens})
