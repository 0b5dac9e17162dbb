"""Stability of generated crystals: relaxed, measured against the convex hull, and how far they moved.

Energy above hull after relaxation in a potential, with two thresholds: 0 (stable: LeMat-GenBench, arXiv
2512.04562, FlowMM, arXiv 2406.04713) and 0.1 eV/atom (metastable: MatterGen, arXiv 2312.03687, calls it stable).
Displacement by relaxation: pymatgen's matcher with MatterGen's tolerances; MatterGen gives an unmatched
structure 0.5 (volume per atom)^(1/3), here it is counted and left out of the mean. A structure that
can't be judged stays in every denominator "generated". One that lies far below every known phase stays too, and is
not stable: that is a failure of the potential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.energies.hull import Hull
from nucleate.energies.placing import place
from nucleate.energies.potential import Potential
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import DataError
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.stability_numbers import FAR_BELOW, SampleStability, columns, means, notes, shares
from nucleate.metrics.matching import try_match
from nucleate.metrics.validity_rules import CLASSIC
from nucleate.settings import MOST_SECONDS, MOST_SEED, within
from nucleate.work import Work

LTOL, STOL, ANGLE_TOL = 0.5, 0.5, 10.0
"""MatterGen's tolerances for a structure and itself relaxed; volumes are not scaled to each other."""


@dataclass(frozen=True)
class StabilitySettings:
    """How stability is measured.

    Attributes:
        relax: how structures are relaxed.
        match_timeout: seconds for the match of a structure with itself relaxed.
        seed: of the bootstrap.
        thresholds: energies above the hull, eV/atom, up to which a structure counts as stable.
        far_below: energy above the hull, eV/atom, below which a structure counts as not stable.
    """

    relax: RelaxSettings = field(default_factory=RelaxSettings)
    match_timeout: float = 30.0
    seed: int = 0
    thresholds: tuple[float, ...] = (0.0, 0.1)
    far_below: float = FAR_BELOW

    def __post_init__(self) -> None:
        within(self, 0, MOST_SECONDS, "match_timeout", error=DataError)
        if not self.far_below < 0:
            raise DataError(
                f"far_below must be below 0 eV/atom; got {self.far_below}", "-inf believes every energy"
            )
        within(self, 0, MOST_SEED, "seed", error=DataError)


def judge_stability(
    cells: Sequence[Cell | None],
    potential: Potential,
    hull: Hull,
    settings: StabilitySettings | None = None,
    work: Work = Work(),
) -> Family:
    """Relax generated crystals and place them against a hull.

    Args:
        cells: one for each generated sample, None where none could be read.
        potential: for relaxation and energies.
        hull: on the scale of the potential's energies: `references.potential_hull`, `dft_hull` with energies of
            the elements fitted for this potential, or `entries_hull`.
        settings: thresholds, relaxation, seed.
        work: its cache is a file that keeps relaxed structures; the hull has a cache of its own.

    Returns the family "stability": columns energy_above_hull (eV/atom), stable_0, stable_0.1, far_below_hull,
    supported, stability_reason, relax_steps, relax_converged, relax_energy_drop (eV/atom), rmsd_to_relaxed (Å),
    competing.

    Raises DataError for no samples, NucleateError where potential and hull are on different scales,
    MissingPackageError where the potential's package is not installed.
    """
    settings = settings or StabilitySettings()
    if not len(cells):
        raise DataError("there is no sample to judge", "generate some first")
    results = _relax_and_place(cells, potential, hull, settings, work)
    bounds = sorted(settings.thresholds), settings.far_below
    measures = shares(results, *bounds) | means(results, settings.seed)
    facts = {
        "potential": potential.identity,
        "relax": asdict(work.limiting(settings.relax)),
        "hull": {"name": hull.name, **hull.settings},
        "matcher": {"ltol": LTOL, "stol": STOL, "angle_tol": ANGLE_TOL, "scale": False},
        "seed": settings.seed,
        "far_below": settings.far_below,
    }
    return Family(
        "stability",
        "Stability",
        measures=measures,
        columns=columns(results, *bounds),
        settings=facts,
        notes=notes(results, hull, settings.far_below),
    )


def _relax_and_place(
    cells: Sequence[Cell | None],
    potential: Potential,
    hull: Hull,
    settings: StabilitySettings,
    work: Work,
) -> list[SampleStability]:
    problems = [defect(cell, CLASSIC) or "" for cell in cells]
    valid = [cell for cell, problem in zip(cells, problems, strict=True) if cell is not None and not problem]
    placed = place(valid, potential, hull, settings.relax, work)
    done = [
        (cell, after)
        for cell, one in zip(valid, placed, strict=True)
        if (after := one.relaxed.cell) is not None
    ]
    jobs = [_MatchJob(*pair, work.seconds(settings.match_timeout)) for pair in done]
    matches = work.run("displacement", _displacement, jobs, len(jobs))
    placed_of = iter(placed)
    results = []
    for cell, problem in zip(cells, problems, strict=True):
        if cell is None or problem:
            results.append(SampleStability(problem))
            continue
        one = next(placed_of)
        if one.relaxed.energy is None:
            results.append(SampleStability("", one.relaxed))
            continue
        rmsd, failure = next(matches)
        results.append(SampleStability("", one.relaxed, one.above, rmsd, failure))
    return results


@dataclass(frozen=True)
class _MatchJob:
    before: Cell
    after: Cell
    timeout: float | None


def _displacement(job: _MatchJob) -> tuple[float | None, str]:
    """(RMS displacement in Å, "") or (None, "unmatched", "timed_out" or "matcher_failed")."""
    rms, failure = try_match(partial(rmsd_to_relaxed, job.before, job.after), job.timeout)
    return rms, failure or ("" if rms is not None else "unmatched")


def rmsd_to_relaxed(before: Cell, after: Cell) -> float | None:
    """RMS displacement of a structure by its relaxation, Å; None where the two no longer match."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher = StructureMatcher(ltol=LTOL, stol=STOL, angle_tol=ANGLE_TOL, scale=False)
    found = matcher.get_rms_dist(before.to_structure(), after.to_structure())
    if found is None:
        return None
    return float(found[0] * (abs(np.linalg.det(after.lattice)) / len(after.species)) ** (1 / 3))


def stable_unique_novel(
    stable: Sequence[bool | None], clusters: Sequence[object], novel: Sequence[bool | None]
) -> list[bool]:
    """Which samples are S.U.N.: of each cluster of duplicates the first that is stable and novel.

    The three are judged independently of each other and joined (MatterGen, arXiv 2312.03687). Asking instead for the
    one that stands for its cluster would lose a cluster whose representative alone misses the threshold. None, where
    a sample could not be judged, counts as no.

    Raises DataError for columns of different lengths.
    """
    lengths = {len(column) for column in (stable, clusters, novel)}
    if len(lengths) != 1:
        raise DataError(
            f"stable, unique and novel must have the same length; got {sorted(lengths)}",
            "give one entry for each sample",
        )
    seen, verdicts = set(), []
    for is_stable, cluster, is_novel in zip(stable, clusters, novel, strict=True):
        counts = bool(is_stable) and bool(is_novel) and cluster is not None and cluster not in seen
        if counts:
            seen.add(cluster)
        verdicts.append(counts)
    return verdicts
