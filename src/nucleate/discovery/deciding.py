"""Which of several proposed crystals of one composition is right: a small fitted model of what is known of each.

The utility of a candidate is linear in its features, that of "none of them" a number and a weight for how many there
are; probabilities are their softmax, so that they add up to 1 with that of none (a conditional logit, McFadden 1974).
Energy alone prefers other polymorphs than those that are known; the prior alone does not see strained cells. The
weights, and what they were fitted to, are in `deciding.json` (benchmarks/fit_energies.py makes it).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.errors import DataError, NucleateError
from nucleate.files import parse_json

SHIPPED = Path(__file__).with_name("deciding.json")
MOST_ABOVE, MOST_GAIN, MOST_VOLUME = 0.2, 0.005, 0.3
"""Features beyond these, in eV/atom, eV/atom and as a share, say no more than these do.

What a crystal gains tells whether it was at rest already. How much more it gains tells how foreign the bonds were of
the crystal it was made from, which its score says as well: olivine made of LiNiAsO4 gains 250 meV/atom as LiFePO4.
"""
FLOOR = 1e-3
"""Added to a score before its logarithm is taken."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one candidate.

    Attributes:
        score: of the retrieval, the larger the better; a probability where it comes from a ranking.
        place: among the proposals, from 0.
        votes: candidates that suggest the same structure.
        known: whether it is a known crystal of this very formula, where another one is asked for.
        above: energy above the lowest of all candidates, relaxed, eV/atom; None where there is no energy.
        gain: what relaxation lowered its energy by, eV/atom; None where there is no energy.
        volume_change: relative, by relaxation; None where there is none.
    """

    score: float
    place: int
    votes: int
    known: bool = False
    above: float | None = None
    gain: float | None = None
    volume_change: float | None = None


def features(one: Evidence) -> dict[str, float]:
    """Numbers of a candidate that utilities are linear in; without an energy it stands at the limits."""
    above = MOST_ABOVE if one.above is None else min(one.above, MOST_ABOVE)
    gain = MOST_GAIN if one.gain is None else min(max(one.gain, 0.0), MOST_GAIN)
    change = MOST_VOLUME if one.volume_change is None else min(abs(one.volume_change), MOST_VOLUME)
    return {
        "score": one.score,
        "log_score": float(np.log(max(one.score, 0.0) + FLOOR)),
        "first": float(one.place == 0),
        "log_place": float(np.log1p(one.place)),
        "log_votes": float(np.log(max(one.votes, 1))),
        "known": float(one.known),
        "above": 1000 * above,
        "root_above": float(np.sqrt(1000 * above)),
        "root_gain": float(np.sqrt(1000 * gain)),
        "volume_change": 100 * change,
    }


FEATURES = tuple(features(Evidence(0.0, 0, 1)))
OF_ENERGIES = ("above", "root_above", "root_gain", "volume_change")


@dataclass(frozen=True)
class Decision:
    """A fitted model.

    Attributes:
        weights: of the features; those that are missing count nothing.
        none: utility of "none of them".
        none_per_candidate: added to it for each candidate.
        card: what it was fitted to, when, by which command, and how well it does.
    """

    weights: Mapping[str, float]
    none: float
    none_per_candidate: float
    card: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path = SHIPPED) -> Decision:
        """From a file. Raises DataError where it is no such model."""
        fields = parse_json(path.read_text())
        try:
            model = cls(fields["weights"], fields["none"], fields["none_per_candidate"], fields["card"])
        except (KeyError, TypeError):
            raise DataError(
                f"{path} holds no model of decisions", "fit one with benchmarks/fit_energies.py"
            ) from None
        unknown = set(model.weights) - set(FEATURES)
        if unknown:
            raise DataError(
                f"{path} weighs {', '.join(sorted(unknown))}, which is no feature",
                f"the features are: {', '.join(FEATURES)}",
            )
        return model

    def probabilities(self, candidates: Sequence[Evidence]) -> tuple[np.ndarray, float]:
        """That each candidate of one composition is the right one [candidates], and that none of them is.

        Raises NucleateError where what is known is not finite.
        """
        utilities = np.array([self._utility(one) for one in candidates] + [self._nothing(len(candidates))])
        if not np.isfinite(utilities).all():
            raise NucleateError(
                "a candidate has a score, an energy or a volume change that is no finite number",
                "give None for an energy that there is not",
            )
        powers = np.exp(utilities - utilities.max())
        shares = powers / powers.sum()
        return shares[:-1], float(shares[-1])

    def of_energies(self, one: Evidence) -> float:
        """The part of a candidate's utility that its energies decide."""
        values = features(one)
        return sum(self.weights.get(name, 0.0) * values[name] for name in OF_ENERGIES)

    def _utility(self, one: Evidence) -> float:
        return sum(self.weights.get(name, 0.0) * value for name, value in features(one).items())

    def _nothing(self, candidates: int) -> float:
        return self.none + self.none_per_candidate * candidates

    def to_json(self) -> str:
        """As the file holds it."""
        fields = {
            "weights": dict(self.weights), "none": self.none, "none_per_candidate": self.none_per_candidate,
            "card": dict(self.card),
        }  # fmt: skip
        return json.dumps(fields, indent=1) + "\n"


@cache
def shipped_decision() -> Decision:
    """The one that comes with the package."""
    return Decision.open()
