"""Crystals by a diffusion model for many requests: batches by size, results as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from nucleate.arrays import Mask
from nucleate.crystals import Crystals, mask_of
from nucleate.data.buckets import split_by_edges
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint, Together
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.symmetric import Symmetric
from nucleate.sampling.allowed import allowed_in
from nucleate.sampling.classifier_free import ClassifierFree
from nucleate.sampling.condition import check_conditions, condition_in
from nucleate.sampling.generator import Cost, Generated
from nucleate.sampling.given import Given
from nucleate.sampling.guidance import Guides, in_turn
from nucleate.sampling.loop import trajectory
from nucleate.sampling.request import Known, Request
from nucleate.sampling.settings import SamplerSettings
from nucleate.symmetry.projection import Projection

EDGES = 4096
"""Padded pairs of atoms in a batch: small enough that results reach the disk often, large enough for a CPU's products.
On a GPU ask for 16 times as many."""
FRAMES = 100
"""Steps of a path that are recorded, besides the first."""


def generate(
    model: CrystalModel,
    requests: Sequence[Request],
    settings: SamplerSettings,
    seed: int,
    *,
    edges: int = EDGES,
    with_path: bool = False,
    on_step: Callable[[int], None] | None = None,
    guides: Guides | None = None,
) -> Iterator[list[Generated]]:
    """Draw every request, one list for each batch. The seed and a request decide its crystal, whatever the batch.

    on_step is called after every step with the number of crystals in the batch. guides carry out the pulls of requests.
    """
    check_conditions(requests, model.conditions, model.described)
    device = next(model.parameters()).device
    sizes = np.array([len(request.species) for request in requests])
    for part in split_by_edges(np.argsort(sizes, kind="stable"), sizes, edges):
        chosen = [requests[i] for i in part]
        mask = mask_of(torch.tensor(sizes[part])).to(device)
        given = given_in(chosen, mask)
        condition = condition_in(chosen, model.conditions, device, model.described)
        free = ClassifierFree.of(chosen, model.described, model.conditions, device)
        noise = Noise.of(seed, torch.tensor([request.key for request in chosen], device=device))
        states, path = {}, []
        marks = set(
            np.linspace(0, settings.steps, min(FRAMES, settings.steps) + 1).round().astype(int).tolist()
        )
        before = model.evaluations
        allowed = allowed_in(chosen, mask, model, seed)
        rules = [*symmetric_in(chosen, mask, model), *([allowed] if allowed else [])]
        # Elements come last: nothing that pulls may break them.
        guidance = in_turn(guides.of(chosen, model, mask) if guides else None, allowed)
        way = trajectory(
            model, mask, settings, noise, given, rules, guidance, condition, classifier_free=free
        )
        for number, (t, states) in enumerate(way):
            if with_path and number in marks:
                path.append((t, model.decode(states, mask).to("cpu")))
            if on_step is not None and number:
                on_step(len(chosen))
        cost = Cost(model.evaluations - before)
        together = Together(rules)
        crystals = together.finish(model.decode(together.settle(states), mask)).to("cpu")
        yield [
            Generated(request, _alone(crystals, i), cost, tuple((t, _alone(frame, i)) for t, frame in path))
            for i, request in enumerate(chosen)
        ]


def given_in(requests: Sequence[Request], mask: Mask) -> Given | None:
    """What the requests say of their crystals, on the device of mask [crystals, atoms]; None if nothing."""
    species, frac = torch.zeros(mask.shape, dtype=torch.long), torch.zeros(*mask.shape, 3)
    cells = torch.eye(3).repeat(len(requests), 1, 1)
    placed, framed = torch.zeros(mask.shape, dtype=torch.bool), torch.zeros(len(requests), dtype=torch.bool)
    for i, request in enumerate(requests):
        species[i, : len(request.species)] = torch.tensor(request.species)
        own = request.known or Known()
        if own.frac:
            frac[i, : len(own.frac)] = torch.tensor(own.frac)
            placed[i, : len(own.frac)] = True
        if own.lattice is not None:
            cells[i], framed[i] = torch.tensor(own.lattice), True
    known = {"species": species > 0, "frac": placed, "lattice": framed}
    known = {name: value.to(mask.device) for name, value in known.items() if value.any()}
    device = mask.device
    values = Crystals(species.to(device), frac.to(device), cells.to(device), mask)
    return Given(values, known) if known else None


def symmetric_in(requests: Sequence[Request], mask: Mask, model: CrystalModel) -> list[Constraint]:
    """The symmetry that requests ask of their crystals, on the device of mask [crystals, atoms]; empty if none do."""
    templates = [request.template for request in requests]
    if all(one is None for one in templates):
        return []
    return [Symmetric(model, Projection.of(templates, mask.shape[1]).to(mask.device), mask)]


def _alone(crystals: Crystals, index: int) -> Crystals:
    size = int(crystals.sizes[index])
    row = slice(index, index + 1)
    return Crystals(
        crystals.species[row, :size],
        crystals.frac[row, :size],
        crystals.lattice[row],
        crystals.mask[row, :size],
    )
