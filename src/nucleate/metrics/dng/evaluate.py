"""Generated crystals judged by all families of metrics, under one protocol, with every sample accounted for.

Samples are put into an order that hangs on their content only before anything is computed, so no number depends on the
order they came in. The families are independent of each other but for three ties: relaxed structures go to uniqueness
and novelty where the protocol says so, coverage may leave invalid samples out, and the joint numbers need all three of
stable, unique and novel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.errors import DataError
from nucleate.metrics.csp.predictions import reference_cell
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.protocols import Protocol, protocol_named
from nucleate.metrics.dng.report import DngReport, Test
from nucleate.metrics.dng.samples import Samples
from nucleate.pool import Progress

if TYPE_CHECKING:
    from pymatgen.core import Structure

CACHE_NAME = ".nucleate-cache"
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
    """What the judges of one evaluation share; filled as they work.

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
    cache: Path | None
    progress: Progress | None
    families: dict[str, Family]
    relaxed: list[Cell | None]
    notes: list[str]

    def column(self, family: str, name: str) -> list[Any]:
        """One column of a family that is done."""
        return self.families[family].columns[name]


Judge = Callable[[Bench], Family]


def evaluate(
    samples: Samples | Iterable[Structure | Cell | None],
    reference: Dataset,
    settings: DngSettings | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> DngReport:
    """Judge generated crystals.

    Args:
        samples: what `read_samples` returns, or crystals; None counts as one that can't be read.
        reference: the data set of real crystals.
        settings: what is measured; the defaults relax with CHGNet.
        cache: folder of intermediate results: with it, an evaluation that was killed goes on where it was.
        progress: called as the work goes on.

    Raises DataError without samples, for an unknown protocol and a split that the reference does not have;
    MissingPackageError where a package that is needed is not installed.
    """
    settings = settings or DngSettings()
    samples = samples if isinstance(samples, Samples) else Samples.of(samples)
    if not len(samples):
        raise DataError("there are no samples to judge", "give at least one generated crystal")
    protocol = protocol_named(settings.protocol)
    order = sorted(range(len(samples)), key=samples.keys().__getitem__)
    ordered = samples.select(order)
    reference.split(settings.novel_against)
    bench = Bench(
        ordered.cells, reference_cells(reference, settings), reference, settings, protocol, cache, progress,
        {}, [None] * len(samples), [],
    )  # fmt: skip
    for name, judge in judges(settings).items():
        bench.families[name] = judge(bench)
    back = np.argsort(order).tolist()
    families = {name: _reordered(family, back, ordered.ids) for name, family in bench.families.items()}
    return DngReport(
        samples,
        protocol,
        families,
        [(name, title, [verdicts[i] for i in back]) for name, title, verdicts in tests(bench)],
        described(samples, reference, settings),
        [bench.relaxed[i] for i in back],
        bench.notes,
    )
