"""What the calls so far teach: a delta model, and calibrated intervals of what it says.

The model of all others is asked about each candidate that was computed. The 90 % quantile of its errors in units of its
standard deviations, over that of a normal distribution, is the factor that stretches them (leave-one-out; conformal
quantile). With fewer than nine calls they stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from nucleate.cell import Cell
from nucleate.properties.conformal import conformal_quantile, needed
from nucleate.properties.delta import LEAST, DeltaModel, places_of

CONFIDENCE = 0.9
NORMAL = 1.6448536269514722
"""Standard deviations to either side that hold 90 % of a normal distribution."""

Each = Float[np.ndarray, " crystals"]


@dataclass(frozen=True, eq=False)
class Learned:
    """A calibrated delta model.

    Attributes:
        model: of the oracle's distances from the hull less the potential's, eV/atom.
        factor: by which its standard deviations are stretched.
    """

    model: DeltaModel
    factor: float

    def expects(self, cells: Sequence[Cell]) -> tuple[Each, Each, Each]:
        """Mean and standard deviation of the difference, and half the length of an interval of 90 % with the noise of
        a calculation, eV/atom."""
        mean, deviation = self.model.predict(places_of(cells))
        noisy = np.hypot(deviation, self.model.noise * self.model.scale)
        return mean, self.factor * deviation, self.factor * NORMAL * noisy

    @property
    def numbers(self) -> dict[str, float]:
        """Of the model."""
        return {name: float(getattr(self.model, name)) for name in ("length", "noise", "mean", "scale")}


def learned(cells: Sequence[Cell], differences: Sequence[float]) -> Learned | None:
    """From crystals that were computed and what the potential is wrong by; None for too few of them."""
    if len(cells) < LEAST:
        return None
    values = np.array(differences)
    model = DeltaModel.fit(places_of(cells), values)
    factor = 1.0
    if len(cells) >= needed(CONFIDENCE):
        mean, deviation = model.left_out(values)
        factor = conformal_quantile(np.abs(values - mean) / deviation, CONFIDENCE) / NORMAL
    return Learned(model, factor)
