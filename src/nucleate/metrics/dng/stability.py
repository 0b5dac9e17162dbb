"""Stability of generated crystals: relaxed, measured against the convex hull, and how far they moved.

Energy above hull after relaxation in a potential, with two thresholds: 0 (stable: LeMat-GenBench, arXiv
2512.04562, FlowMM, arXiv 2406.04713) and 0.1 eV/atom (metastable: MatterGen, arXiv 2312.03687, calls it stable).
Displacement by relaxation: pymatgen's matcher with MatterGen's tolerances; MatterGen gives an unmatched
structure 0.5 (volume per atom)^(1/3), here it is counted and left out of the mean. A structure that
can't be judged stays in every denominator "generated".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.energies.potentials import Potential
from nucleate.energies.reference_hull import AboveHull, ReferenceHull
from nucleate.energies.relax import Relaxed, RelaxSettings, relax
from nucleate.errors import DataError, NucleateError
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.intervals import bootstrap_mean, wilson
from nucleate.metrics.matching import try_match
from nucleate.metrics.validity import geometry_problem
from nucleate.pool import Progress, run_jobs
from nucleate.settings import MOST_SECONDS, MOST_SEED, MOST_WORKERS, within

STABLE, METASTABLE = "stable_0", "stable_0.1"
THRESHOLDS = {STABLE: 0.0, METASTABLE: 0.1}
"""eV/atom above the hull."""

NUMERIC = 1e-6
"""eV/atom; energies in single precision are not known better."""

LTOL, STOL, ANGLE_TOL = 0.5, 0.5, 10.0
"""MatterGen's tolerances for a structure and itself relaxed; volumes are not scaled to each other."""


@dataclass(frozen=True)
class StabilitySettings:
    """How stability is measured.

    Attributes:
        relax: how structures are relaxed.
        workers: processes.
        cache: a file that keeps relaxed structures, so that a killed run goes on.
        match_timeout: seconds for the match of a structure with itself relaxed.
        seed: of the bootstrap.
    """

    relax: RelaxSettings = field(default_factory=RelaxSettings)
    workers: int = 1
    cache: Path | None = None
    match_timeout: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        within(self, 1, MOST_WORKERS, "workers", error=DataError)
        within(self, 0, MOST_SECONDS, "match_timeout", error=DataError)
        within(self, 0, MOST_SEED, "seed", error=DataError)


@dataclass(frozen=True)
class _Judged:
    """One generated sample and all that was found out about it."""

    problem: str
    relaxed: Relaxed = field(default_factory=Relaxed)
    above: AboveHull = field(default_factory=lambda: AboveHull(None))
    rmsd: float | None = None
    match: str = ""

    @property
    def parsed(self) -> bool:
        return self.problem != "unreadable"

    @property
    def valid(self) -> bool:
        return self.problem == ""

    @property
    def has_energy(self) -> bool:
        return self.relaxed.energy is not None

    @property
    def judged(self) -> bool:
        return self.above.energy is not None

    @property
    def reason(self) -> str:
        """Why it has no energy above hull, or "not_converged", or ""."""
        return self.problem or (self.relaxed.reason if not self.has_energy else "") or self.above.reason or (
            self.relaxed.reason
        )  # fmt: skip


