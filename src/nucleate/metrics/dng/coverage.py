"""COV-R and COV-P: how much of a reference the samples come near, and how many samples are near the reference.

As CDVAE (arXiv 2110.06197) and every table since. A crystal is a structure fingerprint and a composition
fingerprint, compared by Euclidean distance. Recall: the share of reference crystals with a sample within the
structure cutoff and a sample within the composition cutoff, which need not be the same sample. Precision: the
same from the samples' side, over all generated samples. Both depend on the number of samples, the number of
reference crystals and the scale of the composition fingerprints (`composition_scale`): all three are reported,
beside the score of as many real crystals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.errors import DataError
from nucleate.metrics.dng.composition_scale import SCALES, cdvae_scale
from nucleate.metrics.dng.coverage_settings import ADMITTED, CoverageSettings
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.fingerprints import (
    Fingerprints,
    composition_fingerprints,
    fingerprint_cells,
    settings_of,
)
from nucleate.metrics.dng.nearest import Nearest, nearest, standardiser
from nucleate.metrics.dng.quantities import JUDGED, drawn
from nucleate.metrics.intervals import wilson
from nucleate.metrics.validity_rules import GEOMETRY, SMACT_SET, smact_valid
from nucleate.work import Work


def judge_coverage(
    samples: Sequence[Cell | None],
    reference: Sequence[Cell],
    settings: CoverageSettings | None = None,
    standardise_on: Sequence[Cell] | None = None,
    fingerprints: tuple[Fingerprints, Fingerprints] | None = None,
    work: Work = Work(),
    real: Fingerprints | None = None,
    there_are: int | None = None,
) -> Family:
    """Coverage of a reference by samples and of samples by a reference.

    Args:
        samples: generated cells, None where one could not be read.
        reference: real crystals, usually a test split.
        standardise_on: with the scale `fitted`, cells whose compositions give mean and deviation, usually the
            training split; None for the whole reference.
        fingerprints: of samples and of the whole reference, if they exist already.
        work: its cache is a file that keeps structure fingerprints.
        real: fingerprints of other real crystals, as many as samples, judged in their place: what is possible.
        there_are: how many crystals the reference was drawn from, if it is a subset.

    Raises MissingPackageError without matminer, or without smact for `valid`; DataError without samples or
    reference, and for fingerprints of another number of cells.
    """
    settings = settings or CoverageSettings()
    _check(samples, reference, standardise_on, fingerprints, settings.scale)
    chosen = drawn(reference, settings.limit_reference, settings.seed)
    if fingerprints is None:
        make = partial(fingerprint_cells, settings=settings.fingerprints, work=work)
        own, other = make(samples), make([reference[i] for i in chosen])
    else:
        own, other = fingerprints[0], fingerprints[1].select(chosen)
    admitted = own.made
    if settings.admitted == "valid":
        admitted = admitted & np.array(list(work.run("validity", _valid, samples, len(samples))))
    scaled = cdvae_scale()
    if settings.scale == "fitted":
        fitted_on = reference if standardise_on is None else standardise_on
        scaled = standardiser(composition_fingerprints(fitted_on))

    def against_reference(prints: Fingerprints) -> Nearest:
        left, right = (
            (one.structure, scaled(one.composition))
            for one in (prints, other.select(np.flatnonzero(other.made)))
        )
        return nearest(left, right, settings.resolved)

    near = against_reference(own.select(np.flatnonzero(admitted)))
    there_are = there_are or len(reference)
    part = "" if len(other) == there_are else f" of {there_are}"
    measures = _measures(near, len(samples), other, own, settings.resolved, part)
    if real is not None and len(real):
        measures |= _of_real(against_reference(real.select(np.flatnonzero(real.made))), len(real))
    return Family(
        "coverage",
        "Coverage",
        measures,
        _columns(near, admitted, own),
        settings=_settings(settings, there_are, len(samples), len(chosen), real, standardise_on),
        notes=_notes(own, other, admitted, settings),
    )


def _check(samples, reference, standardise_on, fingerprints, scale: str) -> None:
    if not len(samples) or not len(reference):
        raise DataError(
            f"coverage of {len(reference)} reference crystals by {len(samples)} samples can't be measured",
            "give at least one of each",
        )
    if standardise_on is not None and not len(standardise_on):
        raise DataError("there are no crystals to standardise on", "give a training split, or None")
    if standardise_on is not None and scale != "fitted":
        raise DataError(
            f"the scale '{scale}' is not fitted on any crystals", "leave them out, or choose 'fitted'"
        )
    lengths = fingerprints and tuple(map(len, fingerprints))
    if lengths and lengths != (len(samples), len(reference)):
        raise DataError(
            f"there are fingerprints of {lengths[0]} samples and {lengths[1]} reference crystals, but "
            f"{len(samples)} and {len(reference)} crystals",
            "make the fingerprints of the same lists",
        )


def _valid(cell: Cell | None) -> bool:
    return (
        cell is not None
        and not (defect(cell, JUDGED) or defect(cell, GEOMETRY))
        and smact_valid(cell.formula)
    )


def _measures(
    near: Nearest,
    n: int,
    reference: Fingerprints,
    own: Fingerprints,
    cutoffs: tuple[float, float],
    part: str,
) -> dict[str, Measure]:
    limits = f"{cutoffs[0]:g} in structure and {cutoffs[1]:g} in composition"
    m = len(near.reference_hit)
    covered = f"reference crystals with a fingerprint{part and f' ({len(reference)}{part} crystals)'}, by {n} samples"
    generated = f"generated, against {len(reference)}{part} reference crystals"
    one = "one and the same partner is within both cutoffs (ours, stricter)"

    def share(hits: np.ndarray, total: int, of: str, description: str) -> Measure:
        return Measure(wilson(int(hits.sum()), total), of, description, share=True)

    return {
        "cov_recall": share(
            near.reference_hit, m, covered,
            f"a sample lies within {limits}, not necessarily the same one (CDVAE, arXiv 2110.06197)",
        ),
        "cov_precision": share(
            near.sample_hit, n, generated,
            f"a reference crystal lies within {limits}, not necessarily the same one (CDVAE)",
        ),
        "cov_recall_joint": share(near.reference_joint, m, covered, f"as cov_recall, but {one}"),
        "cov_precision_joint": share(near.sample_joint, n, generated, f"as cov_precision, but {one}"),
        "fingerprinted": share(own.made, n, "generated", "a CrystalNN fingerprint could be made"),
        "reference_fingerprinted": share(
            reference.made, len(reference), "reference", "a CrystalNN fingerprint could be made"
        ),
    }  # fmt: skip


def _of_real(near: Nearest, n: int) -> dict[str, Measure]:
    """What real crystals score in place of the samples."""
    m = len(near.reference_hit)
    return {
        "cov_recall_real": Measure(
            wilson(int(near.reference_hit.sum()), m), f"reference crystals with a fingerprint, by {n} real ones",
            "as cov_recall, of real crystals in place of the samples", share=True,
        ),
        "cov_precision_real": Measure(
            wilson(int(near.sample_hit.sum()), n), "real", "as cov_precision, of real crystals in place of the samples",
            share=True,
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
    settings: CoverageSettings,
    there_are: int,
    samples: int,
    chosen: int,
    real: Fingerprints | None,
    standardise_on: Sequence[Cell] | None,
) -> dict[str, Any]:
    values = asdict(settings)
    values.pop("fingerprints")
    fitted = "the whole reference" if standardise_on is None else f"{len(standardise_on)} crystals"
    values["structure_cutoff"], values["composition_cutoff"] = settings.resolved
    values |= {
        "samples": samples,
        "reference_crystals": chosen,
        "reference_crystals_there_are": there_are,
        "real_crystals": None if real is None else len(real),
        "standardised_on": fitted if settings.scale == "fitted" else None,
        "smact_oxidation_states": SMACT_SET if settings.admitted == "valid" else None,
    }
    return values | settings_of(settings.fingerprints)


def _notes(
    own: Fingerprints, other: Fingerprints, admitted: np.ndarray, settings: CoverageSettings
) -> list[str]:
    notes = [
        f"Composition fingerprints are on the scale '{settings.scale}': {SCALES[settings.scale]}.",
        f"May cover: {ADMITTED[settings.admitted]}: {int(admitted.sum())} of {len(own)} samples.",
    ]
    for name, prints in (("samples", own), ("reference crystals", other)):
        failures = Counter(failure for failure in prints.failures if failure)
        if failures:
            listed = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in sorted(failures.items()))
            notes.append(f"{name.capitalize()} without a fingerprint: {listed}.")
    return notes
