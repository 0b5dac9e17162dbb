"""Wyckoff sequences with a symmetric diffusion: sequences choose the sites, the diffusion draws cell and places.

    request --sequences--> space group, letters, elements --shape--> template --diffusion--> crystal

The shape is a first guess of the cell: it says in which basis the template is reduced, as the diffusion's training
crystals were; the diffusion draws the cell anew. A crystal that is not usable (`metrics.usable`: atoms inside one
another, a volume that atoms can't fill) is drawn anew, from its sequence on, a limited number of times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.errors import NucleateError
from nucleate.families.choice import Choice
from nucleate.families.whole import check_whole
from nucleate.families.wyckoff.asked import ordered, prompt_of
from nucleate.families.wyckoff.draw import draw
from nucleate.families.wyckoff.generator import WyckoffGenerator, check_elements, words
from nucleate.families.wyckoff.placing import place
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.metrics.usable import USABLE
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.settings import within
from nucleate.streams import PLACES
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.template import Template

BATCH = 64
Shape = Callable[[Sites, float], np.ndarray | None]
"""Canonical sites and the volume of the primitive cell, Å^3, to a conventional cell; None where none is known."""


@dataclass(frozen=True)
class DiffusedSampling:
    """How crystals are drawn.

    Attributes:
        temperature: of the sequences; below 1 keeps to likely ones.
        top_p: only the likeliest words that together have this probability.
        nfe: network evaluations of one draw of the diffusion.
        tries: draws of a crystal at most, of which the first usable one is taken, or else the last.
    """

    temperature: float = 0.95
    top_p: float = 0.95
    nfe: int = 20
    tries: int = 4

    def __post_init__(self) -> None:
        within(self, 1e-3, 100.0, "temperature", "sampler.")
        within(self, 1e-6, 1.0, "top_p", "sampler.")
        within(self, 2, 100_000, "nfe", "sampler.")
        within(self, 1, 1000, "tries", "sampler.")


@dataclass
class _Asked:
    """A request on its way: what it means, and what its draws have cost so far."""

    request: Request
    prompt: Prompt
    draws: int = 0
    nfe: int = 0
    tokens: int = 0

    @property
    def key(self) -> int:
        """63 bits for the noise of the next draw; of the first one those of the request."""
        if not self.draws:
            return self.request.key
        text = f"{self.request.identity} draw {self.draws}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class SequenceDiffusion(Generator):
    """Answers requests for a formula, a space group or a number of atoms with crystals of exact symmetry.

    Attributes:
        sequences: choose the sites.
        diffusion: draws cell and places under their symmetry.
        shape: see `Shape`.
    """

    task = "dng"
    chooses_sites = True
    restricts = True

    def __init__(
        self, name: str, sequences: WyckoffGenerator, diffusion: DiffusionGenerator, shape: Shape,
        shapes: str = "", settings: DiffusedSampling = DiffusedSampling(),
    ) -> None:  # fmt: skip
        """shapes: what identifies the shapes."""
        self.name, self.sequences, self.diffusion, self.shape = name, sequences, diffusion, shape
        self.shapes, self.settings, self.model = shapes, settings, diffusion.model

    @property
    def identity(self) -> str:
        parts = " ".join((self.sequences.identity, self.diffusion.identity, self.shapes))
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @cached_property
    def limits(self) -> Limits:
        """What both models can be asked for."""
        own, other = self.sequences.limits, self.diffusion.limits
        most = min(own.largest_cell, other.largest_cell, self.sequences.model.most)
        sizes = {size: share for size, share in own.sizes.items() if size <= most}
        return replace(own, elements=own.elements & other.elements, largest_cell=most, sizes=sizes)

    def check(self, requests: Sequence[Request]) -> None:
        super().check(requests)
        check_whole(self.name, requests)
        check_elements(self.name, requests)

    def answers(
        self, requests: Sequence[Request], settings: DiffusedSampling, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            asked, answers = [], []
            for request in requests[start : start + BATCH]:
                try:
                    prompt = prompt_of(request, self.limits.probable_units, self.sequences.model.most, seed)
                    asked.append(_Asked(request, prompt))
                except NucleateError as error:
                    # To find out why took one look at the prompt.
                    answers.append(Failure(request, error.message, Cost(counts={"tokens": 1})))
            for attempt in range(settings.tries):
                made = self._made(asked, settings, seed, options)
                last = attempt + 1 == settings.tries
                answers += [one for _, one, usable in made if usable or last]
                asked = [own for own, _, usable in made if not (usable or last)]
            if options.on_step is not None:
                options.on_step(len(answers))
            yield answers

    def _made(
        self, asked: Sequence[_Asked], settings: DiffusedSampling, seed: int, options: DrawOptions
    ) -> list[tuple[_Asked, Generated, bool]]:
        """One draw of each, and whether it is usable."""
        if not asked:
            return []
        found = self._sites(asked, settings, seed)
        inner = [self._request(own, sites, seed) for own, (sites, _) in zip(asked, found, strict=True)]
        places = {request.key: place for place, request in enumerate(inner)}
        sampler = self.diffusion.settings_by(nfe=settings.nfe)
        made: list[tuple[_Asked, Generated, bool]] = []
        for batch in self.diffusion.answers(inner, sampler, seed, DrawOptions(edges=options.edges)):
            for one in batch:
                assert isinstance(one, Generated)
                place = places[one.request.key]
                made.append(_finished(asked[place], *found[place], one))
        return made

    def _sites(
        self, asked: Sequence[_Asked], settings: DiffusedSampling, seed: int
    ) -> list[tuple[Sites, float]]:
        model = self.sequences.model
        keys = torch.tensor([own.key for own in asked])
        prompts = [own.prompt for own in asked]
        choice = Choice(settings.temperature, settings.top_p)
        found = draw(model.network, prompts, keys, seed, model.most, choice)
        return [(sites.canonical(), likelihood) for sites, likelihood in found]

    def _request(self, own: _Asked, sites: Sites, seed: int) -> Request:
        """What the diffusion is asked for: its noise hangs on the key and the template."""
        template = self._template(sites, own.key, seed)
        return Request(tuple(template.species.tolist()), f"{own.key}", "", 0, template=template)

    def _template(self, sites: Sites, key: int, seed: int) -> Template:
        volume = sum(float(self.sequences.model.volumes[z]) * n for z, n in sites.counts.items())
        lattice = self.shape(sites, volume)
        if lattice is None:
            lattice = place(sites, volume, PLACES.generator(seed, key)).lattice
        free = 0.1 + 0.37 * np.arange(sites.freedom)
        return Template.from_sites(replace(sites, free=free, lattice=lattice)).reduced()

    def about(self, settings: Any) -> list[str]:
        return [*self.diffusion.about(self.diffusion.settings_by(nfe=settings.nfe)), f"settings: {settings}"]

    def facts(self) -> dict[str, str]:
        return {"sequences": self.sequences.name, "diffusion": self.diffusion.name}

    def settings_by(
        self, method: str | None = None, steps: int | None = None, nfe: int | None = None
    ) -> DiffusedSampling:
        super().settings_by(method, steps)
        return self.settings if nfe is None else replace(self.settings, nfe=nfe)


def _finished(own: _Asked, sites: Sites, likelihood: float, one: Generated) -> tuple[_Asked, Generated, bool]:
    own.draws += 1
    own.nfe += one.cost.nfe
    own.tokens += 2 * len(sites.letters) + 2
    crystal = one.crystal
    cell = Cell(
        crystal.species[0].numpy(), crystal.frac[0].double().numpy(), crystal.lattice[0].double().numpy()
    )
    origin = {
        "space_group": sites.number, "sites": words(sites), "log_likelihood": round(likelihood, 4),
        "draws": own.draws,
    }  # fmt: skip
    cost = Cost(own.nfe, {"tokens": own.tokens})
    answer = Generated(own.request, ordered(cell, own.request), cost, origin=origin)
    return own, answer, defect(cell, USABLE) is None
