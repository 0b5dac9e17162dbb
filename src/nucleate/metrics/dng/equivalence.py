"""Which crystals are the same: samples with formulas and reduced cells (made when needed), and the settings.

Two crystals are the same where pymatgen's `StructureMatcher.fit` says so, with its default tolerances unless
others are set: the definition of MatterGen, FlowMM and LeMat-GenBench (arXiv 2512.04562).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules, defect, has_atoms, is_finite, known_elements
from nucleate.elements import SYMBOLS
from nucleate.errors import DataError
from nucleate.measures import volume
from nucleate.metrics.amd import element_distances
from nucleate.metrics.dng.family import Measure, share_of
from nucleate.metrics.dng.quantities import check_time_limit
from nucleate.metrics.matching import MATCH_FAILURES, Matcher, try_match
from nucleate.metrics.reduction import Reduced, reduce_cell
from nucleate.metrics.validity_rules import FLAT_PLANES, MIN_VOLUME
from nucleate.settings import MOST_STEPS, within
from nucleate.time_limit import attempt
from nucleate.work import Work

Formula = tuple[tuple[int, int], ...]
"""As `Cell.formula` gives it: (atomic number, count), counts divided by their greatest common divisor."""

COMPARED = Rules(
    (
        has_atoms("unreadable"),
        is_finite("not_finite"),
        Rule("volume_too_small", volume, least=MIN_VOLUME),
        known_elements("unknown_element"),
        FLAT_PLANES,
    )
)
"""A cell that breaks one of these can't be compared with others; atoms too close are no hindrance."""
PROBLEMS = (
    "unreadable", "not_finite", "volume_too_small", "too_flat", "unknown_element", "timed_out", "matcher_failed",
)  # fmt: skip
REDUCTIONS_PER_JOB = 32


@dataclass(frozen=True)
class EquivalenceSettings:
    """What makes two crystals the same, and how the comparisons are done. The last two change no verdict.

    Attributes:
        matcher: tolerances; the defaults are those of StructureMatcher.
        timeout: seconds for one reduction or one comparison.
        order_from: groups of at least this many candidates are compared in the order of their distances.
        neighbours: how many neighbours these distances are of.
    """

    matcher: Matcher = field(default_factory=lambda: Matcher(stol=0.3, angle_tol=5.0, ltol=0.2))
    timeout: float = 10.0
    order_from: int = 8
    neighbours: int = 32

    def __post_init__(self) -> None:
        check_time_limit(self.timeout, "10 s")
        if self.neighbours < 1 or self.order_from < 2:
            raise DataError(
                f"neighbours = {self.neighbours} or order_from = {self.order_from} is too small",
                "give neighbours at least 1 and order_from at least 2",
            )
        within(self, 2, MOST_STEPS, "order_from", error=DataError)
        within(self, 1, 10**6, "neighbours", error=DataError)

    def to_dict(self) -> dict[str, Any]:
        from importlib.metadata import version

        return asdict(self) | {"verdict": "StructureMatcher.fit", "pymatgen": version("pymatgen")}


class ComparedSamples:
    """Generated crystals for uniqueness and novelty, which share the work on each.

    Attributes:
        cells: None where a sample could not be made or read.
        formulas: reduced; None where there is a problem.
        problems: "" or why the sample can't be judged, one of PROBLEMS. [samples]
        reduced: what has been reduced so far, by sample.
    """

    def __init__(self, cells: Sequence[Cell | None], settings: EquivalenceSettings | None = None) -> None:
        self.cells = list(cells)
        self.settings = settings or EquivalenceSettings()
        self.problems = [defect(cell, COMPARED) or "" for cell in self.cells]
        self.formulas = [
            cell.formula if cell is not None and not problem else None
            for cell, problem in zip(self.cells, self.problems, strict=True)
        ]
        self.reduced: dict[int, Reduced] = {}

    @classmethod
    def of(
        cls, samples: ComparedSamples | Sequence[Cell | None], settings: EquivalenceSettings | None
    ) -> ComparedSamples:
        """The samples as they are, if they are prepared already. Raises DataError where there are none, and where
        they were prepared with other settings."""
        if not isinstance(samples, ComparedSamples):
            samples = cls(samples, settings)
        elif settings is not None and settings != samples.settings:
            raise DataError("the samples were prepared with other settings", "leave the settings out here")
        if not samples.cells:
            raise DataError("there are no samples to judge", "give at least one structure")
        return samples

    def __len__(self) -> int:
        return len(self.cells)

    def reduce(self, rows: Iterable[int], work: Work = Work()) -> None:
        """Reduce these samples where it has not been done; a failure becomes their problem."""
        todo = [row for row in dict.fromkeys(rows) if row not in self.reduced and not self.problems[row]]
        cells = ((row, cell) for row in todo if (cell := self.cells[row]) is not None)
        for row, reduced, failure in reduce_all(cells, len(todo), work.seconds(self.settings.timeout), work):
            if reduced is None:
                self.problems[row] = failure
            else:
                self.reduced[row] = reduced


