"""Energies of crystals without relaxation, one by one: an energy must not depend on the rest of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.energies.cache import key_of, open_cache
from nucleate.energies.potential import Potential, quiet_single_thread
from nucleate.energies.relax import FAILURES, limits
from nucleate.time_limit import attempt
from nucleate.work import Work

TIMEOUT = 120.0
"""Seconds for one energy; far more than any needs."""


@dataclass(frozen=True)
class SinglePoint:
    """The energy of one crystal.

    Attributes:
        energy: total, eV, None where there is none.
        reason: "" or one of `relax.REASONS`.
    """

    energy: float | None
    reason: str = ""


@dataclass(frozen=True)
class _PointJob:
    cell: Cell
    key: str
    potential: Potential
    cache: Path | None
    timeout: float | None


def single_points(
    cells: Sequence[Cell],
    potential: Potential,
    work: Work = Work(),
) -> list[SinglePoint]:
    """Energies of crystals as they are; arguments and errors as in `relax.relax`."""
    potential.calculator()
    path = work.cache and work.cache.absolute()
    keys = [key_of("point", cell, potential.identity) for cell in cells]
    first = dict(zip(keys, cells, strict=True))
    known = {
        key: SinglePoint(**value) for key, value in (open_cache(path).get(first) if path else {}).items()
    }
    jobs = [
        _PointJob(cell, key, potential, path, work.seconds(TIMEOUT))
        for key, cell in first.items()
        if key not in known
    ]
    found = work.run("reference energies", _point, jobs, len(jobs))
    known |= {job.key: point for job, point in zip(jobs, found, strict=True)}
    return [known[key] for key in keys]


def _point(job: _PointJob) -> SinglePoint:
    """One energy, in a worker; written to the cache before it is handed back."""
    reason = defect(job.cell, limits(job.potential)) or ""
    energy = None
    if not reason:
        with quiet_single_thread():
            energy, reason = attempt(partial(job.potential.energy, job.cell), job.timeout, FAILURES)
    point = SinglePoint(energy, reason)
    if job.cache and reason != "timed_out":
        open_cache(job.cache).put(job.key, asdict(point))
    return point
