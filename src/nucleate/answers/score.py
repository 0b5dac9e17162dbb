"""The probability that a structure is the right one: a conditional logit over all structures of a composition.

Every structure has a utility, linear in what is known of it, and so has "none of them"; their softmax are the
probabilities (McFadden 1974). What is known: the proposers' probability, and how many free draws agree. The weights are
fitted by benchmarks/fit_answers.py on compositions that the proposers had not seen, and come with the package. Energies
only redistribute the total of the structures that have one (`nucleate.discovery.deciding`).
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
"""Added to probabilities before taking logarithms."""

FEATURES = ("prior", "first", "drawn", "agreement", "new")
NONE_FEATURES = ("bias", "doubt", "scattered")


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of the utilities.

    Attributes:
        structure: of FEATURES, for a structure.
        none: of NONE_FEATURES, for "none of them".
    """

    structure: np.ndarray
    none: np.ndarray


@lru_cache
def shipped() -> Weights:
    """The weights in the package."""
    entry = json.loads(files("nucleate.answers").joinpath("weights.json").read_text())
    structure = np.array([entry["structure"].get(name, 0.0) for name in FEATURES])
    return Weights(structure, np.array([entry["none"].get(name, 0.0) for name in NONE_FEATURES]))


def features(structures: Sequence[Structure], draws: int) -> tuple[np.ndarray, np.ndarray]:
    """What is known of each structure [structures, FEATURES], and of "none of them" [NONE_FEATURES].

    draws: all of them, whoever drew them; the weights were fitted with those of the free model alone.
    """
    prior = np.array([one.probability for one in structures])
    drawn = np.array([one.agreeing for one in structures], dtype=float)
    share = drawn / max(draws, 1)
    first = np.zeros(len(structures))
    if prior.any():
        first[prior.argmax()] = 1.0
    columns = [np.log(prior + FLOOR), first, drawn > 0, share, prior == 0]
    none = [1.0, np.log(max(1.0 - prior.sum(), 0.0) + FLOOR), 1.0 - share.max(initial=0.0) if draws else 0.0]
    return np.stack(columns, axis=1).astype(float).reshape(-1, len(FEATURES)), np.array(none)


def probabilities(x: np.ndarray, none: np.ndarray, weights: Weights) -> np.ndarray:
    """Probability that each structure is the right one; the rest to 1 is that of none. [structures]"""
    utility = np.append(x @ weights.structure, none @ weights.none)
    share = np.exp(utility - utility.max())
    return (share / share.sum())[:-1]


def with_stated(shares: np.ndarray, stated: np.ndarray) -> np.ndarray:
    """Probabilities with stated ones in place of estimates; the others share the rest. [structures]

    Args:
        shares: as `probabilities` gives them.
        stated: NaN where none is. [structures]
    """
    known = np.isfinite(stated)
    if not known.any():
        return shares
    left = max(1.0 - stated[known].sum(), 0.0)
    others = 1.0 - shares[known].sum()
    return np.where(known, stated, shares * left / max(others, FLOOR))


def shared_by_energies(shares: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """The total of the structures with energies, redistributed by shares and log-odds. [structures]

    log_odds: from energies, NaN where there are none. [structures]
    """
    raced = np.isfinite(log_odds)
    if not raced.any():
        return shares
    odds = shares[raced] * np.exp(log_odds[raced] - log_odds[raced].max())
    found = shares.copy()
    found[raced] = odds * shares[raced].sum() / max(odds.sum(), 1e-300)
    return found
