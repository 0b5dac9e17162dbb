"""Whether a candidate is known: whether it fits a crystal of the references.

References are the shipped crystals, or data sets. One is the same as a candidate where `StructureMatcher.fit` says so,
with its default tolerances: the definition of MatterGen (arXiv 2312.03687). Novel means no more than: not among these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from math import gcd

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.errors import RecipeError
from nucleate.funnel.duplicates import SECONDS, Kept
from nucleate.funnel.stage import Candidate, Stage, Value, Verdict
from nucleate.metrics.dng.reference_index import formulas_of
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.prototypes.files import checksum_of, read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.shipped import INDEX
from nucleate.work import Work

SHIPPED = "mp-20"
"""The shipped crystals: MP-20's training split, and others (`prototypes.shipped.SOURCES`)."""

Formula = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Novelty(Stage):
    """Known or new.

    Attributes:
        references: "mp-20" for the shipped crystals, or folders of data sets, of which all splits count.
        known: "reject" crystals that are known, or "keep" them, with the name of what they are.
    """

    name = "novelty"

    references: tuple[str, ...] = (SHIPPED,)
    known: str = "reject"

    def __post_init__(self) -> None:
        if self.known not in ("reject", "keep"):
            raise RecipeError(f"known = '{self.known}' is nothing to do", "write reject or keep")
        if not self.references:
            raise RecipeError("novelty needs references", f'name some: references = ["{SHIPPED}"]')

    @property
    def identity(self) -> str:
        return f"{super().identity} {' '.join(map(_checksum, self.references))}"

    @property
    def writes(self) -> Sequence[str]:
        return ("known_as", "known_formula")

    def check(self) -> None:
        for reference in self.references:
            _checksum(reference)

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        return [self._judge(one) for one in candidates]

    def _judge(self, one: Candidate) -> Verdict:
        reduced, failure = try_match(partial(reduce_cell, one.cell), SECONDS)
        if reduced is None:
            return Verdict.failed("timeout" if failure == "timed_out" else "degenerate cell")
        there = [_known(reference, one.cell.formula) for reference in self.references]
        name = next((found for kept in there if (found := kept.like(reduced))), "")
        values: dict[str, Value] = {"known_formula": any(kept.cells for kept in there), "known_as": name}
        if name and self.known == "reject":
            return Verdict.rejected("known", f"as {name}", values=values)
        return Verdict.passed(values=values)


@cache
def _checksum(reference: str) -> str:
    """Of the crystals of a reference. Raises DataError where there is none."""
    if reference == SHIPPED:
        return checksum_of(_shipped())
    return " ".join(map(str, Dataset.open(reference).info["checksums"].values()))


@cache
def _known(reference: str, formula: Formula) -> Kept:
    """The crystals of a reference with a formula, reduced; those that can't be reduced are left out."""
    kept = Kept(Matcher(0.3, 5.0, 0.2))
    for name, cell in _of_formula(reference, formula):
        reduced, _ = try_match(partial(reduce_cell, cell), SECONDS)
        if reduced is not None:
            kept.add(reduced, name)
    return kept


def _of_formula(reference: str, formula: Formula) -> Iterator[tuple[str, Cell]]:
    for name, row, cell in _rows(reference).get(formula, ()):
        yield name, cell(row)


@cache
def _rows(reference: str) -> dict[Formula, list[tuple[str, int, Callable[[int], Cell]]]]:
    """Name, row, and what gives the crystal of a row, of all crystals of a reference by reduced formula."""
    found: defaultdict[Formula, list[tuple[str, int, Callable[[int], Cell]]]] = defaultdict(list)
    if reference == SHIPPED:
        index = _shipped()
        for row, (name, source) in enumerate(zip(index.names, index.source.tolist(), strict=True)):
            found[_formula(index, row)].append((f"{source}:{name}", row, index.cell))
        return found
    dataset = Dataset.open(reference)
    for split in dataset.splits:
        table = dataset.split(split)
        for row, formula in enumerate(formulas_of(table)):
            found[formula].append((f"{dataset.path.name}:{table.ids[row]}", row, table.cell))
    return found


@cache
def _shipped() -> Index:
    return read_index(INDEX)


def _formula(index: Index, row: int) -> Formula:
    roles = index.roles(row)
    elements, counts = index.elements[roles].tolist(), index.counts[roles].tolist()
    divisor = gcd(*counts)
    return tuple(sorted((z, n // divisor) for z, n in zip(elements, counts, strict=True)))


STAGES = (Novelty,)
