"""Relaxation in free parameters, one evaluation at a time: whoever evaluates asks for a cell and tells what was said.

BFGS with the Hessian of springs to start from, whose scale is set by the first step (Nocedal & Wright, Numerical
Optimization, 2006, eq. 6.20), and steps within a trust radius. A step that goes up is taken back; what it taught is
kept. The same model says how much energy is still to be gained, g H^-1 g / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.free_parameters import FreeParameters
from nucleate.energies.potential import Evaluation
from nucleate.energies.springs import spring_hessian

STRAIN, WAY = 0.12, 0.35
"""What a step of trust 1 may strain a cell, and move an atom, Å."""
SMALLEST = 1e-3
"""Trust below which nothing lower is found in the direction of the forces."""
ROUND_OFF = 2e-6
"""eV/atom: a step that goes up by less, as numbers of single precision do, is not taken back."""
SCALES = 0.3, 3.0
"""Between which the first step may change the springs."""
DAMPING = 0.2
"""Powell's: the least curvature of an update, as a share of the model's."""


@dataclass
class Descent:
    """A relaxation under way.

    Attributes:
        free: the coordinates.
        x: where the lowest energy was. [parameters]
        hessian: the model's. [parameters, parameters]
        step: from x to the crystal that is wanted next. [parameters]
        energy: there, eV; None before anything was said.
        initial: the energy of the first crystal, eV.
        gradient: at x. [parameters]
        fmax: largest force there, on an atom or on the cell, eV/Å.
        evaluations: how many answers there were.
        trust: the longest step, in steps of STRAIN and WAY.
        stuck: whether no step finds anything lower, although the forces say there is.
        scaled: whether a step has set the scale of the springs.
    """

    free: FreeParameters
    x: np.ndarray
    hessian: np.ndarray
    step: np.ndarray
    energy: float | None = None
    initial: float | None = None
    gradient: np.ndarray | None = None
    fmax: float = np.inf
    evaluations: int = 0
    trust: float = 1.0
    stuck: bool = False
    scaled: bool = False

    @classmethod
    def of(cls, free: FreeParameters) -> Descent:
        nothing = np.zeros(len(free))
        return cls(free, nothing, spring_hessian(free), nothing)

    @property
    def cell(self) -> Cell:
        """The crystal of the lowest energy so far."""
        return self.free.cell_at(self.x)

    @property
    def wanted(self) -> Cell:
        """The crystal whose evaluation is to be told next."""
        return self.free.cell_at(self.x + self.step)

    @property
    def gain(self) -> float:
        """What the model expects relaxation still to gain, eV; infinite before anything was said."""
        if self.gradient is None:
            return np.inf
        return (
            float(self.gradient @ np.linalg.solve(self.hessian, self.gradient)) / 2 if len(self.free) else 0.0
        )

    def tell(self, said: Evaluation) -> None:
        """What the potential says of the wanted crystal: finite numbers."""
        there = self.x + self.step
        gradient = self.free.gradient(there, said, self.free.cell_at(there).volume)
        self.evaluations += 1
        if self.gradient is None or self.energy is None:
            self.initial = said.energy
            self._stand(there, said.energy, gradient)
        else:
            expected = float(self.gradient @ self.step + self.step @ self.hessian @ self.step / 2)
            change = said.energy - self.energy
            self._learn(gradient - self.gradient)
            self._judge(change, expected)
            if change <= ROUND_OFF * len(self.free.reference.species):
                self._stand(there, said.energy, gradient)
        self._choose()

    def fail(self) -> None:
        """The wanted crystal can't be evaluated: as a step that goes far up, of which nothing is learnt."""
        self.evaluations += 1
        self.trust = 0.25 * min(self.trust, self._length(self.step))
        self._choose()

    def _stand(self, x: np.ndarray, energy: float, gradient: np.ndarray) -> None:
        self.x, self.energy, self.gradient = x, energy, gradient
        self.fmax = self.free.largest(gradient) if len(gradient) else 0.0

    def _learn(self, change: np.ndarray) -> None:
        """BFGS with Powell's damping, so that the model stays positive."""
        step, model = self.step, self.hessian @ self.step
        curvature, known = float(step @ change), float(step @ model)
        if known <= 0:
            return
        if not self.scaled:
            scale = float(np.clip(curvature / known, *SCALES))
            self.hessian, model, known, self.scaled = scale * self.hessian, scale * model, scale * known, True
        if curvature < DAMPING * known:
            share = (1 - DAMPING) * known / (known - curvature)
            change = share * change + (1 - share) * model
            curvature = float(step @ change)
        self.hessian = self.hessian + np.outer(change, change) / curvature - np.outer(model, model) / known

    def _judge(self, change: float, expected: float) -> None:
        """The trust radius, by what a step gained of what was expected (expected < 0)."""
        share, length = change / min(expected, -1e-12), self._length(self.step)
        if share < 0.1:
            self.trust = max(0.3 * length, SMALLEST / 2)
        elif share > 0.7:
            self.trust = min(max(self.trust, 2 * length), 1.0)

    def _choose(self) -> None:
        """The next step: Newton's, no longer than the trust radius."""
        if self.gradient is None:
            self.stuck = True
            return
        self.step = -np.linalg.solve(self.hessian, self.gradient) if len(self.free) else self.step
        length = self._length(self.step)
        if length > self.trust:
            self.step = self.step * (self.trust / length)
        self.stuck = self.trust < SMALLEST

    def _length(self, step: np.ndarray) -> float:
        """Of a step, in steps of trust 1."""
        strain, ways = self.free.split(step)
        return max(np.abs(strain).max() / STRAIN, np.linalg.norm(ways, axis=1).max(initial=0.0) / WAY)
