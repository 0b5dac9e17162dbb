"""Every process of src/nucleate/processes passes the suite of `nucleate.testing`. A file there is found by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nucleate.geometry.noise import MappedNoise
from nucleate.processes.base import Noised, Process
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.testing import ProcessCase, largest_difference, process_checks, process_tests
from tests.processes.exact import gaussian_oracle
from tests.processes.examples import EXAMPLES, examples_of, process_classes

test_processes = process_tests(EXAMPLES)


@pytest.mark.parametrize("process_class", process_classes(), ids=lambda c: c.__name__)
def test_every_process_of_the_folder_has_an_example(process_class):
    assert examples_of(process_class)


def test_a_process_without_an_example_gets_a_hint():
    class Stranger(Process):
        pass

    with pytest.raises(LookupError, match=r"Stranger has no example in tests/processes/examples\.py"):
        examples_of(Stranger)


# The suite itself: each check finds the mistake that it is there for.


class LeavesPadding(Gaussian):
    def prior(self, mask, noise):
        return {"x": noise.normal(mask.shape[1], 3)}


class OfTheBatch(Gaussian):
    """Its step is centred over the batch."""

    def step(self, state, prediction, move):
        x = super().step(state, prediction, move)["x"]
        return {"x": (x - x.mean(0)) * move.mask.unsqueeze(-1)}


class InDouble(Gaussian):
    def corrupt(self, data, t, mask, noise):
        one = super().corrupt(data, t, mask, noise)
        return Noised({"x": one.state["x"].double()}, one.target, one.weight)


class WideStart(Gaussian):
    def prior(self, mask, noise):
        return {"x": 1.2 * super().prior(mask, noise)["x"]}


class StopsShort(Gaussian):
    def corrupt(self, data, t, mask, noise):
        return super().corrupt(data, 0.95 * t, mask, noise)


class GlobalNoise(Gaussian):
    def corrupt(self, data, t, mask, noise):
        one = super().corrupt(data, t, mask, noise)
        return Noised({"x": one.state["x"] + torch.rand(()) * mask[..., None]}, one.target, one.weight)


class DrawingFlow(Gaussian):
    def follow(self, state, flow, move):
        move.noise.normal(1)
        return super().follow(state, flow, move)


class Motionless(Gaussian):
    can = frozenset({"correction"})


class Halfway(Gaussian):
    def endpoint(self, state, prediction, t, mask):
        return 0.5 * super().endpoint(state, prediction, t, mask)


class Noiseless(Gaussian):
    """A drawn step without its noise: one data point is recovered all the same."""

    def step(self, state, prediction, move):
        return super().step(state, prediction, replace(move, noise=MappedNoise(move.noise, torch.zeros_like)))


class Overshooting(Gaussian):
    def step(self, state, prediction, move):
        return super().step(
            state, prediction, replace(move, t_next=(3 * move.t_next - 2 * move.t).clamp(max=1))
        )


class Displaced(Gaussian):
    def decode(self, state):
        return super().decode(state) + 0.05


class StartsAside(Gaussian):
    """Where the second point is more often the nearer one."""

    def prior(self, mask, noise):
        x = super().prior(mask, noise)["x"]
        x[:, 0, 0] -= 1.5
        return {"x": x}


MISTAKES = {
    Motionless: "it_can_move",
    LeavesPadding: "shapes_and_zeros_in_padding",
    InDouble: "numbers_are_float32",
    StopsShort: "data_are_reached_at_the_end",
    WideStart: "the_start_has_the_marginals_of_the_prior",
    GlobalNoise: "same_seed_same_noise",
    OfTheBatch: "a_crystal_is_the_same_alone_and_in_a_batch-em",
    DrawingFlow: "the_probability_flow_draws_no_noise",
    Halfway: "endpoint_of_the_exact_prediction_is_the_data_point-0.8",
    Displaced: "one_data_point_is_recovered-ode",
    StartsAside: "two_data_points_are_drawn_by_their_weights-ode",
    Noiseless: "marginals_at_mid_time_match_the_forward_process-em",
    Overshooting: "one_step_keeps_the_marginals-em-0.7",
}


def case(process: Gaussian) -> ProcessCase:
    points = torch.tensor([[[0.8, -0.5, 0.0], [1.5, -1.0, 0.3]], [[-1.2, 0.4, 0.9], [-0.7, 1.0, 0.1]]])
    return ProcessCase(
        "planted", process, points,
        lambda chosen, weights: gaussian_oracle(process, chosen, weights), largest_difference, prior_gap=0.02,
    )  # fmt: skip


def found(process: Gaussian, name: str) -> None:
    (check,) = [one for one in process_checks(case(process)) if one.name == f"planted-{name}"]
    check.run()


@pytest.mark.parametrize("wrong", MISTAKES, ids=lambda kind: kind.__name__)
def test_each_mistake_is_found_by_its_own_check(wrong):
    settings = (GaussianSettings(), "x", 3, "atom")
    found(Gaussian(*settings), MISTAKES[wrong])
    with pytest.raises(AssertionError):
        found(wrong(*settings), MISTAKES[wrong])


def test_without_an_exact_prediction_the_laws_are_not_checked():
    whole = case(Gaussian(GaussianSettings(), "x", 3, "atom"))
    names = {check.name for check in process_checks(replace(whole, oracle=None))}
    assert "planted-same_seed_same_noise" in names
    assert not any("marginals-" in name or "recovered" in name for name in names)
