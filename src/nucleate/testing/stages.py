"""What every stage of a funnel must do: one verdict for each candidate, decided by candidate and settings alone.

from nucleate.testing import StageCase, stage_tests

test_mine = stage_tests([StageCase("mine", Mine(), candidates)])
"""

from __future__ import annotations

import json
import math
import pickle
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.funnel.batch import Batch, judge
from nucleate.funnel.stage import Candidate, Stage, Verdict, together
from nucleate.identity import canonical
from nucleate.records.verdicts import FAILED, OUTCOMES, PASSED
from nucleate.settings import from_dict, to_dict
from nucleate.testing.suite import Check, as_test, require
from nucleate.work import Work


@dataclass(frozen=True)
class StageCase:
    """A stage under test.

    Attributes:
        name: by which the tests are known.
        stage: the instance under test.
        candidates: at least four that it can judge, with the values that it reads.
        tolerance: how far numbers among its values, and coordinates, may differ between batches, which rounding
            decides; 0 for a stage without a network.
    """

    name: str
    stage: Stage
    candidates: Sequence[Candidate]
    tolerance: float = 0.0


def stage_tests(cases: Iterable[StageCase]) -> Callable[..., Any]:
    """All checks of all cases as one test of pytest."""
    return as_test(check for case in cases for check in stage_checks(case))


def stage_checks(case: StageCase) -> list[Check]:
    checks = (
        it_says_what_it_is,
        every_candidate_has_one_verdict,
        verdicts_can_be_kept,
        the_same_candidates_have_the_same_verdicts,
        it_reads_no_more_than_it_says,
        candidates_are_left_as_they_are,
        one_bad_crystal_costs_only_itself,
    )
    return [Check(f"{case.name}-{check.__name__}", partial(check, case)) for check in checks]


def verdicts(case: StageCase, candidates: Sequence[Candidate]) -> list[Verdict]:
    """On candidates with the values that the stage reads, as a run hands them over."""
    with tempfile.TemporaryDirectory() as folder:
        given = [_given(case, one) for one in candidates]
        return list(case.stage.judge(given, Work(cache=Path(folder) / "shared.sqlite")))


def _given(case: StageCase, one: Candidate) -> Candidate:
    return replace(one, values={name: one.values[name] for name in case.stage.reads if name in one.values})


def it_says_what_it_is(case: StageCase) -> None:
    stage = case.stage
    require(stage.name and stage.name == " ".join(stage.name.split()), f"its name is {stage.name!r}")
    require(is_dataclass(stage), "it is no dataclass")
    require(stage == pickle.loads(pickle.dumps(stage)), "it does not survive the way to a worker")
    require(from_dict(type(stage), to_dict(stage)) == stage, "a plan can't say its settings")
    require(stage.identity.startswith(stage.name), "its identity does not begin with its name")
    require(canonical(stage) in stage.identity, "its identity lacks some of its settings")
    require(len({one.id for one in case.candidates}) >= 4, "give at least four different candidates")
    stage.check()


def every_candidate_has_one_verdict(case: StageCase) -> None:
    require(
        len(verdicts(case, case.candidates)) == len(case.candidates), "verdicts and candidates do not agree"
    )
    require(not verdicts(case, []), "without a candidate it gives verdicts")


def verdicts_can_be_kept(case: StageCase) -> None:
    """Reasons are classes, values plain and announced, cells finite."""
    for candidate, one in zip(case.candidates, verdicts(case, case.candidates), strict=True):
        require(one.outcome in OUTCOMES, f"{candidate.id}: its outcome is {one.outcome!r}")
        require(
            bool(one.reason) == (one.outcome != PASSED),
            f"{candidate.id}: {one.outcome}, reason {one.reason!r}",
        )
        require(not any(sign.isdigit() for sign in one.reason), f"{candidate.id}: numbers in {one.reason!r}")
        json.dumps(dict(one.values), allow_nan=False)
        strange = set(one.values) - set(case.stage.writes)
        require(not strange, f"{candidate.id}: it writes {', '.join(sorted(strange))} and does not say so")
        require(one.cell is None or one.cell.finite, f"{candidate.id}: a cell that is not finite")


def the_same_candidates_have_the_same_verdicts(case: StageCase) -> None:
    """Again, and, where each is judged for itself, in another order and alone."""
    first = verdicts(case, case.candidates)
    for one, other in zip(first, verdicts(case, case.candidates), strict=True):
        _same(one, other, case.tolerance)
    if together(case.stage):
        return
    for one, other in zip(first, verdicts(case, case.candidates[::-1])[::-1], strict=True):
        _same(one, other, case.tolerance)
    for candidate, one in zip(case.candidates, first, strict=True):
        _same(one, verdicts(case, [candidate])[0], case.tolerance)


def _same(one: Verdict, other: Verdict, tolerance: float) -> None:
    require((one.outcome, one.reason) == (other.outcome, other.reason), f"once {one}, then {other}")
    require(
        one.values.keys() == other.values.keys(), f"values {sorted(one.values)}, then {sorted(other.values)}"
    )
    for name, value in one.values.items():
        again = other.values[name]
        both = isinstance(value, float) and isinstance(again, float)
        near = both and math.isclose(value, again, rel_tol=tolerance, abs_tol=tolerance)  # type: ignore[arg-type]
        require(near or value == again, f"{name} = {value}, then {again}")
    require((one.cell is None) == (other.cell is None), "once a new cell, once none")
    if one.cell is not None and other.cell is not None:
        require(
            np.allclose(one.cell.lattice, other.cell.lattice, rtol=tolerance, atol=tolerance),
            "other lattices",
        )
        turn = (one.cell.frac - other.cell.frac + 0.5) % 1 - 0.5
        require(np.abs(turn).max(initial=0) <= tolerance, "other coordinates")


def it_reads_no_more_than_it_says(case: StageCase) -> None:
    """Values that it does not read change nothing, and nor does the id where it is judged for itself."""
    if together(case.stage):
        return
    first = verdicts(case, case.candidates)
    others = [replace(one, id=f"other-{one.id}", source="other") for one in case.candidates]
    for one, other in zip(first, verdicts(case, others), strict=True):
        _same(one, other, case.tolerance)


def candidates_are_left_as_they_are(case: StageCase) -> None:
    before = pickle.dumps(list(case.candidates))
    verdicts(case, case.candidates)
    require(pickle.dumps(list(case.candidates)) == before, "it changes the candidates that it is given")


def one_bad_crystal_costs_only_itself(case: StageCase) -> None:
    """Coordinates that are no numbers beside sound ones: these do not fail, and where each is judged for itself their
    verdicts are what they are without it."""
    good = case.candidates[0]
    cell = Cell(good.cell.species, np.full_like(good.cell.frac, np.nan), good.cell.lattice)
    given = [_given(case, one) for one in case.candidates]
    batch = Batch(case.stage, (replace(given[0], id="bad-0000000", cell=cell), *given), None)
    spoilt, *rest = judge(batch)
    require(
        spoilt.outcome != PASSED or together(case.stage) or spoilt.cell is None, f"the bad one has {spoilt}"
    )
    for one, other in zip(judge(replace(batch, candidates=tuple(given))), rest, strict=True):
        if together(case.stage):
            require((one.outcome == FAILED) == (other.outcome == FAILED), f"once {one}, then {other}")
        else:
            _same(one, other, case.tolerance)
