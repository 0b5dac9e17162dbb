"""Generated crystals judged by all families of metrics, under one protocol, with every sample accounted for.

Samples are sorted by content before anything is computed, so no number depends on their given order. The families are
independent except for three ties: relaxed structures go to uniqueness
and novelty where the protocol says so, coverage may leave invalid samples out, and the joint numbers need all three of
stable, unique and novel.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cache_folders import own_cache, user_cache
from nucleate.data.dataset import Dataset
from nucleate.energies.potentials import potential_named
from nucleate.errors import DataError
from nucleate.metrics.dng.context import EvaluationContext
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.judges import judges, tests
from nucleate.metrics.dng.protocols import protocol_named
from nucleate.metrics.dng.quantities import drawn, versions
from nucleate.metrics.dng.report import DngReport
from nucleate.metrics.dng.samples import Samples
from nucleate.metrics.dng.settings import NO_RELAXATION, DngSettings
from nucleate.work import Work

if TYPE_CHECKING:
    from pymatgen.core import Structure

CACHE_NAME = ".nucleate-cache"
POINTERS = {"cluster"}
"""Columns that hold places of other samples."""


def evaluate(
    samples: Samples | Iterable[Structure | Cell | None],
    reference: Dataset | None,
    settings: DngSettings | None = None,
    work: Work = Work(),
    real_cache: Path | None = None,
) -> DngReport:
    """Judge generated crystals.

    Args:
        samples: what `read_samples` returns, or crystals; None counts as one that can't be read.
        reference: the data set of real crystals; without one coverage, distributions, novelty and a hull are left out.
        settings: what is measured; the defaults relax with CHGNet.
        work: its cache is the folder of intermediate results: with it, an evaluation that was killed goes on where it
            was. Its time limit is that of every piece of every judge.
        real_cache: folder of fingerprints of the real crystals, for all evaluations with them; None keeps them with
            the other intermediate results.

    Raises DataError without samples and for a split that the reference does not have;
    MissingPackageError where a package that is needed is not installed.
    """
    settings = work.limiting(settings or DngSettings())
    samples = samples if isinstance(samples, Samples) else Samples.of(samples)
    if not len(samples):
        raise DataError("there are no samples to judge", "give at least one generated crystal")
    check(reference, settings)
    protocol = protocol_named(settings.protocol)
    order = sorted(range(len(samples)), key=samples.keys().__getitem__)
    ordered = samples.select(order)
    with _folder(work.cache) as folder:
        context = EvaluationContext(
            ordered.cells,
            _reference_cells(reference, settings),
            reference,
            settings,
            protocol,
            work.kept_in(folder),
            real_cache=real_cache,
        )
        for name, judge in judges(settings, reference is not None).items():
            context.families[name] = judge(context)
    back = np.argsort(order).tolist()
    return DngReport(
        samples,
        protocol,
        {name: _reordered(family, back, ordered.ids) for name, family in context.families.items()},
        [(name, title, [verdicts[i] for i in back]) for name, title, verdicts in tests(context)],
        _described(samples, reference, settings),
        [context.relaxed[i] for i in back],
        context.notes,
    )


def check(reference: Dataset | None, settings: DngSettings) -> None:
    """Raise NucleateError for settings that the reference or this machine can't serve, before the long work."""
    for name in (settings.split, settings.novel_against):
        if reference is not None and name not in reference.splits:
            raise DataError(
                f"{reference.path} has no split '{name}'", f"it has {', '.join(reference.splits)}"
            )
    if settings.relax == NO_RELAXATION:
        return
    potential = potential_named(settings.relax)
    settings.hull.check(reference is not None)
    potential.calculator()


@contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    """The folder of intermediate results, made if it is missing; without one, one that is gone at the end."""
    if cache is None:
        with TemporaryDirectory() as folder:
            yield Path(folder)
        return
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"intermediate results can't be kept in {cache} ({error.strerror})", "name a folder with --cache"
        ) from error
    yield cache


def _reference_cells(reference: Dataset | None, settings: DngSettings) -> list[Cell]:
    """Crystals of the split, or so many of them; none without a data set."""
    if reference is None:
        return []
    table = reference.split(settings.split)
    cells = table.cells()
    return [cells[i] for i in drawn(cells, settings.reference_limit, settings.seed)]


def _reordered(family: Family, back: list[int], ids: list[str]) -> Family:
    """The columns in the order the samples came in; those that point at samples name them."""
    columns = {name: [values[i] for i in back] for name, values in family.columns.items()}
    for name in POINTERS & columns.keys():
        columns[name] = [None if place is None else ids[place] for place in columns[name]]
    return replace(family, columns=columns)


def _described(samples: Samples, reference: Dataset | None, settings: DngSettings) -> dict[str, Any]:
    """What the numbers depend on beside the settings of the families."""
    return {
        **asdict(settings),
        "hull": settings.hull.text,
        **_origin(reference, settings),
        "samples": samples.source,
        **versions("nucleate", "pymatgen-core", "numpy"),
    }


def _origin(reference: Dataset | None, settings: DngSettings) -> dict[str, Any]:
    if reference is None:
        return {"reference": None}
    checksums = reference.info["checksums"]
    files = [f"{name}.parquet" for name in (settings.split, settings.novel_against)]
    return {
        "reference": reference.path.resolve().name,
        "reference_checksums": {file: checksums.get(file) for file in files},
    }


def cache_folder(samples: Path) -> Path:
    """Where intermediate results go unless told otherwise: beside the samples, or in the user's cache folder."""
    beside = samples.absolute().parent
    if os.access(beside, os.W_OK):
        return beside / CACHE_NAME
    return user_cache()


def real_cache(reference: Dataset) -> Path:
    """Where results that belong to the real crystals go: beside the data set, or in the user's cache folder."""
    return own_cache(reference.path) or user_cache()
