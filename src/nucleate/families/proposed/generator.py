"""A flow from proposals as a generator: what its base can be asked for it can be asked for too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from nucleate.crystals import Crystals
from nucleate.data.buckets import split_by_edges
from nucleate.errors import ModelError, NucleateError
from nucleate.families.proposed.model import ProposedFlow
from nucleate.families.proposed.pairs import reduced
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.generate import generate
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.sampling.settings import SamplerSettings


class ProposedGenerator(DiffusionGenerator):
    """Draws a proposal for each request and lets it flow. A request that the base can't answer is not answered.

    Attributes:
        base: what proposes; None before it is known.
    """

    fixes = False
    symmetric = False
    restricts = False
    has_path = False
    model: ProposedFlow

    def __init__(
        self,
        name: str,
        identity: str,
        model: ProposedFlow,
        settings: SamplerSettings,
        card: Mapping[str, Any],
    ) -> None:
        super().__init__(name, identity, model, "csp", settings, card)

    def on(self, base: Generator) -> ProposedGenerator:
        """The same generator with its base."""
        if base.ranked:
            raise ModelError(f"{base.name} ranks structures and draws none", "name another base")
        self.model.base = base
        self.task, self.chooses_sites = base.task, base.chooses_sites
        return self

    @property
    def base(self) -> Generator:
        if self.model.base is None:
            raise ModelError(
                f"{self.name} starts from another generator, which is not there", "load it by its name"
            )
        return self.model.base

    @property
    def identity(self) -> str:
        parts = f"{self._identity} {self.base.identity}"
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @cached_property
    def limits(self) -> Limits:
        """What both can be asked for."""
        own, other = Limits.of_card(self.card), self.base.limits
        most = min(own.largest_cell, other.largest_cell)
        sizes = {size: share for size, share in own.sizes.items() if size <= most}
        return replace(own, elements=own.elements & other.elements, largest_cell=most, sizes=sizes)

    def check(self, requests: Sequence[Request]) -> None:
        Generator.check(self, requests)
        self.base.check(requests)

    def answers(
        self, requests: Sequence[Request], settings: SamplerSettings, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for batch in self.base.answers(requests, self.base.settings, seed, DrawOptions(edges=options.edges)):
            made = [one for one in batch if isinstance(one, Generated)]
            yield [one for one in batch if isinstance(one, Failure)]
            sizes = np.array([one.crystal.species.shape[1] for one in made], dtype=np.int64)
            edges = options.edges or self.edges
            for part in split_by_edges(np.argsort(sizes, kind="stable"), sizes, edges) if made else ():
                yield self._refined([made[index] for index in part], settings, seed, options)

    def _refined(
        self, proposed: Sequence[Generated], settings: SamplerSettings, seed: int, options: DrawOptions
    ) -> list[Answer]:
        """What flows from proposals of one batch."""
        cells, answers, kept = [], [], []
        for one in proposed:
            try:
                cells.append(reduced(one.crystal.cells()[0]))
                kept.append(one)
            except NucleateError as error:
                answers.append(Failure(one.request, error.message, one.cost))
        if not kept:
            return answers
        inner = [
            Request(tuple(cell.species.tolist()), f"{one.request.key}", "", 0)
            for one, cell in zip(kept, cells, strict=True)
        ]
        edges = len(inner) * max(len(cell.species) for cell in cells) ** 2
        with self.model.proposing(Crystals.of_cells(cells, torch.float32).to(self.device)):
            (flowed,) = generate(self.model, inner, settings, seed, edges=edges, on_step=options.on_step)
        by_key = {one.request.key: one for one in flowed}
        for one, request in zip(kept, inner, strict=True):
            end = by_key[request.key]
            cost = Cost(one.cost.nfe + end.cost.nfe, one.cost.counts)
            answers.append(
                Generated(one.request, end.crystal, cost, origin={**one.origin, "base": self.base.name})
            )
        return answers

    def facts(self) -> dict[str, str]:
        return {"base": self.base.name}
