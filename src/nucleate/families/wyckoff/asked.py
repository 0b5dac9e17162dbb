"""What a request asks of a sequence, and a crystal in the order of its request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.errors import FormulaError
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.geometry.noise import Noise
from nucleate.sampling.request import Request
from nucleate.streams import UNITS

Probable = Callable[[int], dict[int, float]]


def prompt_of(request: Request, probable: Probable, most: int, seed: int) -> Prompt:
    """The prompt that a request means.

    Where the number of formula units is open, one is drawn: of those that are allowed and that some space group holds,
    the more probable ones more often.

    Args:
        probable: numbers of formula units with their shares, from the atoms of one.
        most: atoms that a sequence may have.
        seed: of the number of formula units.

    Raises NucleateError where no sequence answers.
    """
    if 0 in request.species and request.units is None:
        prompt = Prompt.of(request.space_group, elements=request.required or None)
        prompt.check(most)
        return prompt
    if request.units == ():
        counts = None if 0 in request.species else Counter(request.species)
        wanted = None if counts else request.required or None
        prompt = Prompt.of(request.space_group, counts, len(request.species), wanted)
        prompt.check(most)
        return prompt
    shares = probable(len(request.species))
    if request.units is not None:
        shares = {units: shares.get(units, 1e-3) for units in request.units}
    prompts = {units: _times(request, units) for units in shares}
    fitting = [units for units in shares if _has_answer(prompts[units], most)]
    if not fitting:
        prompts[min(shares)].check(most)
        raise FormulaError(
            f"no cell of up to {most} atoms holds {request.formula}", "ask for other formula units"
        )
    edges = np.cumsum([shares[units] for units in fitting])
    aim = Noise.of(seed, torch.tensor([request.key])).at(UNITS.step()).uniform(1)[0, 0].double().item()
    return prompts[fitting[int(np.searchsorted(edges / edges[-1], aim).clip(max=len(fitting) - 1))]]


def ordered(cell: Cell, request: Request) -> Crystals:
    """A batch of one, with the atoms in the order of the request's elements where it names the whole cell."""
    if 0 in request.species or request.units != ():
        return Crystals.of_cells([cell], torch.float32)
    order = np.empty(len(cell.species), dtype=np.int64)
    order[np.argsort(request.species, kind="stable")] = np.argsort(cell.species, kind="stable")
    return Crystals.of_cells(
        [cell._replace(species=cell.species[order], frac=cell.frac[order])], torch.float32
    )


def _times(request: Request, units: int) -> Prompt:
    counts = {number: count * units for number, count in Counter(request.species).items()}
    return Prompt.of(request.space_group, counts)


def _has_answer(prompt: Prompt, most: int) -> bool:
    try:
        prompt.check(most)
    except FormulaError:
        return False
    return True
