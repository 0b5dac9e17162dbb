"""The constraints there are pass the suite of `nucleate.testing`, and mistakes don't."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from nucleate.geometry.noise import Noise
from nucleate.model.constraint import Constraint, Together
from nucleate.sampling.given import Given
from nucleate.testing import ConstraintCase, constraint_checks, constraint_tests
from tests.model.test_constraint import COUNT, MASK, Inverted, crystals, model

PARTLY = Given(crystals(), {"frac": MASK & torch.tensor([True, False])})


def case(name: str, make: Callable[[], Constraint]) -> ConstraintCase:
    """A batch on its way, and answers that break every symmetry."""
    one, noise = model(), Noise.of(5, torch.arange(COUNT))
    states = {name: process.prior(MASK, noise) for name, process in one.processes.items()}
    said = {"frac": noise.normal(2, 3), "lattice": noise.normal(6)}
    return ConstraintCase(name, make, states, said, MASK)


def held(given: Given) -> Constraint:
    return given.on(model(), Noise.of(0, torch.arange(COUNT)))


test_constraints = constraint_tests(
    [
        case("free", Constraint),
        case("inverted", Inverted),
        case("composition", lambda: held(Given.composition(crystals().species, MASK))),
        case("given-first-atom", lambda: held(PARTLY)),
        case("together", lambda: Together([held(Given.composition(crystals().species, MASK)), Inverted()])),
    ]
)


class Loses(Constraint):
    def hold(self, states, t):
        return {"frac": states["frac"]}


class Widens(Constraint):
    def answer(self, predictions, t):
        return predictions | {"lattice": predictions["lattice"].double()}


class Drifts(Constraint):
    def hold(self, states, t):
        return states | {"lattice": {"x": 0.9 * states["lattice"]["x"]}}


class Shrinks(Constraint):
    def answer(self, predictions, t):
        return predictions | {"lattice": 0.9 * predictions["lattice"]}


class InPlace(Constraint):
    def answer(self, predictions, t):
        predictions["lattice"].clamp_(-0.1, 0.1)
        return predictions


class OwnStream(Constraint):
    """A new stream of the same numbers, which a second process would meet again."""

    def noise(self, noise, name):
        return Noise(noise.keys)


MISTAKES = {
    Loses: "hold_keeps_shapes_and_types",
    Widens: "answer_keeps_shapes_and_types",
    Drifts: "hold_is_idempotent",
    Shrinks: "answer_is_idempotent",
    InPlace: "nothing_is_changed_in_place",
    OwnStream: "draws_are_counted_on_the_stream_below",
}


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda kind: kind.__name__)
def test_each_mistake_is_found_by_its_own_check(wrong):
    (check,) = [one for one in constraint_checks(case("wrong", wrong)) if MISTAKES[wrong] in one.name]
    with pytest.raises(AssertionError):
        check.run()