def judge_stability(
    cells: Sequence[Cell | None],
    potential: Potential,
    hull: ReferenceHull,
    settings: StabilitySettings | None = None,
    progress: Progress | None = None,
) -> Family:
    """Relax generated crystals and place them against a hull.

    Args:
        cells: one for each generated sample, None where none could be read.
        potential: relaxes them and gives their energies.
        hull: on the scale of the potential's energies: `references.potential_hull`, `dft_hull` with energies of
            the elements fitted for this potential, or `entries_hull`.
        settings: the defaults are one process and no cache.
        progress: called as the work goes on.

    Returns the family "stability": columns energy_above_hull (eV/atom), stable_0, stable_0.1, supported,
    stability_reason, relax_steps, relax_converged, relax_energy_drop (eV/atom), rmsd_to_relaxed (Å), competing.

    Raises DataError for no samples, NucleateError where potential and hull are on different scales,
    MissingPackageError where the potential's package is not installed.
    """
    settings = settings or StabilitySettings()
    if not len(cells):
        raise DataError("there is no sample to judge", "generate some first")
    if hull.name == "entries" and not potential.mp_corrected:
        raise NucleateError(
            f"energies of {potential.name} can't be compared with the corrected entries of this hull",
            "take the potential chgnet, or the hull of the potential's own energies",
        )
    results = _relax_and_place(cells, potential, hull, settings, progress)
    measures = _shares(results) | _means(results, settings.seed)
    facts = {
        "potential": potential.identity,
        "relax": asdict(settings.relax),
        "hull": {"name": hull.name, **hull.settings},
        "matcher": {"ltol": LTOL, "stol": STOL, "angle_tol": ANGLE_TOL, "scale": False},
        "seed": settings.seed,
    }
    return Family(
        "stability",
        "Stability",
        measures=measures,
        columns=_columns(results),
        settings=facts,
        notes=_notes(results, hull),
    )


def _relax_and_place(
    cells: Sequence[Cell | None],
    potential: Potential,
    hull: ReferenceHull,
    settings: StabilitySettings,
    progress: Progress | None,
) -> list[_Judged]:
    problems = [_problem(cell) for cell in cells]
    valid = [cell for cell, problem in zip(cells, problems, strict=True) if cell is not None and not problem]
    relaxed = relax(valid, potential, settings.relax, settings.workers, settings.cache, progress)
    done = [(cell, one.cell) for cell, one in zip(valid, relaxed, strict=True) if one.cell is not None]
    hull.prepare((before.numbers for before, _ in done), settings.workers, progress)
    jobs = [_MatchJob(*pair, settings.match_timeout) for pair in done]
    matches = run_jobs(_displacement, jobs, len(jobs), settings.workers, "displacement", progress)
    relaxed_of = iter(relaxed)
    results = []
    for cell, problem in zip(cells, problems, strict=True):
        if cell is None or problem:
            results.append(_Judged(problem))
            continue
        one = next(relaxed_of)
        if one.energy is None:
            results.append(_Judged("", one))
            continue
        rmsd, failure = next(matches)
        results.append(_Judged("", one, hull.above(cell.numbers, one.energy), rmsd, failure))
    return results


def _problem(cell: Cell | None) -> str:
    if cell is None:
        return "unreadable"
    problem = geometry_problem(cell)
    return "" if problem == "cell_too_long" else problem


@dataclass(frozen=True)
class _MatchJob:
    before: Cell
    after: Cell
    timeout: float


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
    return float(found[0] * (abs(np.linalg.det(after.lattice)) / len(after.numbers)) ** (1 / 3))


def _shares(results: list[_Judged]) -> dict[str, Measure]:
    generated = len(results)
    supported = [r for r in results if r.judged]
    funnel: dict[str, tuple[Callable[[_Judged], bool], str]] = {
        "parsed": (lambda r: r.parsed, "could be read"),
        "valid": (lambda r: r.valid, "also have atoms at least 0.5 Å apart and a volume of at least 0.1 Å^3"),
        "relaxed": (lambda r: r.has_energy, "also have an energy after relaxation, converged or not"),
        "converged": (lambda r: r.relaxed.converged, "also reached fmax"),
        "supported": (lambda r: r.judged, "have an energy after relaxation and a hull to compare it with"),
    }
    shares = {
        name: _share(sum(map(test, results)), generated, "generated", f"Generated structures that {text}.")
        for name, (test, text) in funnel.items()
    }
    for name, threshold in THRESHOLDS.items():
        count = sum(bool(_below(r, threshold)) for r in results)
        text = f"At most {threshold:g} eV/atom above the hull after relaxation."
        shares[name] = _share(
            count, generated, "generated", f"{text} Structures that can't be judged count as not stable."
        )
        shares[f"{name}_of_supported"] = _share(count, len(supported), "supported", text)
    unmatched = sum(r.match != "" for r in results)
    text = "Relaxed structures that no longer match what was generated, or whose match failed or timed out."
    shares["unmatched_after_relaxation"] = _share(
        unmatched, sum(r.has_energy for r in results), "relaxed", text
    )
    return shares


