"""With the exact prediction in place of a network, every process must recover its data: checks of steps and samplers.

Each check compares means within their statistical errors, or distances to the data points.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from nucleate.arrays import Conditions, Mask, PerCrystal
from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.networks.base import Denoiser
from nucleate.processes.base import State
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings
from nucleate.testing.process_case import Oracle, ProcessCase, Way
from nucleate.testing.suite import require

# With three free numbers per crystal tau / mean(s^2) is heavy-tailed, and the corrector at the published tau = 0.25 far
# from exact (docs/concepts/kinetic-langevin.md); a small tau tests the algorithm and not its step size.
SAMPLERS = {
    "em": SamplerSettings("em", steps=150),
    "ode": SamplerSettings("ode", steps=60),
    "heun": SamplerSettings("heun", steps=30),
    "multistep": SamplerSettings("multistep", steps=60),
    "ode-karras": SamplerSettings("ode", steps=60, grid="karras", power=7.0),
    "pc-stochastic": SamplerSettings("pc", steps=150, tau=0.002, predictor="em", drift_in_corrector=False),
    "pc": SamplerSettings("pc", steps=60, tau=0.002),
    "pc-one-drift": SamplerSettings("pc", steps=60, tau=0.002, drift_in_corrector=False),
    "pc-predictor-first": SamplerSettings("pc", steps=150, tau=0.002, order="predictor-first"),
}
BIASED = ("pc", "pc-predictor-first")
"""The doubled drift of the published predictor-corrector is not exact."""
ONE = torch.tensor([1.0])
WEIGHTS = torch.tensor([0.25, 0.75])
MIXES = 0.2
"""Largest `prior_gap` at which the horizon is long enough to draw two points by their weights."""


def law_checks(case: ProcessCase) -> list[tuple[str, Callable[[], None]]]:
    """Names and checks; none if the exact prediction is not known."""
    if case.oracle is None:
        return []
    oracle = case.oracle
    named: list[tuple[str, Callable[[], None]]] = [
        (f"endpoint_of_the_exact_prediction_is_the_data_point-{t}", partial(endpoint, case, oracle, t))
        for t in (0.8, 0.95)
    ]
    for name in SAMPLERS:
        named.append((f"one_data_point_is_recovered-{name}", partial(recovered, case, oracle, name)))
        if case.prior_gap < MIXES:
            check = partial(drawn_by_weights, case, oracle, name)
            named.append((f"two_data_points_are_drawn_by_their_weights-{name}", check))
    for name in ("em", "ode", "pc-one-drift") if case.prior_gap < MIXES else ():
        named.append(
            (f"marginals_at_mid_time_match_the_forward_process-{name}", partial(midway, case, oracle, name))
        )
    for name, way in case.ways.items():
        for t in (0.3, 0.7):
            check = partial(kept_by_one_step, case, oracle, way, t)
            named.append((f"one_step_keeps_the_marginals-{name}-{t}", check))
    return named


class OracleModel(CrystalModel):
    """A model of one process, with the exact prediction in place of the network."""

    def __init__(self, case: ProcessCase, oracle: Oracle) -> None:
        super().__init__({"x": case.process}, LogLengthsTanAngles(), Denoiser())
        self.oracle = oracle

    def denoise(
        self, states: States, t: PerCrystal, mask: Mask, guess: dict[str, Tensor] | None = None,
        condition: Conditions | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        self.evaluations += 1
        return {"x": self.oracle(self.processes["x"].inputs(states["x"], t), t, mask)}


Maker = Callable[[Tensor, Tensor], Oracle]


def drawn(
    case: ProcessCase, oracle: Maker, weights: Tensor, settings: SamplerSettings, crystals: int,
    steps: int | None = None,
) -> tuple[float, State]:  # fmt: skip
    """Time and state at the end of a sampler's way with the exact prediction, or after so many steps."""
    model = OracleModel(case, oracle(case.points[: len(weights)], weights))
    path = trajectory(model, case.mask(crystals), settings, Noise.of(1, torch.arange(crystals)))
    (last,) = deque(islice(path, None if steps is None else steps + 1), maxlen=1)
    return last[0], last[1]["x"]


