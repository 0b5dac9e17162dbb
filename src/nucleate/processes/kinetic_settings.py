"""Settings of kinetic Langevin diffusion, see `nucleate.processes.kinetic` (KLDM, arXiv 2507.03602)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.errors import RecipeError


@dataclass(frozen=True)
class KineticSettings:
    """Settings of the kinetic process.

    Attributes:
        parametrisation: `simplified` asks the network for the wrapped-normal part of the velocity score in units of its
            standard deviation (needs initial_velocity = 0); `direct` asks for the whole conditional score.
        direct_weight: of the direct loss in time, `flat` as in the public code, or `balanced`: lambda(t) =
            1 / E[target^2], losses of the same size at all times, which is what the paper's lambda(t) is for.
        horizon: the paper's T, how long the forward process runs.
        initial_velocity: standard deviation of the velocities that the data are given at t = 1.
        centred: keep the net translation of noise, velocities and targets at zero.
        shown: what the network sees. `state` is the paper's: coordinates and velocities as they are. `rest` shows
            theta - tanh(tau/2) v, the coordinates without the displacement that the velocity explains, and no velocity:
            for data at rest the kernel above makes theta_0 depend on the state through it alone, so nothing is lost
            and the network need not learn the shift of every wave by the velocity.
    """

    parametrisation: Literal["simplified", "direct"] = "simplified"
    direct_weight: Literal["flat", "balanced"] = "flat"
    horizon: float = 2.0
    initial_velocity: float = 0.0
    centred: bool = True
    shown: Literal["state", "rest"] = "state"

    def __post_init__(self) -> None:
        # Beyond 10 the wrapped normal is flat to float32, and its score is rounding.
        if not 1e-3 <= self.horizon <= 10:
            raise RecipeError(
                f"horizon = {self.horizon} of the kinetic process can't be", "give a horizon from 0.001 to 10"
            )
        if not 0 <= self.initial_velocity <= 100:
            raise RecipeError(
                f"initial_velocity = {self.initial_velocity} of the kinetic process can't be",
                "give a standard deviation from 0 to 100",
            )


@dataclass(frozen=True, kw_only=True)
class KineticStep:
    """Settings of a step.

    Attributes:
        drift_in_corrector: whether the corrector, which draws velocities, moves the coordinates as well.
    """

    drift_in_corrector: bool = True
