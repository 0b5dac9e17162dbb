"""Which candidate a result belongs to: by the provenance beside its inputs, or because the crystals are the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nucleate.calculations.results import Result
from nucleate.cell import Cell

By = Literal["provenance", "structure", ""]


@dataclass(frozen=True)
class Match:
    """A result with its candidate.

    Attributes:
        result: of the calculation.
        candidate: id; "" where there is none.
        by: how it was found.
        note: why there is none, or what is odd.
    """

    result: Result
    candidate: str = ""
    by: By = ""
    note: str = ""


def match(results: Sequence[Result], candidates: Mapping[str, Cell]) -> list[Match]:
    """The candidate of each result.

    Args:
        results: of calculations.
        candidates: crystals by id.

    A provenance counts where the composition is that of its candidate. Without one, the candidates of the same reduced
    formula are compared (pymatgen's StructureMatcher, default tolerances), and the nearest that fits is taken.
    """
    by_formula: defaultdict[tuple[tuple[int, int], ...], list[str]] = defaultdict(list)
    for name, cell in candidates.items():
        by_formula[cell.formula].append(name)
    return [_match(one, candidates, by_formula[one.cell.formula]) for one in results]


def _match(result: Result, candidates: Mapping[str, Cell], of_formula: Sequence[str]) -> Match:
    odd = ""
    if result.candidate in candidates:
        if result.candidate in of_formula:
            return Match(result, result.candidate, "provenance")
        odd = f"its provenance names {result.candidate}, which has another composition"
    elif result.candidate:
        odd = f"its provenance names {result.candidate}, which is no candidate here"
    fitting = sorted(
        (distance, name)
        for name in of_formula
        if (distance := _distance(result.cell, candidates[name])) is not None
    )
    if not fitting:
        none = (
            "no candidate has its composition"
            if not of_formula
            else "no candidate of its composition fits it"
        )
        return Match(result, note="; ".join(filter(None, (odd, none))))
    several = f"{len(fitting)} candidates fit it" if len(fitting) > 1 else ""
    return Match(result, fitting[0][1], "structure", "; ".join(filter(None, (odd, several))))


def _distance(one: Cell, other: Cell) -> float | None:
    """The normalised RMS distance of two crystals that fit; None where they don't."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    found = StructureMatcher().get_rms_dist(one.to_structure(), other.to_structure())
    return None if found is None else float(found[0])
