"""Relaxation of crystals in their free parameters only: a few evaluations where `relax` takes dozens of steps.

The space group is kept, so that a crystal with few free parameters (rock salt has one) is at its minimum after four
evaluations or so, exactly symmetric. Without symmetry all atoms and the cell are free. A group that isn't stable is
kept as well: the result is then a saddle point of the energy, as it is for any method that starts there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.energies.descent import Descent
from nucleate.energies.free_parameters import FreeParameters
from nucleate.energies.potential import Evaluation, Potential
from nucleate.energies.relax import DETAIL, FAILURES, limits, relax_each
from nucleate.energies.relaxed import Relaxed
from nucleate.errors import NucleateError
from nucleate.identity import canonical
from nucleate.settings import MOST_SECONDS, within
from nucleate.work import Work


@dataclass(frozen=True)
class DescentSettings:
    """How to relax in free parameters.

    Attributes:
        fmax: largest force on an atom or on the cell at which a crystal counts as relaxed, eV/Å.
        max_evaluations: of the potential, after which it is given up as not converged.
        symprec: the space group found within so many Å is made exact and kept; None to free every atom.
        cell: whether the cell moves too.
        timeout: seconds for one crystal; None for no limit.
    """

    fmax: float = 0.05
    max_evaluations: int = 40
    symprec: float | None = 0.01
    cell: bool = True
    timeout: float | None = 300.0

    def __post_init__(self) -> None:
        within(self, 0, MOST_SECONDS, "timeout", error=NucleateError)
        if not (1e-6 <= self.fmax <= 1e3 and 1 <= self.max_evaluations <= 10**7):
            raise NucleateError(
                f"fmax = {self.fmax} eV/Å and {self.max_evaluations} evaluations can't be reached",
                "give an fmax from 1e-6 to 1000 and 1 to 10000000 evaluations",
            )
        if self.symprec is not None and not 0 < self.symprec <= 10:
            raise NucleateError(
                f"a tolerance of {self.symprec} Å finds no symmetry to keep",
                "give a length above 0 and at most 10 Å",
            )

    @property
    def identity(self) -> str:
        """All that a result depends on, without the time limit: a result that was cut off is not kept."""
        return canonical(replace(self, timeout=DescentSettings.timeout))


def relax_symmetric(
    cells: Sequence[Cell],
    potential: Potential,
    settings: DescentSettings = DescentSettings(),
    work: Work = Work(),
) -> list[Relaxed]:
    """Relax crystals in their free parameters, each on its own: the result of one does not depend on the others.

    Reasons are those of `relax`, and so are atoms: in the order given. `steps` counts evaluations.

    Args:
        cells: any crystals; those that no potential can take are given back with the reason.
        potential: where energies, forces and stresses come from.
        settings: how.
        work: where, with whom told, how long at most; its cache is a file that keeps finished crystals.

    Raises:
        MissingPackageError: where the potential's package is not installed.
        NucleateError: where a worker process was killed.
    """
    return relax_each("relax symmetric", _descend, cells, potential, settings, work)


def _descend(cell: Cell, potential: Potential, settings: DescentSettings) -> Relaxed:
    descent, lost = begin(cell, settings), None
    while lost is None and not finished(descent, settings):
        (lost,) = advance([descent], potential)
    return lost or relaxed_by(descent, settings)


def begin(cell: Cell, settings: DescentSettings) -> Descent:
    """The descent of a crystal that is within the limits of the potential."""
    return Descent.of(FreeParameters.of(cell.compact(), settings.symprec, settings.cell))


def finished(descent: Descent, settings: DescentSettings) -> bool:
    """Whether a descent has nothing more to do."""
    return descent.fmax <= settings.fmax or descent.stuck or descent.evaluations >= settings.max_evaluations


def advance(descents: Sequence[Descent], potential: Potential) -> list[Relaxed | None]:
    """One evaluation of each; for each None, or a result without a crystal where the first evaluation failed.

    A later one that fails, or a step that leaves the limits of the potential, is taken back.
    """
    rules = limits(potential)
    wanted = [descent.wanted for descent in descents]
    sound = [place for place, cell in enumerate(wanted) if defect(cell, rules) is None]
    answers = dict(zip(sound, _evaluated([wanted[place] for place in sound], potential), strict=True))
    lost: list[Relaxed | None] = []
    for place, descent in enumerate(descents):
        answer = answers.get(place, Relaxed(reason="diverged"))
        if isinstance(answer, Evaluation):
            descent.tell(answer)
        elif descent.energy is not None:
            descent.fail()
        lost.append(answer if isinstance(answer, Relaxed) and descent.energy is None else None)
    return lost


def _evaluated(cells: Sequence[Cell], potential: Potential) -> list[Evaluation | Relaxed]:
    """In one batch, and one by one where the batch fails."""
    try:
        answers = potential.evaluate(cells)
    except FAILURES as error:
        if len(cells) > 1:
            return [_evaluated([cell], potential)[0] for cell in cells]
        return [Relaxed(reason="failed", detail=" ".join(str(error).split())[:DETAIL])]
    return [one if _finite(one) else Relaxed(reason="diverged") for one in answers]


def _finite(said: Evaluation) -> bool:
    return all(np.isfinite(part).all() for part in (said.energy, said.forces, said.stress))


def relaxed_by(descent: Descent, settings: DescentSettings) -> Relaxed:
    """What became of a crystal, atoms in [0, 1); one that was never evaluated has run out of time."""
    if descent.energy is None:
        return Relaxed(reason="timed_out")
    converged = descent.fmax <= settings.fmax
    cell = descent.cell
    return Relaxed(
        cell._replace(frac=cell.frac % 1 % 1), descent.energy, descent.initial, descent.evaluations,
        converged, "" if converged else "not_converged", fmax=descent.fmax,
    )  # fmt: skip
