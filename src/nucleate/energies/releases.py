"""Whether energies of formation and distances from the hull of a data set come from one release of a database.

A structure with a formation energy and a known energy above the hull gives a point of that hull, at its composition:
their difference. Structures of one composition must give the same point; where they don't, the columns were collected
at different times, and distances from a hull of these points are as uncertain as the points are.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from nucleate.energies.convex_hull import Phases

TOLERANCE = 1e-3
"""eV/atom; more than rounding."""


@dataclass(frozen=True)
class Releases:
    """How well the hull's points of structures with the same composition agree.

    Attributes:
        compositions: with two or more structures whose distance from the hull is known.
        agreeing: of them, those whose points lie within TOLERANCE of each other.
        median, worst: range of the points of a composition, eV/atom; 0 without compositions.
    """

    compositions: int
    agreeing: int
    median: float
    worst: float

    @property
    def one(self) -> bool:
        """Whether nothing speaks against one release."""
        return self.agreeing == self.compositions

    def to_dict(self) -> dict[str, Any]:
        return {
            "compositions": self.compositions,
            "agreeing": self.agreeing,
            "median_range": self.median,
            "worst_range": self.worst,
        }


def releases(phases: Phases, formation: np.ndarray, distances: np.ndarray) -> Releases:
    """Compare the points of the hull that structures give.

    Args:
        phases: compositions.
        formation: formation energies, eV/atom, NaN where unknown. [phases]
        distances: energies above the hull, eV/atom, NaN where unknown. [phases]
    """
    points = formation - np.maximum(distances, 0)
    groups: defaultdict[bytes, list[float]] = defaultdict(list)
    for fractions, point in zip(np.round(phases.fractions, 9), points, strict=True):
        if np.isfinite(point):
            groups[fractions.tobytes()].append(float(point))
    ranges = np.array([max(group) - min(group) for group in groups.values() if len(group) > 1])
    if not len(ranges):
        return Releases(0, 0, 0.0, 0.0)
    agreeing = int((ranges <= TOLERANCE).sum())
    return Releases(len(ranges), agreeing, float(np.median(ranges)), float(ranges.max()))