def not_judged(problems: Sequence[str], family: str, verdict: str) -> tuple[Measure, list[str]]:
    """The share of samples that can't be compared, and a note with the reasons if there are any.

    problems: of each sample, "" for none. family: whose column FAMILY_problem they are. verdict: what such samples
    do not count as.
    """
    found = Counter(problem for problem in problems if problem)
    measure = share_of(
        problems,
        f"samples that can't be compared, which count as not {verdict}: see the column {family}_problem",
    )
    listed = ", ".join(f"{name} {found[name]}" for name in sorted(found))
    note = (
        f"{found.total()} of {len(problems)} samples can't be compared and count as not {verdict}: {listed}."
    )
    return measure, [note] if found else []


def formula_text(formula: Formula) -> str:
    """For people and files: "Na1-Cl1" is the rock salt, by atomic number."""
    return "-".join(f"{SYMBOLS[number]}{count}" for number, count in formula)


def reduce_all(
    cells: Iterable[tuple[int, Cell]], total: int, timeout: float | None, work: Work
) -> Iterable[tuple[int, Reduced | None, str]]:
    """(row, reduced cell or None, failure) for each (row, cell), in their order."""
    cells = iter(cells)
    pieces = iter(lambda: list(islice(cells, REDUCTIONS_PER_JOB)), [])
    jobs = ((piece, timeout) for piece in pieces)
    count = -(-total // REDUCTIONS_PER_JOB)
    if count:
        for results in work.run("reducing", _reduce_some, jobs, count):
            yield from results


def _reduce_some(job: tuple[list[tuple[int, Cell]], float | None]) -> list[tuple[int, Reduced | None, str]]:
    cells, timeout = job
    return [(row, *try_match(partial(reduce_cell, cell), timeout)) for row, cell in cells]


def by_composition(rows: Iterable[int], reduced: dict[int, Reduced]) -> list[list[int]]:
    """Rows of equal composition of the primitive cell, in the order they come; those not reduced are left out."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for row in rows:
        if row in reduced:
            groups[reduced[row].composition].append(row)
    return list(groups.values())


def descriptors(cells: Sequence[Reduced], settings: EquivalenceSettings) -> np.ndarray:
    """Distances to neighbours of each element: those of alike crystals are near each other. [cells, numbers]

    They order candidates and reject none: the matcher's tolerances imply no bound on them. A cell whose
    descriptor takes too long has NaN and is compared last.
    """
    numbers = len(np.unique(cells[0].species)) * settings.neighbours
    result = np.full((len(cells), numbers), np.nan)
    for place, one in enumerate(cells):
        work = partial(element_distances, one.species, one.frac, one.lattice, settings.neighbours)
        found, _ = attempt(work, settings.timeout, (*MATCH_FAILURES, MemoryError))
        if found is not None:
            result[place] = found
    return result


def canonical_key(cell: Reduced) -> tuple[float, bytes, bytes]:
    """A sort key that depends only on the reduced cell."""
    return (
        cell.volume / len(cell.species),
        cell.lattice.tobytes(),
        cell.frac.tobytes() + cell.species.tobytes(),
    )
