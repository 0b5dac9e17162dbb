"""The judges of one evaluation in their order, each a family of metrics, and the tests of its funnel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.errors import DataError
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.protocols import Protocol, protocol_named
from nucleate.metrics.dng.report import Test
from nucleate.pool import Progress

NO_RELAXATION = "none"


@dataclass(frozen=True)
class DngSettings:
    """What is measured and how; see Protocol for what the numbers mean.

    Attributes:
        protocol: name of a Protocol.
        split: of the reference, whose distributions the samples should have.
        novel_against: split of the reference that novel structures must not be in.
        relax: name of a potential, or "none" to leave relaxation and stability out.
        hull: energies of the convex hull: "" for those of the potential, "dft", or a file of entries.
        coverage: whether coverage is computed (0.05 to 0.5 s for each structure).
        reference_limit: compare with so many crystals of the split, drawn at random; None for all.
        workers: processes. timeout: seconds for relaxing one structure.
        seed: of subsets and of bootstrap intervals.
    """

    protocol: str = "mattergen"
    split: str = "val"
    novel_against: str = "train"
    relax: str = "chgnet"
    hull: str = ""
    coverage: bool = True
    reference_limit: int | None = None
    workers: int = 1
    timeout: float = 300.0
    seed: int = 0

    def __post_init__(self) -> None:
        protocol_named(self.protocol)
        if self.reference_limit is not None and self.reference_limit < 1:
            raise DataError(
                f"a reference of {self.reference_limit} crystals tells nothing",
                "--reference-limit starts at 1",
            )


@dataclass
class Bench:
    """What the judges of one evaluation share; the last three are filled as they work.

    Attributes:
        cells: samples in the order of their content. reference: crystals of the split.
        dataset: the reference's folder. cache: folder of intermediate results, or None.
        families: of the judges that are done. relaxed: relaxed samples, None where there are none.
        notes: what a reader of the numbers must know.
    """

    cells: list[Cell | None]
    reference: list[Cell]
    dataset: Dataset
    settings: DngSettings
    protocol: Protocol
    cache: Path | None = None
    progress: Progress | None = None
    families: dict[str, Family] = field(default_factory=dict)
    relaxed: list[Cell | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.relaxed = [None] * len(self.cells)

    def file(self, name: str) -> Path | None:
        """A file of the cache."""
        return self.cache / name if self.cache else None

    def column(self, family: str, name: str) -> list[Any]:
        """One column of a family that is done."""
        return self.families[family].columns[name]


Judge = Callable[[Bench], Family]


def judges(settings: DngSettings) -> dict[str, Judge]:
    """The judges by the names of their families, in the order they must work in."""
    wanted: dict[str, Judge] = {"validity": _validity, "distributions": _distributions}
    if settings.coverage:
        wanted["coverage"] = _coverage
    wanted |= {"diversity": _diversity, "symmetry": _symmetry}
    if settings.relax != NO_RELAXATION:
        wanted["stability"] = _stability
    return wanted | {"uniqueness": _uniqueness, "novelty": _novelty, "joint": _joint}
