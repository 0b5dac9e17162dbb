"""What is measured of generated crystals, and how."""

from __future__ import annotations

from dataclasses import dataclass

from nucleate.energies.hull_choice import HullChoice
from nucleate.errors import DataError
from nucleate.metrics.dng.protocols import protocol_named
from nucleate.metrics.intervals import RESAMPLES
from nucleate.settings import MOST_SECONDS, MOST_SEED, MOST_STEPS, within

NO_RELAXATION = "none"


@dataclass(frozen=True)
class DngSettings:
    """What is measured and how; see Protocol for what the numbers mean.

    Attributes:
        protocol: name of a Protocol.
        split: split of the reference whose distributions the samples should have.
        novel_against: split of the reference that novel structures must not be in.
        relax: name of a potential, or "none" to leave relaxation and stability out.
        hull: the convex hull.
        coverage: whether coverage is computed (0.05 to 0.5 s for each structure).
        reference_limit: compare with this many crystals of the split, drawn at random; None for all.
        timeout: seconds for relaxing one structure.
        seed: of subsets and of bootstrap intervals.
        resamples: bootstrap resamples for distributions and diversity.
    """

    protocol: str = "mattergen"
    split: str = "val"
    novel_against: str = "train"
    relax: str = "chgnet"
    hull: HullChoice = HullChoice()
    coverage: bool = True
    reference_limit: int | None = None
    timeout: float = 300.0
    seed: int = 0
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        protocol_named(self.protocol)
        if self.reference_limit is not None and self.reference_limit < 1:
            raise DataError(
                f"--reference-limit must be at least 1; got {self.reference_limit}",
                "leave it out to take all",
            )
        if self.relax == NO_RELAXATION and self.hull.text:
            raise DataError(
                f"the hull {self.hull.text!r} has no effect without relaxation",
                "leave the hull out, or name a potential with --relax",
            )
        within(self, 0, MOST_SECONDS, "timeout", error=DataError)
        within(self, 0, MOST_SEED, "seed", error=DataError)
        within(self, 10, 10**6, "resamples", error=DataError)
        within(self, 1, MOST_STEPS, "reference_limit", error=DataError)
