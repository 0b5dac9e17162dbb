"""What a composition is to a linear model: fractions of the elements, moments of their features, and products of these.

The features of an element are those of `prototypes.chemistry` (period, group, Mendeleev number, electronegativity,
radius) and the logarithm of its mass. Fractions may be soft, of atoms that are this element with some probability, and
everything here has a gradient.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from nucleate.data.table import CrystalTable
from nucleate.elements import ATOMIC_MASSES, MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.prototypes.chemistry import element_vectors

ELEMENTS = MAX_ATOMIC_NUMBER + 1
"""Columns of fractions: atomic numbers, with an unknown element in column 0."""
LEAST_SPREAD = 1e-3

Fractions = Float[Tensor, "crystals elements"]


@cache
def element_features() -> np.ndarray:
    """One row for each atomic number, mean 0 over the elements; row 0 is zero. [elements, features]"""
    mass = np.zeros(ELEMENTS)
    mass[1:] = np.log(ATOMIC_MASSES[1:ELEMENTS])
    mass[1:] = (mass[1:] - mass[1:].mean()) / mass[1:].std()
    features = np.concatenate([element_vectors(), mass[:, None]], 1)
    features[0] = 0
    return features


def fractions_of(table: CrystalTable) -> Float[Tensor, "crystals elements"]:
    """Fractions of the elements in each crystal of a table, float64."""
    found = np.zeros((len(table), ELEMENTS))
    rows = np.repeat(np.arange(len(table)), table.sizes)
    np.add.at(found, (rows, table.species), 1 / table.sizes[rows])
    return torch.from_numpy(found)


def moments(fractions: Fractions, features: Tensor) -> Float[Tensor, "crystals moments"]:
    """Mean and standard deviation of each feature over the atoms, and the chance that two atoms are of one element.

    features: [elements, features]
    """
    mean = fractions @ features
    variance = (fractions @ features.square() - mean.square()).clamp(min=0)
    spread = torch.sqrt(variance + LEAST_SPREAD**2) - LEAST_SPREAD
    return torch.cat([mean, spread, fractions.square().sum(-1, keepdim=True)], -1)


def described(fractions: Fractions, features: Tensor) -> Float[Tensor, "crystals columns"]:
    """Fractions of the elements 1 to 100, their moments, and all products of two moments: what the ridge sees."""
    found = moments(fractions, features)
    one, other = torch.triu_indices(found.shape[-1], found.shape[-1], device=found.device)
    return torch.cat([fractions[..., 1:], found, found[..., one] * found[..., other]], -1)


def widths(features: int) -> tuple[int, int]:
    """Columns of `moments` and of `described` for so many features."""
    count = 2 * features + 1
    return count, ELEMENTS - 1 + count + count * (count + 1) // 2


def system_of(table: CrystalTable, row: int) -> str:
    """The chemical system of a crystal, such as `O-Sr-Ti`."""
    numbers = np.unique(table.species[table.atoms_of(row)])
    return "-".join(sorted(SYMBOLS[number] for number in numbers.tolist()))
