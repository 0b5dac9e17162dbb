"""Elements that may be in a crystal, and those that have to: never broken, whatever the network says.

Logits of other elements are set to nothing. Where species are vectors, the data that the network expects are replaced
by those it expects given that the element is allowed, and at the end each atom becomes the nearest allowed element.
Elements that have to be there are each given an atom, or an orbit under a symmetry; atoms have no order, so which one
makes no difference. This prefers even compositions a little to what the model would say of the whole system.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.codecs.species import Codes
from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.errors import FormulaError
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint, Predictions, States
from nucleate.model.crystal_model import CrystalModel
from nucleate.sampling.guidance import Ask
from nucleate.sampling.request import Request
from nucleate.streams import SLOTS

NEVER = -1e9
"""A logit that is never drawn, and finite, so that differences of two are no NaN."""

Elements = Bool[Tensor, "crystals atoms elements"]


class Allowed(Constraint):
    """Species keep to allowed elements. It is a guidance too, since what is predicted depends on the state.

    Attributes:
        model: whose crystals.
        elements: which element each atom may have.
        mask: which atoms are real.
    """

    def __init__(self, model: CrystalModel, elements: Elements, mask: Mask) -> None:
        self.model, self.elements, self.mask = model, elements, mask

    def __call__(self, predictions: Predictions, states: States, t: PerCrystal, ask: Ask) -> Predictions:
        """The predictions with those of the species changed to allowed elements. Asks for nothing."""
        codec, process = self.model.species_codec, self.model.processes["species"]
        said = predictions["species"]
        if not isinstance(codec, Codes):
            return {**predictions, "species": said.masked_fill(~self.elements, NEVER)}
        state = states["species"]
        expected = codec.restricted(process.endpoint(state, said, t, self.mask), self.elements)
        expected = expected * self.mask.unsqueeze(-1)
        return {**predictions, "species": process.towards(state, said, expected, t, self.mask)}

    def settle(self, states: States) -> States:
        codec = self.model.species_codec
        if not isinstance(codec, Codes):
            return states
        state = states["species"]
        nearest = codec.nearest(self.model.processes["species"].decode(state), self.elements)
        return {**states, "species": {**state, "x": nearest * self.mask.unsqueeze(-1)}}


def allowed_in(requests: Sequence[Request], mask: Mask, model: CrystalModel, seed: int) -> Allowed | None:
    """What the requests allow, on the device of mask [crystals, atoms]; None where they allow everything.

    Raises FormulaError for a template with fewer orbits than elements that have to be there.
    """
    if not any(request.allowed for request in requests):
        return None
    elements = torch.ones(*mask.shape, MAX_ATOMIC_NUMBER, dtype=torch.bool)
    for row, request in enumerate(requests):
        if request.allowed:
            elements[row] = _only(request.allowed)
            for element, atoms in _places(request, seed):
                elements[row, atoms] = _only((element,))
    return Allowed(model, elements.to(mask.device), mask)


def _only(numbers: Sequence[int]) -> Tensor:
    allowed = torch.zeros(MAX_ATOMIC_NUMBER, dtype=torch.bool)
    allowed[torch.tensor(numbers) - 1] = True
    return allowed


def _places(request: Request, seed: int) -> list[tuple[int, list[int]]]:
    """Each required element with the atoms that have it."""
    orbits = [atoms for atoms in orbits_of(request) if request.species[atoms[0]] == 0]
    missing = [number for number in request.required if number not in request.species]
    if len(orbits) < len(missing):
        words = ", ".join(SYMBOLS[number] for number in missing)
        raise FormulaError(
            f"{len(orbits)} free sites can't hold {words}, each of which has to be there",
            "allow these elements with --at-most, or ask for more atoms",
        )
    if request.template is not None:
        # orbits differ, so elements are shared out at random
        draws = Noise.of(seed, torch.tensor([request.key])).at(SLOTS.step()).uniform(len(orbits))
        orbits = [orbits[place] for place in draws[0].argsort().tolist()]
    return list(zip(missing, orbits, strict=False))


def orbits_of(request: Request) -> list[list[int]]:
    """Atoms whose species are alike: those of an orbit under a template, each by itself elsewhere."""
    if request.template is None:
        return [[atom] for atom in range(len(request.species))]
    first = np.asarray(request.template.images).min(0)
    return [np.flatnonzero(first == one).tolist() for one in np.unique(first)]
