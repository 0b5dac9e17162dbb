"""Relaxation: atoms and cell moved to the nearest minimum of a potential.

FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201, 2006) on the positions and the logarithm of the deformation
(ASE's FrechetCellFilter), so that forces and stress converge together. A structure that can't be relaxed is
returned with the reason; a structure that has not converged after `max_steps` is kept and marked. A space group
that is to be kept is made exact first (`data.cell_forms`); ASE's FixSymmetry keeps forces, stress and steps within it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cell_forms import symmetrised
from nucleate.data.extxyz import frame_text
from nucleate.defects import Rule, Rules, defect, is_finite
from nucleate.energies.cache import key_of, open_cache
from nucleate.energies.potential import Potential, isolated_atoms, quiet_single_thread
from nucleate.energies.relaxed import REASONS, Relaxed, RelaxSettings, decode, encode
from nucleate.errors import StructureError
from nucleate.files import write_whole
from nucleate.measures import closest_image, volume_per_atom
from nucleate.time_limit import attempt
from nucleate.work import Work

__all__ = ["REASONS", "Relaxed", "RelaxSettings", "limits", "relax"]

MIN_VOLUME_PER_ATOM, MAX_VOLUME_PER_ATOM = 2.0, 1000.0
"""Å^3; the densest and thinnest crystals of MP-20 have 6 and 134. Below, a potential
with a cutoff would see thousands of neighbours and run out of memory."""
SHORTEST_PERIOD = 1.0
"""Å; of a crystal that repeats sooner, each atom has hundreds of neighbours in a row, however thin the crystal is."""

FAILURES = (ValueError, RuntimeError, ArithmeticError, np.linalg.LinAlgError)
EXACT = 1e-3
"""Å; the tolerance at which a symmetrised crystal shows its operations."""

DETAIL = 200
"""Characters kept of a potential's message."""


Descend = Callable[[Cell, Potential, Any], Relaxed]
"""A way to relax one crystal: from the cell, the potential and its own settings."""


@dataclass(frozen=True)
class _RelaxJob:
    cell: Cell
    key: str
    potential: Potential
    settings: Any
    cache: Path | None
    descend: Descend


def relax(
    cells: Sequence[Cell],
    potential: Potential,
    settings: RelaxSettings | None = None,
    work: Work = Work(),
    on_result: Callable[[int, Relaxed], None] | None = None,
    steps: Path | None = None,
) -> list[Relaxed]:
    """Relax crystals, each on its own: the result of one does not depend on the others.

    Args:
        cells: any crystals; those that the potential can't take are returned with the reason.
        potential: where energies come from.
        settings: how; the default is RelaxSettings().
        work: where, progress, and time limit. In processes the network is loaded once in each. The cache
            is a file that keeps finished structures; those that ran out of time are not kept, as that depends on the
            machine.
        on_result: called with the index of each structure and its result, stored results first.
        steps: a folder in which each relaxation writes its way (`steps_file`), before its result is kept. Results of
            relaxations that did not are then not used.

    Raises MissingPackageError where the potential's package is not installed, NucleateError where a worker
    process was killed.
    """
    settings = settings or RelaxSettings()
    if steps is None:
        return relax_each("relax", _try_to_descend, cells, potential, settings, work, on_result)
    recording = partial(_recorded, steps=steps.absolute())
    return relax_each("relax, steps kept", recording, cells, potential, settings, work, on_result)


def steps_file(folder: Path, cell: Cell) -> Path:
    """The way of one crystal as extended XYZ: frames with `step`, `energy` (eV) and `energy_per_atom`."""
    return folder / f"{key_of('steps', cell)[:32]}.extxyz"


def relax_each(
    name: str,
    descend: Descend,
    cells: Sequence[Cell],
    potential: Potential,
    settings: Any,
    work: Work = Work(),
    on_result: Callable[[int, Relaxed], None] | None = None,
) -> list[Relaxed]:
    """As `relax`, by any way to relax one crystal; name: of that way, in the keys of the cache.

    settings: of that way, with an `identity` and a `timeout`.
    """
    settings, cache = work.limiting(settings), work.cache and work.cache.absolute()
    potential.calculator()
    tell = on_result or (lambda place, result: None)
    keys = [key_of(name, cell, potential.identity, settings.identity) for cell in cells]
    first = dict(zip(keys, cells, strict=True))
    stored = open_cache(cache).get(first) if cache else {}
    known = {key: decode(value) for key, value in stored.items()}
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
        if key in known:
            tell(place, known[key])
    jobs = [
        _RelaxJob(cell, key, potential, settings, cache, descend)
        for key, cell in first.items()
        if key not in known
    ]
    done = len(first) - len(jobs)
    for job, result in zip(jobs, work.run("relaxing", _relax_one, jobs, done + len(jobs), done), strict=True):
        known[job.key] = result
        for place in places[job.key]:
            tell(place, result)
    return [known[key] for key in keys]


