"""Ways to take one step of one process, by the names that the tests of single processes share."""

from __future__ import annotations

from nucleate.processes.base import LangevinSettings
from nucleate.processes.gaussian import GaussianStep
from nucleate.processes.kinetic import KineticStep
from nucleate.sampling.methods.base import along, drawn
from nucleate.sampling.methods.pc import predicted
from nucleate.testing import Way

EM, EULER, ODE, PC = Way(drawn), Way(drawn, GaussianStep(euler=True)), Way(along), Way(predicted)
WAYS = {
    "em": EM,
    "em-euler": EULER,
    "ode": ODE,
    "pc-stochastic": Way(drawn, langevin=LangevinSettings(corrector="expected")),
    "pc": Way(predicted, KineticStep(drift_in_corrector=False)),
}
