"""What the judges of one evaluation share: settings, samples, reference, and what has been found so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.defects import defect
from nucleate.energies.hull_choice import HullChoice
from nucleate.errors import DataError
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.protocols import Protocol, protocol_named
from nucleate.metrics.dng.quantities import JUDGED, drawn
from nucleate.metrics.intervals import RESAMPLES
from nucleate.settings import MOST_SECONDS, MOST_SEED, MOST_STEPS, within
from nucleate.work import Work

if TYPE_CHECKING:
    from nucleate.metrics.dng.fingerprints import Fingerprints
    from nucleate.metrics.dng.identity import Samples as IdentitySamples

NO_RELAXATION = "none"


@dataclass(frozen=True)
class DngSettings:
    """What is measured and how; see Protocol for what the numbers mean.

    Attributes:
        protocol: name of a Protocol.
        split: of the reference, whose distributions the samples should have.
        novel_against: split of the reference that novel structures must not be in.
        relax: name of a potential, or "none" to leave relaxation and stability out.
        hull: which convex hull.
        coverage: whether coverage is computed (0.05 to 0.5 s for each structure).
        reference_limit: compare with so many crystals of the split, drawn at random; None for all.
        timeout: seconds for relaxing one structure.
        seed: of subsets and of bootstrap intervals. resamples: of those of distributions and diversity.
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
                f"a reference of {self.reference_limit} crystals tells nothing",
                "--reference-limit starts at 1",
            )
        if self.relax == NO_RELAXATION and self.hull.text:
            raise DataError(
                f"the hull {self.hull.text!r} is never looked at without relaxation",
                "leave the hull out, or name a potential with --relax",
            )
        within(self, 0, MOST_SECONDS, "timeout", error=DataError)
        within(self, 0, MOST_SEED, "seed", error=DataError)
        within(self, 10, 10**6, "resamples", error=DataError)
        within(self, 1, MOST_STEPS, "reference_limit", error=DataError)


@dataclass
class Bench:
    """What the judges of one evaluation share; the last three are filled as they work.

    Attributes:
        cells: samples in the order of their content. reference: crystals of the split, empty without a data set.
        dataset: the reference's folder, or None: then nothing is compared with known crystals.
        work: where, and who is told; its cache is the folder of intermediate results.
        families: of the judges that are done. relaxed: relaxed samples, None where there are none.
        notes: what a reader of the numbers must know.
    """

    cells: list[Cell | None]
    reference: list[Cell]
    dataset: Dataset | None
    settings: DngSettings
    protocol: Protocol
    work: Work
    families: dict[str, Family] = field(default_factory=dict)
    relaxed: list[Cell | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.relaxed = [None] * len(self.cells)

    def file(self, name: str) -> Path:
        """A file of the cache."""
        assert self.work.cache is not None
        return self.work.cache / name

    def kept_in(self, name: str) -> Work:
        """The work with a file of the cache."""
        return self.work.kept_in(self.file(name))

    @property
    def usable(self) -> bool:
        """Whether anything can be measured of any sample."""
        return not all(defect(cell, JUDGED) for cell in self.cells)

    @property
    def has_hull(self) -> bool:
        """Whether there is something to place relaxed structures against."""
        return self.dataset is not None or self.settings.hull.complete

    @cached_property
    def reference_size(self) -> int:
        """How many crystals the split has that the reference is all or a part of."""
        return 0 if self.dataset is None else len(self.dataset.split(self.settings.split))

    @cached_property
    def known(self) -> list[Cell]:
        """Crystals of the split that novel structures must not be in."""
        if self.dataset is None:
            return []
        table = self.dataset.split(self.settings.novel_against)
        return table.cells()

    @cached_property
    def identity(self) -> IdentitySamples:
        """What uniqueness and novelty compare: relaxed where the protocol says so and there is a relaxed structure."""
        from nucleate.metrics.dng.identity import IdentitySettings
        from nucleate.metrics.dng.identity import Samples as IdentitySamples

        cells = [
            relaxed if self.protocol.relaxed and relaxed is not None else cell
            for cell, relaxed in zip(self.cells, self.relaxed, strict=True)
        ]
        return IdentitySamples(cells, IdentitySettings(matcher=self.protocol.matcher))

    @property
    def compared(self) -> str:
        """Which structures uniqueness and novelty compare, a sentence."""
        if not self.protocol.relaxed:
            return "Structures are compared as they were generated."
        if "stability" not in self.families:
            return f"Nothing was relaxed: structures are compared as generated, unlike {self.protocol.name} asks for."
        left = sum(r is None and c is not None for r, c in zip(self.relaxed, self.cells, strict=True))
        rest = f"; {left} that were not relaxed are compared as generated" if left else ""
        return f"Structures are compared relaxed{rest}."

    @cached_property
    def fingerprints(self) -> tuple[Fingerprints, Fingerprints] | None:
        """Of samples and reference, made once for all families that need them; None where they are not wanted."""
        if not self.settings.coverage:
            return None
        return self._fingerprinted(self.cells), self._fingerprinted(self.reference)

    @cached_property
    def real_fingerprints(self) -> Fingerprints:
        """Of as many random known crystals as there are samples: what coverage is possible with so many."""
        chosen = drawn(self.known, len(self.cells), self.settings.seed)
        return self._fingerprinted([self.known[i] for i in chosen])

    def _fingerprinted(self, cells: Sequence[Cell | None]) -> Fingerprints:
        from nucleate.metrics.dng.fingerprints import fingerprint_cells

        return fingerprint_cells(cells, work=self.kept_in("fingerprints.sqlite"))

    def column(self, family: str, name: str) -> list[Any]:
        """One column of a family that is done."""
        return self.families[family].columns[name]