def limits(potential: Potential) -> Rules:
    """The rules for crystals that this potential can take; the reasons are among REASONS."""
    checks = [
        is_finite("not_finite"),
        Rule("too_dense", volume_per_atom, least=MIN_VOLUME_PER_ATOM),
        Rule("too_dense", closest_image, least=SHORTEST_PERIOD),
        Rule("too_thin", volume_per_atom, most=MAX_VOLUME_PER_ATOM),
        Rule("unknown_element", partial(_unknown, supported=potential.supported), most=0),
    ]
    if potential.cutoff:
        checks.append(Rule("isolated_atom", partial(isolated_atoms, cutoff=potential.cutoff), most=0))
    return Rules(tuple(checks))


def _unknown(cell: Cell, supported: frozenset[int]) -> int:
    return len(set(cell.species.tolist()) - supported)


def _relax_one(job: _RelaxJob) -> Relaxed:
    """One structure, in a worker; written to the cache before it is handed back."""
    start = perf_counter()
    reason = defect(job.cell, limits(job.potential))
    if reason:
        result = Relaxed(reason=reason)
    else:
        with quiet_single_thread():
            work = partial(job.descend, job.cell, job.potential, job.settings)
            found, failure = attempt(work, job.settings.timeout, FAILURES)
        result = found or Relaxed(reason=failure)
    result = replace(result, seconds=perf_counter() - start)
    if job.cache and result.reason != "timed_out":
        open_cache(job.cache).put(job.key, encode(result))
    return result


def _recorded(cell: Cell, potential: Potential, settings: RelaxSettings, steps: Path) -> Relaxed:
    """As `_try_to_descend`; the steps are written, as far as they went."""
    way: list[tuple[Cell, float]] = []
    result = _try_to_descend(cell, potential, settings, way)
    text = "".join(
        frame_text(
            one.species, one.frac, one.lattice,
            {"step": number, "energy": f"{energy:.8f}", "energy_per_atom": f"{energy / len(one.species):.8f}"},
        )
        for number, (one, energy) in enumerate(way)
    )  # fmt: skip
    if text:
        write_whole(steps_file(steps, cell), text)
    return result


def _try_to_descend(
    cell: Cell, potential: Potential, settings: RelaxSettings, way: list[tuple[Cell, float]] | None = None
) -> Relaxed:
    """As `_descend`, but a failure of a potential or of spglib becomes a result with its message."""
    try:
        return (
            _descend(cell, potential, settings) if way is None else _descend(cell, potential, settings, way)
        )
    except StructureError as error:
        return Relaxed(reason="no_symmetry", detail=error.message)
    except FAILURES as error:
        return Relaxed(reason="failed", detail=" ".join(str(error).split())[:DETAIL])


def _descend(
    cell: Cell, potential: Potential, settings: RelaxSettings, way: list[tuple[Cell, float]] | None = None
) -> Relaxed:
    """Steps of the optimiser until it converges; cells and energies (eV) are appended to `way`."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE, LBFGS

    atoms = cell.compact().to_atoms()
    atoms.calc = potential.calculator()
    initial = float(atoms.get_potential_energy())
    if settings.keep_symmetry is not None:
        _hold_symmetry(atoms, settings.keep_symmetry)
    moving: Any = FrechetCellFilter(atoms) if settings.cell else atoms
    optimiser: Any = {"fire": FIRE, "lbfgs": LBFGS}[settings.optimiser]
    optimiser = optimiser(moving, logfile=None)
    result = Relaxed(cell, initial, initial)
    for converged in optimiser.irun(fmax=settings.fmax, steps=settings.max_steps):
        energy = float(atoms.get_potential_energy())
        now = Cell(cell.species, atoms.get_scaled_positions(wrap=True), np.array(atoms.cell.array))
        problem = _lost(now, energy, potential)
        if way is not None:
            way.append((now, energy))
        if problem:
            return Relaxed(initial_energy=initial, steps=optimiser.nsteps, reason=problem)
        reason = "" if converged else "not_converged"
        result = replace(
            result, cell=now, energy=energy, steps=optimiser.nsteps, converged=bool(converged), reason=reason
        )
    return replace(result, fmax=float(np.linalg.norm(moving.get_forces(), axis=1).max()))


def _hold_symmetry(atoms: Any, symprec: float) -> None:
    """Make the space group exact, and restrict atoms and cell to it."""
    from ase.constraints import FixSymmetry

    exact = symmetrised(
        Cell(atoms.numbers, atoms.get_scaled_positions(), np.array(atoms.cell.array)), symprec
    )
    atoms.set_cell(exact.lattice)
    atoms.set_scaled_positions(exact.frac)
    atoms.set_constraint(FixSymmetry(atoms, symprec=min(symprec, EXACT)))


def _lost(cell: Cell, energy: float, potential: Potential) -> str:
    """Whether a relaxation ran away: "isolated_atom", "diverged" or ""."""
    if not np.isfinite(energy):
        return "diverged"
    problem = defect(cell, limits(potential))
    return "diverged" if problem not in (None, "isolated_atom") else problem or ""
