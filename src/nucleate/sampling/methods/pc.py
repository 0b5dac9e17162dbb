"""`pc`: a predictor and a Langevin corrector (Song et al. 2021, arXiv 2011.13456; DiffCSP, KLDM)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

from nucleate.model.crystal_model import States
from nucleate.processes.base import LangevinSettings, Move, Process, State
from nucleate.sampling.methods.base import Method, drawn
from nucleate.sampling.walk import NOTHING, Walk

Predictor = Literal["ode", "em"]
OwnPredictor = Literal["same", "ode", "em"]


@dataclass(frozen=True, kw_only=True)
class PredictorCorrectorSettings(LangevinSettings):
    """Settings of `pc`, beside the size of the corrector's step.

    Attributes:
        order: which of the two comes first: `corrector-first` is the published code of KLDM and DiffCSP,
            `predictor-first` the algorithm 4 of KLDM's paper.
        predictor: a step of the probability flow (`ode`, KLDM) or of the stochastic equation (`em`, DiffCSP).
        predictor_frac, predictor_lattice, predictor_species: the predictor of this quantity; `same` is that of all.
        corrects: what the corrector moves: `all` quantities that have one, or the coordinates (`frac`) alone.
    """

    order: Literal["corrector-first", "predictor-first"] = "corrector-first"
    predictor: Predictor = "ode"
    predictor_frac: OwnPredictor = "same"
    predictor_lattice: OwnPredictor = "same"
    predictor_species: OwnPredictor = "same"
    corrects: Literal["all", "frac"] = "all"

    def predictor_of(self, name: str) -> Predictor:
        """The predictor of `frac`, `lattice` or `species`; that of all for other names."""
        own: OwnPredictor = getattr(self, f"predictor_{name}", "same")
        return self.predictor if own == "same" else own


def predicted(process: Process, state: State, prediction: Tensor, move: Move) -> State:
    """The deterministic predictor of a process; a drawn step of one that has no probability flow."""
    if "flow" in process.can:
        return process.predict(state, prediction, move)
    return process.step(state, prediction, move)


class PredictorCorrector(Method):
    """First order, two evaluations a step. By name it takes the corrector whose step size is not biased."""

    name = "pc"
    Settings = PredictorCorrectorSettings
    asks = 2
    by_name = {"corrector": "expected"}  # noqa: RUF012 - a constant of the class, as the base says

    def step(self, walk: Walk, states: States, move: Move) -> States:
        if self.settings.order == "corrector-first":
            return self._predict(walk, self._correct(walk, states, move), move)
        ahead = self._predict(walk, states, move)
        return self._correct(walk, ahead, replace(move, t=move.t_next, t_next=move.t))

    def _predict(self, walk: Walk, states: States, move: Move) -> States:
        predictions = walk.ask(states, move.t, move.mask)
        steps = {"ode": predicted, "em": drawn}
        return walk.moved(states, predictions, move, lambda name: steps[self.settings.predictor_of(name)])

    def _correct(self, walk: Walk, states: States, move: Move) -> States:
        """The states after a corrector step at the move's t."""
        predictions, move = walk.ask(states, move.t, move.mask), replace(move, langevin=self.settings)
        corrected = dict(states)
        for name, process in walk.model.processes.items():
            if self.settings.corrects in ("all", name) and "correction" in process.can:
                said = predictions.get(name, NOTHING)
                corrected[name] = process.correct(states[name], said, walk.own(move, name))
        return corrected
