"""What every constraint must do in its four methods: shapes, padding, idempotence.

test_mine = constraint_tests([ConstraintCase("mine", make, states, predictions, mask)])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint, Predictions, States
from nucleate.testing.suite import Check, as_test, require

TIMES = (0.0, 0.3, 0.7, 1.0)


@dataclass(frozen=True)
class ConstraintCase:
    """A constraint under test, with a batch that violates it.

    Attributes:
        name: shown in the names of the tests.
        make: returns a new constraint for this batch.
        states: of the processes, by name, at some time between 0 and 1.
        predictions: of a network for these states.
        mask: which atoms are real. [crystals, atoms]
        near: largest allowed difference between numbers that should agree.
    """

    name: str
    make: Callable[[], Constraint]
    states: States
    predictions: Predictions
    mask: Mask
    near: float = 1e-5


def constraint_tests(cases: Iterable[ConstraintCase]) -> Callable[..., Any]:
    """All checks of all cases as one test of pytest."""
    return as_test(check for case in cases for check in constraint_checks(case))


def constraint_checks(case: ConstraintCase) -> list[Check]:
    checks = (
        hold_keeps_shapes_and_types,
        answer_keeps_shapes_and_types,
        hold_is_idempotent,
        answer_is_idempotent,
        nothing_is_changed_in_place,
        draws_are_counted_on_the_stream_below,
    )
    return [Check(f"{case.name}-{check.__name__}", partial(check, case)) for check in checks]


def times(case: ConstraintCase) -> Iterable[Tensor]:
    return (torch.full((len(case.mask),), t) for t in TIMES)


def flat(states: States) -> dict[str, Tensor]:
    return {f"{name} {part}": value for name, state in states.items() for part, value in state.items()}


def alike(found: Mapping[str, Tensor], asked: Mapping[str, Tensor], mask: Mask, when: str) -> None:
    """The same names, shapes and dtypes; finite; zero wherever padding was zero."""
    require(found.keys() == asked.keys(), f"{when} gives {sorted(found)}, not {sorted(asked)}")
    for name, value in found.items():
        before = asked[name]
        require(value.shape == before.shape, f"{when}: {name} has the shape {tuple(value.shape)}")
        require(value.dtype == before.dtype, f"{when}: {name} is {value.dtype}, not {before.dtype}")
        require(torch.isfinite(value).all(), f"{when}: {name} is not finite")
        if value.shape[:2] == mask.shape and bool((before[~mask] == 0).all()):
            require((value[~mask] == 0).all(), f"{when}: {name} is not zero in padding")


def same(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], near: float, when: str) -> None:
    for name, value in found.items():
        gap = (value.double() - expected[name].double()).abs().max().item()
        require(gap <= near, f"{when}: {name} differs by {gap:.3g}")


def hold_keeps_shapes_and_types(case: ConstraintCase) -> None:
    """`begin`, which may change states, and `hold`."""
    rules, asked = case.make(), flat(case.states)
    alike(flat(rules.begin(case.states)), asked, case.mask, "begin")
    for t in times(case):
        alike(flat(rules.hold(case.states, t)), asked, case.mask, f"hold at t = {t[0]:.1f}")


def answer_keeps_shapes_and_types(case: ConstraintCase) -> None:
    rules = case.make()
    for t in times(case):
        found = rules.answer(case.predictions, t)
        alike(found, case.predictions, case.mask, f"answer at t = {t[0]:.1f}")


def hold_is_idempotent(case: ConstraintCase) -> None:
    """States that obey the constraint stay unchanged, and so do those from `begin` at t = 0."""
    rules = case.make()
    begun = rules.begin(case.states)
    zero = torch.zeros(len(case.mask))
    same(flat(rules.hold(begun, zero)), flat(begun), case.near, "states from begin, held at t = 0")
    for t in times(case):
        once = rules.hold(case.states, t)
        same(flat(rules.hold(once, t)), flat(once), case.near, f"held twice at t = {t[0]:.1f}")


def answer_is_idempotent(case: ConstraintCase) -> None:
    """`answer` is called again after guidance: predictions that obey the constraint stay unchanged."""
    rules = case.make()
    for t in times(case):
        once = rules.answer(case.predictions, t)
        same(rules.answer(once, t), once, case.near, f"answered twice at t = {t[0]:.1f}")


def nothing_is_changed_in_place(case: ConstraintCase) -> None:
    """Methods reuse the states and predictions that they pass in."""
    rules = case.make()
    kept = {name: value.clone() for name, value in {**flat(case.states), **case.predictions}.items()}
    rules.begin(case.states)
    for t in times(case):
        rules.hold(case.states, t)
        rules.answer(case.predictions, t)
    for name, value in {**flat(case.states), **case.predictions}.items():
        require(torch.equal(value, kept[name]), f"{name} was changed in place")


def draws_are_counted_on_the_stream_below(case: ConstraintCase) -> None:
    """All processes draw from one stream: a draw through the constraint advances it by one."""
    rules, shape = case.make(), (case.mask.shape[1], 3)
    for name in case.states:
        plain, below = (Noise.of(3, torch.arange(len(case.mask))) for _ in range(2))
        plain.uniform(1)
        expected = plain.uniform(*shape)
        mapped = rules.noise(below, name)
        mapped.uniform(1)
        require(
            torch.equal(below.uniform(*shape), expected),
            f"draws for {name} are not counted on the stream below",
        )
