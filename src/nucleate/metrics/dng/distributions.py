"""How the distributions of generated crystals differ from those of real ones, each beside what chance would give.

Wasserstein-1 distances of density and number of elements are those of CDVAE's tables (arXiv 2110.06197), over all
samples (KLDM) and over 1000 random valid ones (DiffCSP). Space groups and crystal systems are compared by the
Jensen-Shannon divergence, and density, volume and number of elements together by the maximum mean discrepancy,
as in LeMat-GenBench (arXiv 2512.04562) but with features standardised and a bandwidth from the data.

Every number has a floor: what as many random crystals from the reference itself score. A model can't be expected
to go below it, and a number there says only that the samples are too few to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.errors import DataError
from nucleate.metrics.dng.contrast import AXES, Contrast
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.fingerprints import Fingerprints
from nucleate.metrics.dng.nearest import standardiser
from nucleate.metrics.dng.profiles import Profile, comparisons, profile
from nucleate.metrics.dng.quantities import Quantities, check_symprec, drawn, versions
from nucleate.metrics.intervals import RESAMPLES
from nucleate.metrics.validity_rules import CLASSIC, SMACT_SET, smact_valid
from nucleate.settings import MOST_SEED, MOST_STEPS, within
from nucleate.work import Work

VALID_AXES = ("density", "n_elements")
MMD_AXES = ("density", "volume_per_atom", "n_elements")


@dataclass(frozen=True)
class DistributionSettings:
    """How distributions are compared.

    Attributes:
        symprec: tolerance of the space groups, Å.
        limit_valid: how many random valid samples the *_valid distances are over (DiffCSP: 1000).
        limit_mmd: how many random crystals of each side the maximum mean discrepancies are over.
        resamples: of each interval and floor.
        seed: of the draws and resamples.
    """

    symprec: float = 0.1
    limit_valid: int = 1000
    limit_mmd: int = 1000
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("limit_valid", "limit_mmd", "resamples"):
            if getattr(self, name) < 1:
                raise DataError(
                    f"{name} must be at least 1; got {getattr(self, name)}", "leave it out for the default"
                )
        within(self, 0, MOST_SEED, "seed", error=DataError)
        within(self, 1, 10**6, "resamples", error=DataError)
        within(self, 1, MOST_STEPS, "limit_valid limit_mmd", error=DataError)
        check_symprec(self.symprec)


def judge_distributions(
    samples: Sequence[Cell | None],
    reference: Sequence[Cell],
    settings: DistributionSettings | None = None,
    fingerprints: tuple[Fingerprints, Fingerprints] | None = None,
    work: Work = Work(),
) -> Family:
    """Distances between the distributions of samples and reference, their floors, and histograms of both.

    Args:
        samples: generated cells, None where one could not be read.
        reference: real crystals, usually a test split.
        fingerprints: structure fingerprints of samples and of reference, for their maximum mean discrepancy too.

    Raises MissingPackageError without moyopy or smact; DataError without samples or reference that can be used,
    and for fingerprints of another number of cells.
    """
    settings = settings or DistributionSettings()
    lengths = len(samples), len(reference)
    if fingerprints is not None and tuple(map(len, fingerprints)) != lengths:
        raise DataError(
            f"there are fingerprints of {len(fingerprints[0])} samples and {len(fingerprints[1])} reference "
            f"crystals, but {lengths[0]} and {lengths[1]} crystals",
            "make the fingerprints of the same lists",
        )
    own = profile(samples, settings.symprec, work)
    other = profile(reference, settings.symprec, work)
    if not len(own) or not len(other):
        raise DataError(
            f"distributions of {len(own)} usable samples and {len(other)} reference crystals can't be compared",
            "give at least one structure with a volume on each side",
        )
    valid = _valid_places(samples, own, settings, work)
    contrast = Contrast(settings.seed, settings.resamples)
    measures = contrast.lines(own, other, "", AXES, "samples with a volume")
    measures |= contrast.lines(own.select(valid), other, "_valid", VALID_AXES, "random valid samples")
    measures |= contrast.categories(own, other, f"at {settings.symprec:g} Å")
    measures |= _discrepancies(contrast, (samples, own), (reference, other), fingerprints, settings)
    return Family(
        "distributions",
        "Distributions",
        measures,
        comparisons=comparisons(own, other),
        settings=asdict(settings)
        | {
            "samples_used": len(own),
            "reference_crystals_used": len(other),
            "smact_oxidation_states": SMACT_SET,
        }
        | versions("moyopy", "smact", "nucleate"),
        notes=_notes(*lengths, own, other, len(valid), settings),
    )


def _valid_places(
    samples: Sequence[Cell | None],
    own: Profile,
    settings: DistributionSettings,
    work: Work,
) -> list[int]:
    """Rows of the profile that are random valid samples."""
    cells: list[Any] = [samples[i] for i in own.places]
    valid = list(work.run("validity", _is_valid, cells, len(cells)))
    rows = np.flatnonzero(valid)
    chosen = drawn([cells[i] for i in rows], settings.limit_valid, settings.seed)
    return [int(rows[i]) for i in chosen]


def _is_valid(cell: Cell) -> bool:
    return defect(cell, CLASSIC) is None and smact_valid(cell.formula)


Side = tuple[Sequence[Cell | None], Profile]


def _discrepancies(
    contrast: Contrast,
    samples: Side,
    reference: Side,
    fingerprints: tuple[Fingerprints, Fingerprints] | None,
    settings: DistributionSettings,
) -> dict[str, Measure]:
    """Maximum mean discrepancies over random crystals of each side."""
    columns = [Quantities._fields.index(name) for name in MMD_AXES]
    scaled = standardiser(reference[1].values[:, columns])
    sides = [
        scaled(side.values[_drawn_rows(cells, side.places, settings)][:, columns])
        for cells, side in (samples, reference)
    ]
    what = "density, volume for each atom and number of elements, standardised on the reference"
    measures = contrast.discrepancy("quantities", sides[0], sides[1], what, "random samples with a volume")
    if fingerprints is None:
        return measures
    sides = []
    for prints, (cells, side) in zip(fingerprints, (samples, reference), strict=True):
        places = side.places[prints.made[side.places]]
        sides.append(prints.structure[places[_drawn_rows(cells, places, settings)]])
    if not len(sides[0]) or not len(sides[1]):
        return measures
    of = "random samples with a fingerprint"
    return measures | contrast.discrepancy("fingerprint", sides[0], sides[1], "structure fingerprints", of)


def _drawn_rows(
    cells: Sequence[Cell | None], places: np.ndarray, settings: DistributionSettings
) -> list[int]:
    """Random rows among the cells at these places."""
    there: list[Any] = [cells[i] for i in places]
    return drawn(there, settings.limit_mmd, settings.seed)


def _notes(
    samples: int, reference: int, own: Profile, other: Profile, valid: int, settings: DistributionSettings
) -> list[str]:
    notes = [
        "A floor is what as many random crystals of the reference itself score: mean and central 95 %. A distance "
        "within it can't be told from a perfect one.",
    ]
    if len(own) < samples:
        notes.append(
            f"{samples - len(own)} of {samples} samples have no volume or can't be read, and are left out."
        )
    if len(other) < reference:
        notes.append(
            f"{reference - len(other)} of {reference} reference crystals can't be used, and are left out."
        )
    lost = int((own.groups == 0).sum())
    if lost:
        notes.append(f"No space group was found for {lost} samples; they are left out where one is needed.")
    if valid < settings.limit_valid:
        notes.append(
            f"There are {valid} valid samples, fewer than the {settings.limit_valid} that the *_valid distances "
            "are meant to be over."
        )
    return notes
