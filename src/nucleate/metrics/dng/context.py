"""The shared context of the judges of one evaluation: settings, samples, reference and results so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.defects import defect
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.protocols import Protocol
from nucleate.metrics.dng.quantities import JUDGED, drawn
from nucleate.metrics.dng.settings import DngSettings
from nucleate.work import Work

if TYPE_CHECKING:
    from nucleate.metrics.dng.equivalence import ComparedSamples
    from nucleate.metrics.dng.fingerprints import Fingerprints

FINGERPRINTS = "fingerprints.sqlite"
"""File of structure fingerprints in a folder of intermediate results."""


@dataclass
class EvaluationContext:
    """The shared context of the judges of one evaluation; they fill the last three.

    Attributes:
        cells: samples, ordered by content.
        reference: crystals of the split, empty without a data set.
        dataset: the reference's folder, or None: then nothing is compared with known crystals.
        work: executor and progress; its cache is the folder of intermediate results.
        families: results of the judges that are done.
        relaxed: relaxed samples, None where there are none.
        notes: sentences that a reader of the numbers must know.
        real_cache: folder of results that belong to the real crystals alone, for every evaluation with them; None
            keeps them with the others.
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
    real_cache: Path | None = None

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
        """Whether any sample can be measured."""
        return not all(defect(cell, JUDGED) for cell in self.cells)

    @property
    def has_hull(self) -> bool:
        """Whether there is something to place relaxed structures against."""
        return self.dataset is not None or self.settings.hull.complete

    @cached_property
    def reference_size(self) -> int:
        """Number of crystals in the whole split of the reference."""
        return 0 if self.dataset is None else len(self.dataset.split(self.settings.split))

    @cached_property
    def known(self) -> list[Cell]:
        """Crystals of the split that novel structures must not be in."""
        if self.dataset is None:
            return []
        table = self.dataset.split(self.settings.novel_against)
        return table.cells()

    @cached_property
    def compared_samples(self) -> ComparedSamples:
        """The crystals that uniqueness and novelty compare, relaxed if the protocol says so and it succeeded."""
        from nucleate.metrics.dng.equivalence import ComparedSamples, EquivalenceSettings

        cells = [
            relaxed if self.protocol.relaxed and relaxed is not None else cell
            for cell, relaxed in zip(self.cells, self.relaxed, strict=True)
        ]
        return ComparedSamples(cells, EquivalenceSettings(matcher=self.protocol.matcher))

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
        """Fingerprints of samples and reference, made once for all families; None without coverage."""
        if not self.settings.coverage:
            return None
        return self._fingerprinted(self.cells), self._fingerprinted(self.reference, self.real_cache)

    @cached_property
    def real_fingerprints(self) -> Fingerprints:
        """Fingerprints of as many random known crystals as there are samples: the coverage that is possible."""
        chosen = drawn(self.known, len(self.cells), self.settings.seed)
        return self._fingerprinted([self.known[i] for i in chosen], self.real_cache)

    def _fingerprinted(self, cells: Sequence[Cell | None], folder: Path | None = None) -> Fingerprints:
        """Fingerprints, kept in a folder; of the evaluation if none is named."""
        from nucleate.metrics.dng.fingerprints import fingerprint_cells

        own = self.file(FINGERPRINTS)
        if folder is None:
            return fingerprint_cells(cells, work=self.work.kept_in(own))
        return fingerprint_cells(cells, work=self.work.kept_in(folder / FINGERPRINTS), earlier=own)

    def column(self, family: str, name: str) -> list[Any]:
        """One column of a family that is done."""
        return self.families[family].columns[name]
