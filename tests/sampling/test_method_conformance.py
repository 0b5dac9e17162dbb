"""Every method of src/nucleate/sampling/methods passes the suite of `nucleate.testing`, and mistakes don't."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from nucleate.sampling.methods.em import EulerMaruyama
from nucleate.sampling.methods.multistep import Multistep
from nucleate.sampling.methods.ode import Flow
from nucleate.sampling.methods.pc import PredictorCorrector, PredictorCorrectorSettings
from nucleate.sampling.methods.registry import BUILT_IN
from nucleate.testing import MethodCase, method_checks, method_tests

FIRST = PredictorCorrectorSettings(predictor="em", order="corrector-first")
test_methods = method_tests(
    [MethodCase(name, make) for name, make in BUILT_IN.items()]
    + [MethodCase("pc-stochastic", partial(PredictorCorrector, FIRST))]
)


class SaysDeterministic(EulerMaruyama):
    deterministic = True


class SaysStochastic(Flow):
    deterministic = False


class Dearer(Flow):
    def step(self, walk, states, move):
        walk.ask(states, move.t, move.mask)
        return super().step(walk, states, move)


class FillsPadding(Flow):
    def step(self, walk, states, move):
        states = super().step(walk, states, move)
        return states | {"frac": {"x": states["frac"]["x"] + 0.01}}


class OfTheBatch(Flow):
    def step(self, walk, states, move):
        states = super().step(walk, states, move)
        x = states["lattice"]["x"]
        return states | {"lattice": {"x": x - 0.01 * x.mean(0)}}


class Remembers(Flow):
    """The count of steps is the class's, where it should be the object's."""

    steps = 0

    def step(self, walk, states, move):
        type(self).steps += 1
        further = move.t + (move.t_next - move.t) * (1 + 0.01 * type(self).steps)
        return super().step(walk, states, replace(move, t_next=further.clamp(max=1)))


class TakesAnything(Flow):
    def check(self, processes):
        return None


class StopsShort(Multistep):
    def step(self, walk, states, move):
        return super().step(walk, states, replace(move, t_next=torch.lerp(move.t, move.t_next, 0.5)))


MISTAKES = {
    SaysDeterministic: "noise_is_drawn_as_declared",
    SaysStochastic: "noise_is_drawn_as_declared",
    Dearer: "evaluations_are_as_declared",
    FillsPadding: "padding_stays_zero",
    OfTheBatch: "a_crystal_is_the_same_alone_and_in_a_batch",
    Remembers: "a_new_method_remembers_nothing",
    TakesAnything: "unsuitable_processes_are_refused",
    StopsShort: "the_data_are_reached",
}


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda kind: kind.__name__)
def test_each_mistake_is_found_by_its_own_check(wrong):
    (check,) = [one for one in method_checks(MethodCase("wrong", wrong)) if MISTAKES[wrong] in one.name]
    with pytest.raises(AssertionError):
        check.run()
