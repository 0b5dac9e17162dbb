"""How probable it is that a structure is the one in question: a conditional logit over all structures of a composition.

Every structure has a utility, linear in what is known of it, and so has "none of them"; their softmax are the
probabilities (McFadden 1974). What is known: the proposers' probability, how many free draws agree, and, where energies
were asked for, how far a structure lies above the lowest. The weights are fitted by benchmarks/fit_answers.py on
compositions that the proposers had not seen, and come with the package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from nucleate.answers.merge import Structure

FLOOR = 1e-3
"""Added to probabilities before their logarithm."""
THERMAL = 0.025
"""eV/atom, the unit of energies."""
MOST_ENERGY = 8.0
"""In units of THERMAL: what lies higher counts as this high."""

FEATURES = ("prior", "first", "drawn", "agreement", "new", "energy", "without_energy")
NONE_FEATURES = ("bias", "doubt", "scattered")


@dataclass(frozen=True, eq=False)
class Weights:
    """Of the utilities.

    Attributes:
        structure: of FEATURES, for a structure.
        none: of NONE_FEATURES, for the case that none is right.
    """

    structure: np.ndarray
    none: np.ndarray


@lru_cache
def shipped(energies: bool) -> Weights:
    """The weights in the package, with and without energies."""
    entry = json.loads(files("nucleate.answers").joinpath("weights.json").read_text())
    entry = entry["energies" if energies else "structures"]
    structure = np.array([entry["structure"].get(name, 0.0) for name in FEATURES])
    return Weights(structure, np.array([entry["none"].get(name, 0.0) for name in NONE_FEATURES]))


def features(
    structures: Sequence[Structure], draws: int, energies: Sequence[float | None]
) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each structure [structures, FEATURES], and of there being none [NONE_FEATURES].

    Args:
        draws: of the free model, all of them.
        energies: eV/atom after relaxation, None where there is none.
    """
    prior = np.array([one.probability for one in structures])
    free = np.array([one.votes["free"] for one in structures], dtype=float)
    share = free / max(draws, 1)
    known = [energy for energy in energies if energy is not None]
    least = min(known, default=0.0)
    above = np.array([0.0 if energy is None else (energy - least) / THERMAL for energy in energies])
    missing = np.array([energy is None and bool(known) for energy in energies], dtype=float)
    first = np.zeros(len(structures))
    if prior.any():
        first[prior.argmax()] = 1.0
    columns = [
        np.log(prior + FLOOR), first, free > 0, share, prior == 0,
        np.minimum(above, MOST_ENERGY), missing,
    ]  # fmt: skip
    none = [1.0, np.log(max(1.0 - prior.sum(), 0.0) + FLOOR), 1.0 - share.max(initial=0.0) if draws else 0.0]
    return np.stack(columns, axis=1).astype(float).reshape(-1, len(FEATURES)), np.array(none)


def probabilities(x: np.ndarray, none: np.ndarray, weights: Weights) -> np.ndarray:
    """That each structure is the right one; what is missing to 1 is that none is. [structures]"""
    utility = np.append(x @ weights.structure, none @ weights.none)
    share = np.exp(utility - utility.max())
    return (share / share.sum())[:-1]
