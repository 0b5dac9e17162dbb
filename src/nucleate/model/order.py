"""The order of a training crystal's atoms, which a network with an index reads (`nucleate.networks.index`).

As MaskGXT does (arXiv 2606.22866): atoms of an orbit stand together, larger orbits first; orbits of one size, and the
atoms of an orbit, are in random order, so that an index tells which atoms belong together and no more. Elements follow
each other by atomic number, which tells nothing to a network that knows them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.crystals import Crystals
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.geometry.noise import Noise

Orbits = Int[Tensor, "crystals atoms"]


def multiplicities(orbits: Orbits, mask: Mask) -> Orbits:
    """How many atoms the orbit of each has."""
    return ((orbits.unsqueeze(2) == orbits.unsqueeze(1)) & mask.unsqueeze(1)).sum(2)


def drawn_order(crystals: Crystals, orbits: Orbits, noise: Noise) -> Orbits:
    """A random order of this kind: the atom that comes to each place.

    orbits: for each atom the first atom of its orbit, anything in padding.
    """
    mask, atoms = crystals.mask, crystals.mask.shape[1]
    among, within = noise.uniform(atoms), noise.uniform(atoms)
    place = among.double().gather(1, orbits.clamp(0, atoms - 1)) - multiplicities(orbits, mask)
    order = within.argsort(dim=1, stable=True)
    place = place.masked_fill(~mask, torch.inf).gather(1, order)
    order = order.gather(1, place.argsort(dim=1, stable=True))
    number = crystals.species.gather(1, order).masked_fill(~mask, MAX_ATOMIC_NUMBER + 1)
    return order.gather(1, number.argsort(dim=1, stable=True))


def ordered(crystals: Crystals, order: Orbits) -> Crystals:
    """The crystals with their atoms in this order."""
    frac = crystals.frac.gather(1, order.unsqueeze(-1).expand(-1, -1, 3))
    return replace(crystals, species=crystals.species.gather(1, order), frac=frac)
