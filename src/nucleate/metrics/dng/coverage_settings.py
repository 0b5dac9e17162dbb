"""How coverage is measured: cutoffs, which samples may cover, the scale of compositions, the size of the reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from nucleate.errors import DataError
from nucleate.metrics.dng.composition_scale import SCALES, Scale
from nucleate.metrics.dng.fingerprints import FingerprintSettings
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
        scale: of composition fingerprints, one of SCALES; `cdvae` is that of every published table.
        seed: of the subset.
        fingerprints: how they are made.
    """

    cutoffs: str = "mp_20"
    structure_cutoff: float | None = None
    composition_cutoff: float | None = None
    admitted: Literal["buildable", "valid"] = "buildable"
    limit_reference: int | None = None
    scale: Scale = "cdvae"
    seed: int = 0
    fingerprints: FingerprintSettings = field(default_factory=FingerprintSettings)

    def __post_init__(self) -> None:
        if self.cutoffs not in CUTOFFS:
            raise DataError(f"no cutoffs are called {self.cutoffs!r}", f"choose among {', '.join(CUTOFFS)}")
        if self.admitted not in ADMITTED:
            raise DataError(f"no samples are called {self.admitted!r}", f"choose among {', '.join(ADMITTED)}")
        if self.scale not in SCALES:
            raise DataError(f"no scale is called {self.scale!r}", f"choose among {', '.join(SCALES)}")
        if self.limit_reference is not None and self.limit_reference < 1:
            raise DataError(
                f"limit_reference must be at least 1; got {self.limit_reference}", "None takes all crystals"
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
