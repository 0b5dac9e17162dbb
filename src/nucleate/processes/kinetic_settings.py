"""Settings of kinetic Langevin diffusion, see `nucleate.processes.kinetic` (KLDM, arXiv 2507.03602)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.errors import RecipeError
from nucleate.settings import within


@dataclass(frozen=True)
class KineticSettings:
    """Settings of the kinetic process.

    Attributes:
        parametrisation: `simplified` asks the network for the wrapped-normal part of the velocity score in units of its
            standard deviation (needs initial_velocity = 0); `direct` asks for the whole conditional score.
        direct_weight: weight of the direct loss at time t, `flat` as in the public code, or `balanced`: lambda(t) =
            1 / E[target^2], so that losses are equally large at all times, the purpose of the paper's lambda(t).
        horizon: the paper's T, how long the forward process runs.
        initial_velocity: standard deviation of the data's velocities at t = 1.
        centred: keep the net translation of noise, velocities and targets at zero.
        shown: what the network sees. `state` is the paper's: coordinates and velocities as they are. `rest` shows
            theta - tanh(tau/2) v, the coordinates without the displacement that the velocity explains, and no velocity:
            for data at rest theta_0 depends on the state through it alone, so nothing is lost, and the network need
            not learn how a velocity shifts every wave.
        bins: on each axis, in which the network gives a distribution of the displacement that the velocity does not
            explain (`nucleate.processes.soft_bins`); 0 asks for its mean score alone.
    """

    parametrisation: Literal["simplified", "direct"] = "simplified"
    direct_weight: Literal["flat", "balanced"] = "flat"
    horizon: float = 2.0
    initial_velocity: float = 0.0
    centred: bool = True
    shown: Literal["state", "rest"] = "state"
    bins: int = 0

    def __post_init__(self) -> None:
        # Beyond 10 the wrapped normal is flat in float32, and its score is rounding error.
        if not 1e-3 <= self.horizon <= 10:
            raise RecipeError(
                f"horizon must be between 0.001 and 10; got {self.horizon}", "the published value is 2"
            )
        within(self, 0, 1024, "bins", "frac.")
        if not 0 <= self.initial_velocity <= 100:
            raise RecipeError(
                f"initial_velocity must be between 0 and 100; got {self.initial_velocity}",
                "the published value is 0, data at rest",
            )


@dataclass(frozen=True, kw_only=True)
class KineticStep:
    """Settings of a step.

    Attributes:
        drift_in_corrector: whether the corrector, which draws velocities, moves the coordinates as well.
    """

    drift_in_corrector: bool = True
