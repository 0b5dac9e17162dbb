"""Ways to take one step of one process, by the names that the suites share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from nucleate.processes.base import LangevinSettings, Move, Process, State
from nucleate.processes.gaussian import GaussianStep
from nucleate.processes.kinetic import KineticStep
from nucleate.sampling.methods.base import along, drawn
from nucleate.sampling.methods.pc import predicted
from nucleate.sampling.walk import Step


@dataclass(frozen=True)
class Way:
    """A step with the settings that it takes.

    Attributes:
        step: as methods take it.
        settings: of one class of processes; others have their defaults.
        langevin: size of a corrector's step.
    """

    step: Step
    settings: Any = None
    langevin: LangevinSettings = LangevinSettings()

    def move(self, t, t_next, mask, noise, anneal: float = 0.0) -> Move:
        return Move(t, t_next, mask, noise, anneal, self.settings, self.langevin)

    def corrected(self, process: Process, state: State, prediction: Tensor, move: Move) -> State:
        """The state after a corrector step, if the process has one."""
        return process.correct(state, prediction, move) if "correction" in process.can else state


EM, EULER, ODE, PC = Way(drawn), Way(drawn, GaussianStep(euler=True)), Way(along), Way(predicted)
WAYS = {
    "em": EM,
    "em-euler": EULER,
    "ode": ODE,
    "pc-stochastic": Way(drawn, langevin=LangevinSettings(corrector="expected")),
    "pc": Way(predicted, KineticStep(drift_in_corrector=False)),
}
