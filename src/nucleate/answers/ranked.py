"""Offers of one composition, merged, relaxed if asked for, and ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nucleate.answers.answer import Ranked
from nucleate.answers.budget import UNLIMITED, Budget
from nucleate.answers.merge import DRAWN, merged
from nucleate.answers.offers import Offer
from nucleate.answers.relaxing import RELAXING, relaxed
from nucleate.answers.score import features, probabilities, shared_by_energies, shipped, with_stated
from nucleate.answers.settings import AnswerSettings
from nucleate.energies.potential import Potential


def ranked(
    offers: Sequence[Offer], settings: AnswerSettings, potential: Potential | None, budget: Budget = UNLIMITED
) -> list[Ranked]:
    """Different structures, best first."""
    structures = merged(offers, DRAWN)
    draws = sum(offer.by in DRAWN for offer in offers)
    found = [Ranked(one.first.cell, one) for one in structures]
    if found:
        x, none = features(structures, draws)
        stated = np.array([one.stated for one in structures])
        found = _with(found, with_stated(probabilities(x, none, shipped()), stated))
    if found and potential is not None and not budget.spent(RELAXING):
        found = relaxed(found, settings.relaxed, potential, budget)
        shares = np.array([one.probability for one in found])
        log_odds = np.array([_said_by_energies(one) for one in found])
        found = _with(found, shared_by_energies(shares, log_odds))
    return sorted(found, key=lambda one: _place(one, settings))


def _said_by_energies(one: Ranked) -> float:
    """The logarithm of the odds; NaN where there is no energy, and where a report outweighs it."""
    return np.nan if one.log_odds is None or one.structure.reported else one.log_odds


def _with(found: Sequence[Ranked], shares: np.ndarray) -> list[Ranked]:
    """Structures with these probabilities, best first."""
    order = np.argsort(-shares, kind="stable").tolist()
    return [replace(found[i], probability=float(shares[i])) for i in order]


def _place(one: Ranked, settings: AnswerSettings) -> tuple[float, ...]:
    if settings.rank == "prior":
        return (-one.structure.probability, -one.probability)
    if settings.rank == "agreement":
        return (-one.structure.agreeing, -one.probability)
    if settings.rank == "energy":
        return (float("inf") if one.energy is None else one.energy, -one.probability)
    return (-one.probability,)