def largest_gap(one: Tensor, other: Tensor) -> tuple[float, float]:
    """Largest difference between the means of two sets of statistics [statistics, crystals], and its largest error."""
    error = torch.sqrt(one.var(-1) / one.shape[-1] + other.var(-1) / other.shape[-1])
    return (one.mean(-1) - other.mean(-1)).abs().max().item(), error.max().item()


def endpoint(case: ProcessCase, oracle: Maker, t: float) -> None:
    crystals = 200
    noised = case.corrupted(ONE, t, crystals)
    times, mask = torch.full((crystals,), t), case.mask(crystals)
    prediction = oracle(case.points[:1], ONE)(case.process.inputs(noised.state, times), times, mask)
    guess = case.process.endpoint(noised.state, prediction, times, mask)
    # On the torus Tweedie's formula is for the unwrapped normal, which fails for one crystal in many hundred.
    gap = case.distance(guess, case.points[0]).quantile(0.9).item()
    require(gap < 1e-3, f"one crystal in ten has its endpoint {gap:.3g} or more from the data point")


def recovered(case: ProcessCase, oracle: Maker, sampler: str) -> None:
    settings = SAMPLERS[sampler]
    _, last = drawn(case, oracle, ONE, replace(settings, steps=2 * settings.steps), 64)
    gap = case.distance(case.process.decode(last), case.points[0])
    require(torch.isfinite(gap).all(), "crystals that are not finite were drawn")
    far = gap.quantile(0.9).item()
    require(far < 0.03, f"one crystal in ten ends {far:.3g} or more from the data point")


def drawn_by_weights(case: ProcessCase, oracle: Maker, sampler: str) -> None:
    """Not checked where a finite horizon makes the prior, and so the weights, inexact (`prior_gap`)."""
    _, last = drawn(case, oracle, WEIGHTS, SAMPLERS[sampler], 600)
    gaps = case.gaps(case.process.decode(last))
    near = (gaps.min(0).values < 0.08).float().mean().item()
    require(near > 0.9, f"only {near:.1%} of the draws are near either data point")
    share, expected = (gaps[0] < gaps[1]).float().mean().item(), WEIGHTS[0].item()
    limit = 4 * math.sqrt(expected * (1 - expected) / gaps.shape[1]) + (0.08 if sampler in BIASED else 0.02)
    require(
        abs(share - expected) < limit, f"{share:.1%} are the first point, not {expected:.0%} +- {limit:.1%}"
    )


def midway(case: ProcessCase, oracle: Maker, sampler: str) -> None:
    crystals, steps = 1500, 48
    t, state = drawn(case, oracle, WEIGHTS, replace(SAMPLERS[sampler], steps=80), crystals, steps)
    forward = case.moments(case.corrupted(WEIGHTS, t, 20 * crystals).state)
    gap, error = largest_gap(case.moments(state), forward)
    require(gap < 0.05 + 4.5 * error, f"moments at t = {t:.2f} are off by {gap:.3g}, error {error:.2g}")


def kept_by_one_step(case: ProcessCase, oracle: Maker, way: Way, t: float) -> None:
    """From the exact distribution at t, one step with the exact prediction leads to that at t_next."""
    crystals, t_next = 20_000, t + 0.015
    state = case.corrupted(WEIGHTS, t, crystals).state
    now, then, mask = torch.full((crystals,), t), torch.full((crystals,), t_next), case.mask(crystals)
    prediction = oracle(case.points, WEIGHTS)(case.process.inputs(state, now), now, mask)
    move = way.move(now, then, mask, Noise.of(9, torch.arange(crystals)))
    moved = way.step(case.process, state, prediction, move)
    target = case.moments(case.corrupted(WEIGHTS, t_next, crystals).state)
    gap, error = largest_gap(case.moments(moved), target)
    require(gap < 0.03 + 3 * error, f"moments after one step are off by {gap:.3g}, error {error:.2g}")
