"""Offers of one composition, merged, relaxed where that is asked for, and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nucleate.answers.answer import Ranked
from nucleate.answers.merge import merged
from nucleate.answers.offers import Offer
from nucleate.answers.relaxing import relaxed
from nucleate.answers.score import features, probabilities, shipped
from nucleate.answers.settings import AnswerSettings
from nucleate.energies.potential import Potential

DRAWN = frozenset({"free"})
"""Proposers whose offers are samples: how many agree says something."""


def ranked(offers: Sequence[Offer], settings: AnswerSettings, potential: Potential | None) -> list[Ranked]:
    """Different structures, best first."""
    structures = merged(offers, DRAWN)
    draws = sum(offer.by in DRAWN for offer in offers)
    found = [Ranked(one.first.cell, one) for one in structures]
    found = _judged(found, draws, False)
    if potential is not None:
        found = relaxed(found, settings.relaxed, potential)
        found = _judged(found, draws, True)
    return sorted(found, key=lambda one: _place(one, settings))


def _judged(found: Sequence[Ranked], draws: int, energies: bool) -> list[Ranked]:
    """With probabilities, best first."""
    if not found:
        return []
    x, none = features([one.structure for one in found], draws, [one.energy for one in found])
    shares = probabilities(x, none, shipped(energies))
    return [replace(found[i], probability=float(shares[i])) for i in np.argsort(-shares, kind="stable")]


def _place(one: Ranked, settings: AnswerSettings) -> tuple[float, ...]:
    if settings.rank == "prior":
        return (-one.structure.probability, -one.probability)
    if settings.rank == "agreement":
        return (-one.structure.votes["free"], -one.probability)
    if settings.rank == "energy":
        return (float("inf") if one.energy is None else one.energy, -one.probability)
    return (-one.probability,)
