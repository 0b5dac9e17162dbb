"""Relaxation: atoms and cell moved to the nearest minimum of a potential.

FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201, 2006) on the positions and the logarithm of the deformation
(ASE's FrechetCellFilter), so that forces and stress converge together. A structure that can't be relaxed is
given back with the reason; a structure that was not converged after `max_steps` is kept and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.cache import key_of, open_cache
from nucleate.energies.potentials import Potential, isolated_atoms, quiet_single_thread, to_atoms
from nucleate.errors import NucleateError
from nucleate.pool import Progress, attempt, run_jobs

MIN_VOLUME_PER_ATOM, MAX_VOLUME_PER_ATOM = 2.0, 1000.0
"""Å^3; the densest and thinnest crystals of MP-20 have 6 and 134. Below, a potential
with a cutoff would see thousands of neighbours and run out of memory."""

REASONS = (
    "not_finite", "too_dense", "too_thin", "unknown_element", "isolated_atom", "timed_out", "diverged", "failed",
    "not_converged",
)  # fmt: skip
"""Why a structure was not relaxed; "not_converged" alone leaves a structure and an energy."""

FAILURES = (ValueError, RuntimeError, ArithmeticError, np.linalg.LinAlgError)
OPTIMISERS = ("fire", "lbfgs")


@dataclass(frozen=True)
class RelaxSettings:
    """How to relax.

    Attributes:
        fmax: largest force on an atom or on the cell at which a structure counts as relaxed, eV/Å.
        max_steps: steps after which it is given up as not converged.
        optimiser: "fire" or "lbfgs".
        cell: whether the cell moves too.
        timeout: seconds for one structure; None for no limit.
    """

    fmax: float = 0.05
    max_steps: int = 200
    optimiser: str = "fire"
    cell: bool = True
    timeout: float | None = 300.0

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise NucleateError(
                f"no optimiser is called {self.optimiser!r}", f"choose among {', '.join(OPTIMISERS)}"
            )
        if self.fmax <= 0 or self.max_steps < 1:
            raise NucleateError(
                f"fmax = {self.fmax} eV/Å and {self.max_steps} steps can't be reached",
                "give an fmax above 0 and at least 1 step",
            )

    @property
    def identity(self) -> str:
        """All that a result depends on, without the time limit: a result that was cut off is not kept."""
        return f"{self.optimiser} fmax={self.fmax} max_steps={self.max_steps} cell={self.cell}"


@dataclass(frozen=True)
class Relaxed:
    """What became of one structure.

    Attributes:
        cell: relaxed, None where there is none.
        energy, initial_energy: total, eV; None where there is none.
        steps: of the optimiser.
        converged: whether forces and stress fell below fmax.
        reason: "" or one of REASONS.
    """

    cell: Cell | None = None
    energy: float | None = None
    initial_energy: float | None = None
    steps: int = 0
    converged: bool = False
    reason: str = ""

    @property
    def energy_per_atom(self) -> float | None:
        """eV/atom."""
        return None if self.energy is None or self.cell is None else self.energy / len(self.cell.numbers)

    @property
    def energy_drop_per_atom(self) -> float | None:
        """How far the relaxation went down, eV/atom."""
        if self.energy is None or self.initial_energy is None or self.cell is None:
            return None
        return (self.initial_energy - self.energy) / len(self.cell.numbers)


@dataclass(frozen=True)
class _Job:
    cell: Cell
    key: str
    potential: Potential
    settings: RelaxSettings
    cache: Path | None


def relax(
    cells: Sequence[Cell],
    potential: Potential,
    settings: RelaxSettings | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> list[Relaxed]:
    """Relax crystals, each on its own: the result of one does not depend on the others.

    Args:
        cells: any crystals; those that no potential can take are given back with the reason.
        potential: where energies come from.
        settings: how; the default is RelaxSettings().
        workers: processes of one thread each; the network is loaded once in each.
        cache: a file that keeps finished structures, so that a killed run goes on where it was. Structures that
            ran out of time are not kept, as that depends on the machine.
        progress: called as the work goes on.

    Raises MissingPackageError where the potential's package is not installed, NucleateError where a worker
    process was killed.
    """
    settings = settings or RelaxSettings()
    potential.calculator()
    keys = [key_of("relax", cell, potential.identity, settings.identity) for cell in cells]
    first = dict(zip(keys, cells, strict=True))
    stored = open_cache(cache.absolute()).get(first) if cache else {}
    known = {key: _decode(value) for key, value in stored.items()}
    jobs = [
        _Job(cell, key, potential, settings, cache and cache.absolute())
        for key, cell in first.items()
        if key not in known
    ]
    done = len(first) - len(jobs)
    shifted = progress and (lambda stage, n, total: progress(stage, done + n, done + total))
    for job, result in zip(
        jobs, run_jobs(_relax_one, jobs, len(jobs), workers, "relaxing", shifted), strict=True
    ):
        known[job.key] = result
    return [known[key] for key in keys]


def rejected(cell: Cell, potential: Potential) -> str:
    """Why this structure should not be given to this potential, one of REASONS, or ""."""
    if not (np.isfinite(cell.lattice).all() and np.isfinite(cell.frac).all()):
        return "not_finite"
    volume = abs(np.linalg.det(cell.lattice)) / len(cell.numbers)
    if volume < MIN_VOLUME_PER_ATOM:
        return "too_dense"
    if volume > MAX_VOLUME_PER_ATOM:
        return "too_thin"
    if not potential.supported.issuperset(cell.numbers.tolist()):
        return "unknown_element"
    if potential.cutoff and isolated_atoms(cell, potential.cutoff):
        return "isolated_atom"
    return ""


def _relax_one(job: _Job) -> Relaxed:
    """One structure, in a worker; written to the cache before it is handed back."""
    reason = rejected(job.cell, job.potential)
    if reason:
        result = Relaxed(reason=reason)
    else:
        with quiet_single_thread():
            work = partial(_descend, job.cell, job.potential, job.settings)
            found, failure = attempt(work, job.settings.timeout, FAILURES)
        result = found or Relaxed(reason=failure)
    if job.cache and result.reason != "timed_out":
        open_cache(job.cache).put(job.key, _encode(result))
    return result


def _descend(cell: Cell, potential: Potential, settings: RelaxSettings) -> Relaxed:
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE, LBFGS

    atoms = to_atoms(cell)
    atoms.calc = potential.calculator()
    initial = float(atoms.get_potential_energy())
    optimiser: Any = {"fire": FIRE, "lbfgs": LBFGS}[settings.optimiser]
    optimiser = optimiser(FrechetCellFilter(atoms) if settings.cell else atoms, logfile=None)
    result = Relaxed(cell, initial, initial)
    for converged in optimiser.irun(fmax=settings.fmax, steps=settings.max_steps):
        energy = float(atoms.get_potential_energy())
        now = Cell(cell.numbers, atoms.get_scaled_positions(wrap=True), np.array(atoms.cell.array))
        problem = _lost(now, energy, potential)
        if problem:
            return Relaxed(initial_energy=initial, steps=optimiser.nsteps, reason=problem)
        reason = "" if converged else "not_converged"
        result = replace(
            result, cell=now, energy=energy, steps=optimiser.nsteps, converged=bool(converged), reason=reason
        )
    return result


def _lost(cell: Cell, energy: float, potential: Potential) -> str:
    """Whether a relaxation ran away: "isolated_atom", "diverged" or ""."""
    if not np.isfinite(energy):
        return "diverged"
    problem = rejected(cell, potential)
    return problem if problem in ("", "isolated_atom") else "diverged"


def _encode(result: Relaxed) -> dict[str, Any]:
    fields = asdict(replace(result, cell=None))
    if result.cell:
        fields["cell"] = [part.tolist() for part in result.cell]
    return fields


def _decode(fields: dict[str, Any]) -> Relaxed:
    parts = fields.pop("cell")
    cell = Cell(*(np.array(part) for part in parts)) if parts else None
    return Relaxed(cell=cell, **fields)
