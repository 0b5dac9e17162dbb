"""Generators that propose whole crystals, composition and all, and keep the first that is what was asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.families.whole import check_no_space_group, check_whole
from nucleate.geometry.noise import Noise
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated
from nucleate.sampling.learned import LearnedGenerator
from nucleate.sampling.request import Request
from nucleate.streams import LATENTS

BATCH = 64


class ProposingGenerator(LearnedGenerator):
    """Answers a request by the first of several proposals that has the atoms that are asked for.

    A request for any crystal takes the first proposal that is a crystal at all. Where none fits, that is the answer.
    """

    task = "dng"
    # It says the number of atoms itself where none is asked.
    chooses_sites = True
    tries: int = 64

    @abstractmethod
    def proposals(self, request: Request, noise: Noise, settings: Any) -> Sequence[Cell | None]:
        """Crystals, None for a proposal that is none. noise: one stream, that of the request."""

    def check(self, requests: Sequence[Request]) -> None:
        super().check(requests)
        check_no_space_group(self.name, requests)
        check_whole(self.name, requests)

    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            batch = [self._answer(one, settings, seed) for one in requests[start : start + BATCH]]
            if options.on_step is not None:
                options.on_step(len(batch))
            yield batch

    @torch.no_grad()
    def _answer(self, request: Request, settings: Any, seed: int) -> Answer:
        noise = Noise.of(seed, torch.tensor([request.key])).at(LATENTS.step())
        proposed = self.proposals(request, noise, settings)
        for number, cell in enumerate(proposed, 1):
            if cell is not None and fits(cell, request):
                crystal = Crystals.of_cells([order_of(cell, request)], torch.float32)
                return Generated(request, crystal, Cost(nfe=1, counts={"draws": number}))
        sound = sum(cell is not None for cell in proposed)
        reason = f"{len(proposed)} draws gave {sound} crystals and none with the atoms that are asked for"
        return Failure(request, reason, Cost(nfe=1, counts={"draws": len(proposed)}))


def fits(cell: Cell, request: Request) -> bool:
    """Whether a crystal has the atoms of a request: any where their number is open, so many, or exactly these."""
    if request.units != ():
        return not any(request.species)
    if any(request.species):
        return sorted(cell.species.tolist()) == sorted(request.species)
    return len(cell.species) == len(request.species)


def order_of(cell: Cell, request: Request) -> Cell:
    """The crystal with its atoms in the order of the request, where this names elements."""
    if not any(request.species):
        return cell
    wanted = sorted(range(len(request.species)), key=lambda i: request.species[i])
    there = cell.species.argsort(kind="stable")
    order = [0] * len(wanted)
    for place, atom in zip(wanted, there.tolist(), strict=True):
        order[place] = atom
    return Cell(cell.species[order], cell.frac[order], cell.lattice)
