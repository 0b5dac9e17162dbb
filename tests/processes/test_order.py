"""Measured orders of convergence of the deterministic samplers, with the exact prediction in the network's place.

From a state of the exact law the flow of a mixture of two data points is followed over a span between the ends, where
weights diverge, on uniform grids, and compared with a grid 40 times finer than the finest. Doubling the steps divides
the error of a method of order p by 2^p. Everything is in float64.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import wrap
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.sampling.methods.registry import get_method
from nucleate.sampling.walk import Walk
from nucleate.testing import ProcessCase
from tests.processes.exact import gaussian_oracle
from tests.processes.examples import EXAMPLES, wrapped_normal_case

COUNTS = (12, 24, 48)
FINER = 40
CRYSTALS = 60
WEIGHTS = torch.tensor([0.4, 0.6], dtype=torch.float64)


def _cosine_x0() -> ProcessCase:
    """The combination of schedule and answer that the conformance suite leaves out."""
    process = Gaussian(GaussianSettings(predicts="x0", schedule="cosine"))
    return replace(
        BY_NAME["gaussian-x0-linear"],
        name="gaussian-x0-cosine",
        process=process,
        oracle=lambda points, weights: gaussian_oracle(process, points, weights),
    )


BY_NAME = {example.name: example for example in EXAMPLES}
# Once the coordinates tell the two points apart, steps of any size are exact: here that is early.
SPANS = {
    "gaussian-x0-linear": (BY_NAME["gaussian-x0-linear"], 0.35, 0.8),
    "gaussian-x0-cosine": (_cosine_x0(), 0.35, 0.8),
    "gaussian-epsilon-linear": (BY_NAME["gaussian-epsilon-linear"], 0.35, 0.8),
    "gaussian-epsilon-cosine": (BY_NAME["gaussian-epsilon-cosine"], 0.35, 0.8),
    "kinetic-direct": (BY_NAME["kinetic-direct"], 0.35, 0.8),
    "kinetic-uncentred": (BY_NAME["kinetic-uncentred"], 0.35, 0.8),
    "wrapped-normal-none": (BY_NAME["wrapped-normal-none"], 0.1, 0.5),
    "wrapped-normal-noise": (BY_NAME["wrapped-normal-noise"], 0.1, 0.5),
    "wrapped-normal-circular": (wrapped_normal_case("circular"), 0.35, 0.8),
}


class Exact(CrystalModel):
    """A model of one process whose network is the exact prediction."""

    def __init__(self, example: ProcessCase) -> None:
        super().__init__({"x": example.process}, LogLengthsTanAngles(), Denoiser())
        assert example.oracle is not None
        self.oracle = example.oracle(example.points.double(), WEIGHTS)

    def denoise(self, states: States, t, mask, guess=None, condition=None):
        return {"x": self.oracle(self.processes["x"].inputs(states["x"], t), t, mask)}


def followed(name: str, method: str, steps: int) -> torch.Tensor:
    """The state at the end of the span, all parts side by side, [crystals, numbers]."""
    example, first, last = SPANS[name]
    mask, noise = example.mask(CRYSTALS), Noise.of(7, torch.arange(CRYSTALS))
    grid = torch.linspace(first, last, steps + 1, dtype=torch.float64)[:, None].expand(-1, CRYSTALS)
    data = example.points[torch.arange(CRYSTALS) % 2].double()
    states = {"x": example.process.corrupt(data, grid[0], mask, noise).state}
    walk, way = Walk(Exact(example)), get_method(method)()
    for t, t_next in pairwise(grid):
        states = way.step(walk, states, Move(t, t_next, mask, noise))
    return torch.cat([part.flatten(1) for part in states["x"].values()], 1)


@cache
def reference(name: str) -> torch.Tensor:
    return followed(name, "multistep", FINER * COUNTS[-1])


def measured_order(name: str, method: str) -> tuple[float, list[float]]:
    """Slope of the median error over the step counts, by least squares in logarithms, and the errors."""
    errors = []
    for steps in COUNTS:
        gap = followed(name, method, steps) - reference(name)
        errors.append((gap if "gaussian" in name else wrap(gap)).abs().median().item())
    x, y = (torch.tensor(values).log2() for values in (COUNTS, errors))
    x = x - x.mean()
    return -((x * y).sum() / (x * x).sum()).item(), errors


@pytest.mark.parametrize("name", SPANS)
def test_orders_of_convergence_are_one_and_two(name):
    orders = {method: measured_order(name, method) for method in ("ode", "heun", "multistep")}
    first, *second = (order for order, _ in orders.values())
    assert 0.75 < first < 1.4, orders
    assert all(1.7 < order < 2.6 for order in second), orders
    # A second-order method that is worse where it is used would be of no use.
    finest = [errors[-1] for _, errors in orders.values()]
    assert 0 < max(finest[1:]) < 0.5 * finest[0] < 0.05, orders


def test_the_reference_does_not_depend_on_the_method_that_made_it():
    name = "wrapped-normal-noise"
    gap = wrap(followed(name, "heun", FINER * COUNTS[-1] // 4) - reference(name)).abs()
    assert gap.median() < 1e-6


class Clock(Gaussian):
    """A quantity that moves at the speed 6 t + 1, whatever it is: it comes to 3 t^2 + t."""

    def flow(self, state, prediction, t, mask):
        return (6 * t + 1)[:, None]

    def follow(self, state, flow, move):
        return {"x": state["x"] + (move.t_next - move.t)[:, None] * flow}


@pytest.mark.parametrize("grid", [[0, 0.1, 0.4, 0.5, 0.95], [0, 0.5, 0.6, 0.9, 0.91]])
@pytest.mark.parametrize("method", ["heun", "multistep"])
def test_on_uneven_grids_second_order_steps_are_exact_for_a_speed_that_grows_evenly(method, grid):
    """The first step of multistep is Euler's, and has no part in what follows."""

    class Still(CrystalModel):
        def denoise(self, states, t, mask, guess=None, condition=None):
            return {}

    model = Still({"x": Clock(GaussianSettings(), width=1)}, LogLengthsTanAngles(), Denoiser())
    walk, way = Walk(model), get_method(method)()
    mask, noise = torch.ones(1, 1, dtype=torch.bool), Noise.of(0, torch.arange(1))
    states = {"x": {"x": torch.zeros(1, 1, dtype=torch.float64)}}
    gaps = []
    for t, t_next in pairwise(torch.tensor(grid, dtype=torch.float64)[:, None]):
        states = way.step(walk, states, Move(t, t_next, mask, noise))
        gaps.append((states["x"]["x"] - 3 * t_next**2 - t_next).item())
    first = 0.0 if method == "heun" else -3 * grid[1] ** 2
    assert gaps == pytest.approx([first] * 4, abs=1e-12)
