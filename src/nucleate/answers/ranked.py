"""Offers of one composition, merged, relaxed where that is asked for, and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nucleate.answers.merge import Structure, merged
from nucleate.answers.offers import Offer
from nucleate.answers.score import features, probabilities, shipped
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell
from nucleate.energies.potential import Potential

DRAWN = frozenset({"free"})
"""Proposers whose offers are samples: how many agree says something."""


@dataclass(frozen=True)
class Ranked:
    """One answer.

    Attributes:
        cell: the structure, relaxed where there is an energy.
        structure: with all offers that are it.
        probability: that it is the structure in question.
        energy: after relaxation, eV/atom, None without.
        above: the lowest energy among the answers, eV/atom, None without.
    """

    cell: Cell
    structure: Structure
    probability: float = 0.0
    energy: float | None = None
    above: float | None = None

    def origin(self) -> dict[str, str | int | float]:
        """What files say of it."""
        first, votes = self.structure.first, self.structure.votes
        found: dict[str, str | int | float] = {
            "probability": round(self.probability, 4),
            "proposed_by": "+".join(f"{name}:{number}" for name, number in votes.items()),
        }
        if first.prototype:
            found |= {"prototype": first.prototype, "source": first.source, "known": int(first.known)}
        if self.energy is not None and self.above is not None:
            found |= {"energy_per_atom": round(self.energy, 5), "above_lowest": round(self.above, 5)}
        return found


def ranked(offers: Sequence[Offer], settings: AnswerSettings, potential: Potential | None) -> list[Ranked]:
    """Different structures, best first."""
    structures = merged(offers, DRAWN)
    draws = sum(offer.by in DRAWN for offer in offers)
    found = [Ranked(one.first.cell, one) for one in structures]
    found = _judged(found, draws, False)
    if potential is not None:
        from nucleate.answers.relaxing import relaxed

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