def _share(count: int, total: int, of: str, description: str) -> Measure:
    return Measure(wilson(count, total), of, description, share=True)


def _means(results: list[_Judged], seed: int) -> dict[str, Measure]:
    def mean(values: list[float | None], of: str, description: str, unit: str) -> Measure:
        known = np.array(sorted(v for v in values if v is not None))
        return Measure(bootstrap_mean(known, seed), of, description, unit)

    steps: list[float | None] = [float(r.relaxed.steps) if r.has_energy else None for r in results]
    return {
        "energy_above_hull": mean(
            [r.above.energy for r in results],
            "supported",
            "Mean energy above hull after relaxation.",
            "eV/atom",
        ),
        "rmsd_to_relaxed": mean(
            [r.rmsd for r in results],
            "matched",
            "Mean RMS displacement by relaxation of the structures that still match; see the share of the unmatched.",
            "Å",
        ),
        "energy_drop": mean(
            [r.relaxed.energy_drop_per_atom for r in results],
            "relaxed",
            "Mean energy that relaxation gained.",
            "eV/atom",
        ),
        "relax_steps": mean(steps, "relaxed", "Mean number of steps of the relaxation.", "steps"),
    }


def _columns(results: list[_Judged]) -> dict[str, list[Any]]:
    relaxed = [r.relaxed if r.has_energy else None for r in results]
    return {
        "supported": [r.judged for r in results],
        "energy_above_hull": [r.above.energy for r in results],
        **{name: [_below(r, threshold) for r in results] for name, threshold in THRESHOLDS.items()},
        "stability_reason": [r.reason for r in results],
        "relax_steps": [one and one.steps for one in relaxed],
        "relax_converged": [one and one.converged for one in relaxed],
        "relax_energy_drop": [one and one.energy_drop_per_atom for one in relaxed],
        "rmsd_to_relaxed": [r.rmsd for r in results],
        "rmsd_failure": [r.match if r.has_energy else None for r in results],
        "competing": [
            " + ".join(f"{share:.3f} {name}" for name, share in r.above.decomposition) or None
            for r in results
        ],
    }


def _below(result: _Judged, threshold: float) -> bool | None:
    """Whether a structure is at most so far above the hull; None where it can't be judged."""
    return None if result.above.energy is None else result.above.energy <= threshold + NUMERIC


def _notes(results: list[_Judged], hull: ReferenceHull) -> list[str]:
    reasons: dict[str, int] = {}
    for result in results:
        if not result.judged:
            reasons[result.reason] = reasons.get(result.reason, 0) + 1
    notes = list(hull.notes)
    if reasons:
        listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        notes.append(f"Not judged, counted as not stable: {listed}.")
    elements = {name for r in results if r.above.detail for name in r.above.detail.split(", ")}
    if elements:
        ordered = sorted(elements, key=SYMBOLS.index)
        notes.append(f"The reference can't judge structures with {', '.join(ordered)}.")
    late = sum(r.judged and not r.relaxed.converged for r in results)
    if late:
        notes.append(f"{late} judged structures were not converged: their energies are upper bounds.")
    return notes


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
            f"stable, unique and novel are about {sorted(lengths)} samples", "give one entry for each sample"
        )
    seen, verdicts = set(), []
    for is_stable, cluster, is_novel in zip(stable, clusters, novel, strict=True):
        counts = bool(is_stable) and bool(is_novel) and cluster is not None and cluster not in seen
        if counts:
            seen.add(cluster)
        verdicts.append(counts)
    return verdicts
