"""CDVAE as a generator: latent vectors, what the heads say of them, and crystals from the decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nucleate.arrays import Sizes
from nucleate.crystals import Crystals, mask_of
from nucleate.data.buckets import split_by_edges
from nucleate.families.cdvae.heads import Said, rounded_compositions
from nucleate.families.cdvae.model import CDVAE
from nucleate.families.latent import LatentGenerator, Latents
from nucleate.families.whole import check_no_space_group, check_whole
from nucleate.geometry.noise import Noise
from nucleate.sampling.generate import EDGES
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated
from nucleate.sampling.request import Request
from nucleate.streams import LATENTS

TRIES = 64
"""Latent vectors of which one is chosen by how likely it makes what is asked for."""


class CDVAEGenerator(LatentGenerator):
    """Answers requests for any crystal, for a number of atoms, or for a composition.

    Any crystal is decoded from a latent vector of the prior. For a number of atoms or a composition one of TRIES such
    vectors is chosen with a probability in proportion to that of what is asked, by the heads (importance resampling).
    """

    task = "dng"
    model: CDVAE
    # It chooses the number of atoms itself where none is asked.
    chooses_sites = True

    def check(self, requests: Sequence[Request]) -> None:
        super().check(requests)
        check_no_space_group(self.name, requests)
        check_whole(self.name, requests)

    def steps(self, settings: Any) -> int:
        return self.model.decoder.steps(settings)

    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        sizes = np.array([len(request.species) for request in requests])
        for part in split_by_edges(np.argsort(sizes, kind="stable"), sizes, options.edges or EDGES):
            yield self._batch([requests[i] for i in part], settings, seed, options)

    @torch.no_grad()
    def _batch(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> list[Answer]:
        device = self.model.property_mean.device
        noise = Noise.of(seed, torch.tensor([request.key for request in requests], device=device))
        chance = noise.at(LATENTS.step())
        z = self.latents(requests, chance)
        said, origins = self.model.heads(z), self.predicted(z)
        sizes = self._sizes(requests, said)
        start = self._start(requests, said, sizes, chance)
        answers: list[Answer] = []
        for given in (False, True):
            rows = [i for i, one in enumerate(requests) if any(one.species) == given]
            if not rows:
                continue
            at = torch.tensor(rows, device=device)
            part = start[at]

            def on_step(count: int = len(rows)) -> None:
                if options.on_step is not None:
                    options.on_step(count)

            found, nfe = self.model.decoder.decoded(
                part, given, z[at], settings, Noise(noise.keys[at]), on_step
            )
            answers += [
                _answer(requests[i], found[place : place + 1], nfe, origins[i])
                for place, i in enumerate(rows)
            ]
        return answers

    def chosen(self, requests: Sequence[Request], noise: Noise) -> Latents:
        tries = noise.normal(TRIES, self.model.width)
        score = torch.zeros(tries.shape[:2], device=tries.device)
        for row, request in enumerate(requests):
            if request.units == ():
                score[row] = _likelihood(self.model.heads(tries[row]), request)
        # the largest of log-weights with Gumbel noise is a draw by the weights
        chosen = (score - (-noise.uniform(TRIES).log()).log()).argmax(1)
        return tries[torch.arange(len(tries), device=tries.device), chosen]

    def _sizes(self, requests: Sequence[Request], said: Said) -> Sizes:
        """As asked for, or what the head says."""
        likeliest = 1 + said.atoms[:, 1:].argmax(1)
        asked = [len(one.species) if one.units == () else 0 for one in requests]
        known = torch.tensor(asked, device=likeliest.device)
        return torch.where(known > 0, known, likeliest)

    def _start(self, requests: Sequence[Request], said: Said, sizes: Sizes, chance: Noise) -> Crystals:
        """Cells and species; no coordinates yet."""
        species, mask = rounded_compositions(said.shares, sizes, chance), mask_of(sizes)
        for row, request in enumerate(requests):
            if any(request.species):
                species[row, : len(request.species)] = torch.tensor(request.species)
        cells = self.model.codec.decode(said.lattice, sizes)
        return Crystals(species, torch.zeros(*mask.shape, 3, device=mask.device), cells, mask)


def _likelihood(said: Said, request: Request) -> torch.Tensor:
    """Logarithm of the probability of what is asked for under each of several latent vectors."""
    size = torch.log_softmax(said.atoms, -1)
    elements = [number - 1 for number in request.species if number]
    found = size[:, len(request.species)] if len(request.species) < size.shape[1] else size[:, -1]
    return found + torch.log_softmax(said.composition, -1)[:, elements].sum(1)


def _answer(request: Request, crystal: Crystals, nfe: int, origin: Mapping[str, str]) -> Answer:
    size = int(crystal.sizes[0])
    one = Crystals(
        crystal.species[:, :size], crystal.frac[:, :size], crystal.lattice, crystal.mask[:, :size]
    ).to("cpu")
    cost = Cost(nfe=nfe + 1)
    if not (one.frac.isfinite().all() and one.lattice.isfinite().all()):
        return Failure(request, "decoding ended in numbers that are not finite", cost)
    return Generated(request, one, cost, origin=origin)
