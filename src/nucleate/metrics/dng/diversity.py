"""How many different crystals there are among the samples: Vendi scores and entropies.

The Vendi score (Friedman & Dieng, arXiv 2210.02410) is the exponential of the entropy of the eigenvalues of K / n,
where K holds the similarities of all pairs: 1 for n copies of one crystal, n for n crystals that have nothing in
common. Both kernels here are products of feature vectors, so that the eigenvalues are those of a small matrix of
features and no sample has to be left out: the score can't exceed the number of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.metrics.dng.distances import entropy
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.fingerprints import Fingerprints
from nucleate.metrics.dng.profiles import N_SPACE_GROUPS, Profile, profile
from nucleate.metrics.dng.quantities import check_symprec, versions
from nucleate.metrics.dng.resampling import scatter
from nucleate.metrics.intervals import RESAMPLES
from nucleate.settings import MOST_SEED, within
from nucleate.work import Work


@dataclass(frozen=True)
class DiversitySettings:
    """How diversity is measured.

    Attributes:
        symprec: tolerance of the space groups, Å.
        resamples: of the intervals of the entropies; Vendi scores take a tenth of it.
        seed: of the resamples.
    """

    symprec: float = 0.1
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 10:
            raise DataError(
                f"resamples must be at least 10; got {self.resamples}", "leave it out for the default"
            )
        within(self, 0, MOST_SEED, "seed", error=DataError)
        within(self, 10, 10**6, "resamples", error=DataError)
        check_symprec(self.symprec)


def judge_diversity(
    samples: Sequence[Cell | None],
    reference: Sequence[Cell] | None = None,
    settings: DiversitySettings | None = None,
    fingerprints: tuple[Fingerprints, Fingerprints | None] | None = None,
    work: Work = Work(),
) -> Family:
    """Vendi scores of compositions and structures, entropies of elements and space groups.

    Args:
        samples: generated cells, None where one could not be read.
        reference: real crystals, for which the same numbers are given.
        fingerprints: structure fingerprints of samples and of reference (or None), for their Vendi score.

    Raises MissingPackageError without moyopy; DataError without a sample that can be used, and for fingerprints
    of another number of samples.
    """
    settings = settings or DiversitySettings()
    sides = [("", "samples", samples, fingerprints[0] if fingerprints else None)]
    if reference is not None and len(reference):
        sides.append(
            ("_reference", "reference crystals", reference, fingerprints[1] if fingerprints else None)
        )
    measures: dict[str, Measure] = {}
    notes = []
    for suffix, who, cells, prints in sides:
        if prints is not None and len(prints) != len(cells):
            raise DataError(
                f"there are fingerprints of {len(prints)} {who}, but {len(cells)} {who}",
                "make the fingerprints of the same list",
            )
        side = profile(cells, settings.symprec, work)
        if not len(side):
            raise DataError(f"none of the {len(cells)} {who} can be used", "give at least one with a volume")
        if len(side) < len(cells):
            notes.append(f"{len(cells) - len(side)} of {len(cells)} {who} can't be used, and are left out.")
        measures |= _measures(side, prints, suffix, who, settings)
    notes.append(
        "Vendi scores grow with the number of samples until all kinds are seen: compare scores of equal n. Noise "
        "raises them too: diversity says nothing without validity and stability."
    )
    return Family(
        "diversity",
        "Diversity",
        measures,
        settings=asdict(settings) | versions("moyopy", "nucleate"),
        notes=notes,
    )


def _measures(
    side: Profile, prints: Fingerprints | None, suffix: str, who: str, settings: DiversitySettings
) -> dict[str, Measure]:
    groups = np.bincount(side.groups, minlength=N_SPACE_GROUPS + 1)[1:]
    rows, counts = np.unique(side.elements, axis=0, return_counts=True)
    few = max(10, settings.resamples // 10)
    measures = {
        "vendi_composition": Measure(
            scatter(partial(vendi, np.sqrt(rows)), counts, settings.seed, few, least=1.0),
            f"{who} with a volume",
            "Vendi score of compositions (Friedman & Dieng, arXiv 2210.02410), similarity = sum over elements of "
            "sqrt(share in the one x share in the other)",
        ),
        "element_entropy": Measure(
            scatter(partial(_mixed_entropy, rows), counts, settings.seed, settings.resamples),
            f"{who} with a volume",
            "Shannon entropy of the elements, each crystal's atoms counted as shares of it",
            "bit",
        ),
        "space_group_entropy": Measure(
            scatter(entropy, groups, settings.seed, settings.resamples),
            f"{who} with a space group",
            f"Shannon entropy of the space groups at {settings.symprec:g} Å",
            "bit",
        ),
    }
    if prints is not None and prints.made.any():
        features, counts = np.unique(prints.structure[prints.made], axis=0, return_counts=True)
        # a fingerprint of zeros is like itself and nothing else
        features = np.column_stack([features, (np.abs(features).sum(1) == 0).astype(float)])
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        measures["vendi_structure"] = Measure(
            scatter(partial(vendi, features), counts, settings.seed, few, least=1.0),
            f"{who} with a fingerprint",
            "Vendi score of structures, similarity = cosine of the CrystalNN fingerprints",
        )
    return {f"{name}{suffix}": measure for name, measure in measures.items()}


def vendi(features: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Vendi score of each row of shares, for similarities that are products of unit feature vectors.

    Args:
        features: of distinct things, each of length 1. [things, features]
        shares: how much of each there is. [draws, things]
    """
    spectra = []
    for row in shares:
        weighted = features * np.sqrt(row)[:, None]
        gram = weighted.T @ weighted if weighted.shape[1] < len(weighted) else weighted @ weighted.T
        eigenvalues = np.clip(np.linalg.eigvalsh(gram), 0.0, None)
        spectra.append(eigenvalues / eigenvalues.sum())
    return 2 ** entropy(np.array(spectra))


def _mixed_entropy(rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return entropy(shares @ rows)
