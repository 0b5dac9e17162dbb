"""COV-R and COV-P: how much of a reference the samples come near, and how many samples are near the reference.

As CDVAE (arXiv 2110.06197) and every table since. A crystal is a structure fingerprint and a composition
fingerprint, compared by Euclidean distance. Recall: the share of reference crystals with a sample within the
structure cutoff and a sample within the composition cutoff, which need not be the same sample. Precision: the
same from the samples' side, over all generated samples. The published tables standardise composition fingerprints
with a fixed mean and deviation; here they are fitted, and the settings say on what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.fingerprints import (
    Fingerprints,
    FingerprintSettings,
    composition_fingerprints,
    fingerprint_cells,
    settings_of,
)
from nucleate.metrics.dng.nearest import Nearest, nearest, standardiser
from nucleate.metrics.dng.quantities import defect, drawn
from nucleate.metrics.intervals import wilson
from nucleate.metrics.validity import SMACT_SET, geometry_problem, smact_valid
from nucleate.pool import Progress, run_jobs
from nucleate.settings import MOST_SEED, MOST_STEPS, within

CUTOFFS = {"mp_20": (0.4, 10.0), "carbon_24": (0.2, 4.0), "perov_5": (0.2, 4.0)}
"""Structure and composition cutoff of each data set (CDVAE)."""

ADMITTED = {
    "buildable": "every sample that a fingerprint can be made of (CDVAE, DiffCSP, EquiCSP)",
    "valid": "samples that also pass SMACT and the geometry rules with cell vectors up to 40 Å (KLDM)",
}


@dataclass(frozen=True)
class CoverageSettings:
    """How coverage is measured.

    Attributes:
        cutoffs: name of the data set whose cutoffs are used, one of CUTOFFS.
        structure_cutoff, composition_cutoff: instead of those by name.
        admitted: which samples may cover something, one of ADMITTED; the denominator of precision is always all.
        limit_reference: compare with a random subset of this many reference crystals; None for all.
        seed: of the subset.
        fingerprints: how they are made.
    """

    cutoffs: str = "mp_20"
    structure_cutoff: float | None = None
    composition_cutoff: float | None = None
    admitted: Literal["buildable", "valid"] = "buildable"
    limit_reference: int | None = None
    seed: int = 0
    fingerprints: FingerprintSettings = field(default_factory=FingerprintSettings)

    def __post_init__(self) -> None:
        if self.cutoffs not in CUTOFFS:
            raise DataError(f"no cutoffs are called {self.cutoffs!r}", f"choose among {', '.join(CUTOFFS)}")
        if self.admitted not in ADMITTED:
            raise DataError(f"no samples are called {self.admitted!r}", f"choose among {', '.join(ADMITTED)}")
        if self.limit_reference is not None and self.limit_reference < 1:
            raise DataError(
                f"{self.limit_reference} reference crystals are none", "limit_reference starts at 1"
            )
        within(self, 0, 1e6, "structure_cutoff composition_cutoff", error=DataError)
        within(self, 0, MOST_SEED, "seed", error=DataError)
        within(self, 1, MOST_STEPS, "limit_reference", error=DataError)

    @property
    def resolved(self) -> tuple[float, float]:
        """Structure and composition cutoff."""
        structure, composition = CUTOFFS[self.cutoffs]
        own = self.structure_cutoff, self.composition_cutoff
        return structure if own[0] is None else own[0], composition if own[1] is None else own[1]


def judge_coverage(
    samples: Sequence[Cell | None],
    reference: Sequence[Cell],
    settings: CoverageSettings | None = None,
    standardise_on: Sequence[Cell] | None = None,
    fingerprints: tuple[Fingerprints, Fingerprints] | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Family:
    """Coverage of a reference by samples and of samples by a reference.

    Args:
        samples: generated cells, None where one could not be read.
        reference: real crystals, usually a test split.
        standardise_on: cells whose compositions give mean and deviation of the composition fingerprints, usually
            the training split; None for the whole reference.
        fingerprints: of samples and of the whole reference, where they are there already.
        cache: file that keeps structure fingerprints.

    Raises MissingPackageError without matminer, or without smact for `valid`; DataError without samples or
    reference, and for fingerprints of another number of cells.
    """
    settings = settings or CoverageSettings()
    _check(samples, reference, standardise_on, fingerprints)
    chosen = drawn(reference, settings.limit_reference, settings.seed)
    if fingerprints is None:
        make = partial(
            fingerprint_cells, settings=settings.fingerprints, workers=workers, cache=cache, progress=progress
        )
        own, other = make(samples), make([reference[i] for i in chosen])
    else:
        own, other = fingerprints[0], fingerprints[1].select(chosen)
    admitted = own.made
    if settings.admitted == "valid":
        admitted = admitted & np.array(
            list(run_jobs(_valid, samples, len(samples), workers, "validity", progress))
        )
    scaled = standardiser(composition_fingerprints(reference if standardise_on is None else standardise_on))
    left = own.select(np.flatnonzero(admitted))
    right = other.select(np.flatnonzero(other.made))
    near = nearest(
        (left.structure, scaled(left.composition)),
        (right.structure, scaled(right.composition)),
        settings.resolved,
    )
    return Family(
        "coverage",
        "Coverage",
        _measures(near, len(samples), other, own, settings.resolved),
        _columns(near, admitted, own),
        settings=_settings(settings, len(reference), chosen, standardise_on),
        notes=_notes(own, other, admitted, settings),
    )


def _check(samples, reference, standardise_on, fingerprints) -> None:
    if not len(samples) or not len(reference):
        raise DataError(
            f"coverage of {len(reference)} reference crystals by {len(samples)} samples can't be measured",
            "give at least one of each",
        )
    if standardise_on is not None and not len(standardise_on):
        raise DataError("there are no crystals to standardise on", "give a training split, or None")
    lengths = fingerprints and tuple(map(len, fingerprints))
    if lengths and lengths != (len(samples), len(reference)):
        raise DataError(
            f"there are fingerprints of {lengths[0]} samples and {lengths[1]} reference crystals, but "
            f"{len(samples)} and {len(reference)} crystals",
            "make the fingerprints of the same lists",
        )


def _valid(cell: Cell | None) -> bool:
    return cell is not None and not defect(cell) and not geometry_problem(cell) and smact_valid(cell.formula)


def _measures(
    near: Nearest, n: int, reference: Fingerprints, own: Fingerprints, cutoffs: tuple[float, float]
) -> dict[str, Measure]:
    limits = f"{cutoffs[0]:g} in structure and {cutoffs[1]:g} in composition"
    m = len(near.reference_hit)
    covered = "reference crystals with a fingerprint"
    one = "one and the same partner is within both cutoffs (ours, stricter)"

    def share(hits: np.ndarray, total: int, of: str, description: str) -> Measure:
        return Measure(wilson(int(hits.sum()), total), of, description, share=True)

    return {
        "cov_recall": share(
            near.reference_hit, m, covered,
            f"a sample lies within {limits}, not necessarily the same one (CDVAE, arXiv 2110.06197)",
        ),
        "cov_precision": share(
            near.sample_hit, n, "generated",
            f"a reference crystal lies within {limits}, not necessarily the same one (CDVAE)",
        ),
        "cov_recall_joint": share(near.reference_joint, m, covered, f"as cov_recall, but {one}"),
        "cov_precision_joint": share(near.sample_joint, n, "generated", f"as cov_precision, but {one}"),
        "fingerprinted": share(own.made, n, "generated", "a CrystalNN fingerprint could be made"),
        "reference_fingerprinted": share(
            reference.made, len(reference), "reference", "a CrystalNN fingerprint could be made"
        ),
    }  # fmt: skip


def _columns(near: Nearest, admitted: np.ndarray, own: Fingerprints) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "coverage_structure_distance": [None] * len(own),
        "coverage_composition_distance": [None] * len(own),
        "covered": [False] * len(own),
        "fingerprint_failure": list(own.failures),
    }
    for place, index in enumerate(np.flatnonzero(admitted)):
        if np.isfinite(near.sample_structure[place]):
            columns["coverage_structure_distance"][index] = float(near.sample_structure[place])
            columns["coverage_composition_distance"][index] = float(near.sample_composition[place])
        columns["covered"][index] = bool(near.sample_hit[place])
    return columns


def _settings(
    settings: CoverageSettings, total: int, chosen: list[int], standardise_on: Sequence[Cell] | None
) -> dict[str, Any]:
    values = asdict(settings)
    values.pop("fingerprints")
    values["structure_cutoff"], values["composition_cutoff"] = settings.resolved
    values |= {
        "reference_crystals": len(chosen),
        "reference_crystals_there_are": total,
        "standardised_on": f"{total} reference crystals"
        if standardise_on is None
        else f"{len(standardise_on)} crystals",
        "smact_oxidation_states": SMACT_SET if settings.admitted == "valid" else None,
    }
    return values | settings_of(settings.fingerprints)


def _notes(
    own: Fingerprints, other: Fingerprints, admitted: np.ndarray, settings: CoverageSettings
) -> list[str]:
    notes = [
        "Mean and deviation of the composition fingerprints are fitted here and fixed in the published tables, "
        "so composition distances differ a little from theirs.",
        f"May cover: {ADMITTED[settings.admitted]}: {int(admitted.sum())} of {len(own)} samples.",
    ]
    for name, prints in (("samples", own), ("reference crystals", other)):
        failures = Counter(failure for failure in prints.failures if failure)
        if failures:
            listed = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in sorted(failures.items()))
            notes.append(f"{name.capitalize()} without a fingerprint: {listed}.")
    return notes
