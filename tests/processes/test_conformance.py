"""What every process must do, whoever wrote it. A file in src/nucleate/processes is found by itself."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice, product

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel, States
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Process
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings
from tests.processes.examples import EXAMPLES, Example, examples_of, process_classes
from tests.processes.ways import WAYS

ONE = torch.tensor([1.0])
# With three free numbers a crystal, tau / mean(s^2) is heavy-tailed and the corrector at the published tau = 0.25 far
# from exact (see docs/concepts/kinetic-langevin.md); a small tau tests the algorithm and not its step size.
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
DEFINED = [e for e in EXAMPLES if e.oracle is not None]

every = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
every_learned = pytest.mark.parametrize("example", DEFINED, ids=lambda e: e.name)

# Those whose horizon is long enough that the prior is right.
every_mixing = pytest.mark.parametrize(
    "example", [e for e in DEFINED if e.prior_gap < 0.2], ids=lambda e: e.name
)


class OracleModel(CrystalModel):
    """A model of one process, with the exact prediction in the network's place."""

    def __init__(self, example: Example, weights: torch.Tensor) -> None:
        super().__init__({"x": example.process}, LogLengthsTanAngles(), Denoiser())
        assert example.oracle is not None
        self.oracle = example.oracle(example.points[: len(weights)], weights)

    def denoise(
        self, states: States, t: torch.Tensor, mask: torch.Tensor, guess=None, condition=None
    ) -> dict[str, torch.Tensor]:
        self.evaluations += 1
        return {"x": self.oracle(self.processes["x"].inputs(states["x"], t), t, mask)}


def drawn(
    example: Example,
    weights: torch.Tensor,
    settings: SamplerSettings,
    crystals: int,
    until: int | None = None,
) -> list:
    """The trajectory of a sampler with the exact prediction: [(t, state)]."""
    mask = example.mask(crystals)
    noise = Noise.of(1, torch.arange(crystals))
    path = trajectory(OracleModel(example, weights), mask, settings, noise)
    return [(t, states["x"]) for t, states in islice(path, None if until is None else until + 1)]


def corrupted(example: Example, weights: torch.Tensor, t: float, crystals: int, seed: int = 2):
    data, _ = example.data(weights, crystals)
    noise = Noise.of(seed, torch.arange(crystals))
    return example.process.corrupt(data, torch.full((crystals,), t), example.mask(crystals), noise)


def largest_gap(one: torch.Tensor, other: torch.Tensor) -> tuple[float, float]:
    """Largest difference of the means of two sets of statistics [statistics, crystals], and its largest error."""
    error = torch.sqrt(one.var(-1) / one.shape[-1] + other.var(-1) / other.shape[-1])
    return (one.mean(-1) - other.mean(-1)).abs().max().item(), error.max().item()


@pytest.mark.parametrize("process_class", process_classes(), ids=lambda c: c.__name__)
def test_every_process_of_the_folder_has_an_example(process_class):
    assert examples_of(process_class)


def test_a_process_without_an_example_is_told_what_to_do():
    class Stranger(Process):
        pass

    with pytest.raises(LookupError, match=r"Stranger has no example in tests/processes/examples\.py"):
        examples_of(Stranger)


def padded_data(example: Example, mask: torch.Tensor) -> torch.Tensor:
    """Data for a padded batch, zero in padding. As wide as the points: what is asked for may be wider."""
    channels = example.points.shape[-1]
    if example.process.level == "cell":
        return torch.rand(len(mask), channels, generator=torch.Generator().manual_seed(4))
    if not example.points.is_floating_point():
        return torch.arange(1, mask.numel() + 1).reshape(mask.shape) * mask
    return torch.rand(*mask.shape, channels, generator=torch.Generator().manual_seed(4)) * mask.unsqueeze(-1)


def assert_zero_in_padding(example: Example, state: dict[str, torch.Tensor], mask: torch.Tensor) -> None:
    if example.process.level == "atom":
        for value in state.values():
            assert (value[~mask] == 0).all()


@every
def test_shapes_and_zeros_in_padding(example, mask, noise):
    process, data, t = example.process, padded_data(example, mask), torch.tensor([0.1, 0.5, 0.9])
    prior, noised = process.prior(mask, noise), process.corrupt(data, t, mask, noise)
    assert_zero_in_padding(example, prior, mask)
    assert_zero_in_padding(example, noised.state, mask)
    assert {k: v.shape for k, v in prior.items()} == {k: v.shape for k, v in noised.state.items()}
    assert noised.weight.shape == (3,)
    assert process.decode(noised.state).shape == data.shape
    if process.target_width:
        width = (3, 6) if process.level == "atom" else (3,)
        perfect = example.perfect(noised)
        assert perfect.shape == (*width, process.target_width)
        assert process.endpoint(noised.state, perfect, t, mask).shape == data.shape
        loss = process.loss(perfect, noised, mask)
        assert loss.shape == (3,)
        assert (loss == 0).all()
        for way in WAYS.values():
            move = way.move(t, t + 0.05, mask, noise)
            moved = way.corrected(process, way.step(process, noised.state, perfect, move), perfect, move)
            assert_zero_in_padding(example, moved, mask)
            assert all(torch.isfinite(v).all() for v in moved.values())


@every
def test_data_are_reached_at_the_end(example):
    noised = corrupted(example, torch.tensor([0.4, 0.6]), 1.0, 100)
    decoded = example.process.decode(noised.state)
    data, _ = example.data(torch.tensor([0.4, 0.6]), 100)
    gap = torch.stack([example.distance(x[None], y)[0] for x, y in zip(decoded, data, strict=True)])
    assert gap.max() < 1e-5


@every
def test_the_start_has_the_marginals_of_the_prior(example):
    count = 20_000
    start = example.moments(corrupted(example, torch.tensor([0.3, 0.7]), 0.0, count).state)
    noise = Noise.of(3, torch.arange(count))
    gap, error = largest_gap(start, example.moments(example.process.prior(example.mask(count), noise)))
    assert gap <= example.prior_gap + 5 * error


@every
def test_same_seed_same_noise(example, mask):
    data, t = padded_data(example, mask), torch.tensor([0.1, 0.5, 0.9])
    one, same, other = (
        example.process.corrupt(data, t, mask, Noise.of(seed, torch.arange(3))) for seed in (0, 0, 1)
    )
    for name, value in one.state.items():
        assert torch.equal(value, same.state[name])
    assert torch.equal(one.target, same.target)
    if example.process.target_width:
        assert any(not torch.equal(value, other.state[name]) for name, value in one.state.items())


@every
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_crystal_alone_is_the_crystal_in_a_padded_batch(example, way, mask):
    process, data, t = example.process, padded_data(example, mask), torch.tensor([0.1, 0.5, 0.9])

    def everything(rows: slice, atoms: int) -> list[torch.Tensor]:
        here, noise = mask[rows, :atoms], Noise.of(0, torch.arange(3)[rows])
        mine = data[rows, :atoms] if process.level == "atom" else data[rows]
        prior, noised = process.prior(here, noise), process.corrupt(mine, t[rows], here, noise)
        perfect = example.perfect(noised)
        move = way.move(t[rows], t[rows] + 0.05, here, noise.at(1))
        moved = way.corrected(process, way.step(process, noised.state, perfect, move), perfect, move)
        values = [*prior.values(), *noised.state.values(), *moved.values()]
        if process.target_width:
            values += [noised.target, process.endpoint(noised.state, perfect, t[rows], here)]
        return values

    together = everything(slice(0, 3), 6)
    for i, atoms in enumerate(mask.sum(1).tolist()):
        alone = everything(slice(i, i + 1), atoms)
        for x, y in zip(together, alone, strict=True):
            mine = x[i : i + 1, :atoms] if process.level == "atom" else x[i : i + 1]
            torch.testing.assert_close(mine, y, rtol=1e-5, atol=1e-5)


@every_learned
@pytest.mark.parametrize("t", [0.8, 0.95])
def test_endpoint_of_the_exact_prediction_is_the_data_point(example, t):
    noised = corrupted(example, ONE, t, 200)
    times, mask = torch.full((200,), t), example.mask(200)
    prediction = example.oracle(example.points[:1], ONE)(
        example.process.inputs(noised.state, times), times, mask
    )
    guess = example.process.endpoint(noised.state, prediction, times, mask)
    # On the torus Tweedie's formula is that of the unwrapped normal, which one in many hundred crystals leaves.
    assert example.distance(guess, example.points[0]).quantile(0.9) < 1e-3


@every_learned
@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_one_data_point_is_recovered(example, sampler):
    settings = replace(sampler, steps=2 * sampler.steps)
    _, last = drawn(example, ONE, settings, 64)[-1]
    gap = example.distance(example.process.decode(last), example.points[0])
    assert torch.isfinite(gap).all()
    assert gap.quantile(0.9) < 0.03


@every_mixing
@pytest.mark.parametrize("name", SAMPLERS)
def test_two_data_points_are_drawn_by_their_weights(example, name):
    """At the paper's horizon of 2 the uniform prior is not yet reached and weights are off: see test_toy.py."""
    crystals, weights = 600, torch.tensor([0.25, 0.75])
    _, last = drawn(example, weights, SAMPLERS[name], crystals)[-1]
    decoded = example.process.decode(last)
    gaps = torch.stack([example.distance(decoded, point) for point in example.points])
    if example.name == "kinetic-uncentred":  # Its three coordinates are circles of their own.
        gaps = (decoded[:, 0] - example.points[:, 0, None]).abs().remainder(1).flatten(1)
        gaps = torch.minimum(gaps, 1 - gaps)
    assert (gaps.min(0).values < 0.08).float().mean() > 0.9
    share = (gaps[0] < gaps[1]).float().mean().item()
    # The doubled drift of the published predictor-corrector is not exact.
    bias = 0.08 if name in ("pc", "pc-predictor-first") else 0.02
    assert abs(share - 0.25) < 4 * math.sqrt(0.25 * 0.75 / gaps.shape[1]) + bias


@every_mixing
@pytest.mark.parametrize("name", ["em", "ode", "pc-one-drift"])
def test_marginals_at_mid_time_are_those_of_the_forward_process(example, name):
    crystals, weights = 1500, torch.tensor([0.25, 0.75])
    path = drawn(example, weights, replace(SAMPLERS[name], steps=80), crystals, until=48)
    t, state = path[48]
    forward = example.moments(corrupted(example, weights, t, 20 * crystals).state)
    gap, error = largest_gap(example.moments(state), forward)
    assert gap < 0.05 + 4.5 * error


@every_learned
@pytest.mark.parametrize(("name", "t"), list(product(WAYS, [0.3, 0.7])))
def test_one_step_keeps_the_marginals(example, name, t):
    """From the exact law at t, one step with the exact prediction lands in the exact law at t_next."""
    crystals, weights, t_next = 20_000, torch.tensor([0.25, 0.75]), t + 0.015
    state = corrupted(example, weights, t, crystals).state
    now, then, mask = torch.full((crystals,), t), torch.full((crystals,), t_next), example.mask(crystals)
    prediction = example.oracle(example.points, weights)(example.process.inputs(state, now), now, mask)
    noise = Noise.of(9, torch.arange(crystals))
    way = WAYS[name]
    moved = way.step(example.process, state, prediction, way.move(now, then, mask, noise))
    target = example.moments(corrupted(example, weights, t_next, crystals).state)
    gap, error = largest_gap(example.moments(moved), target)
    assert gap < 0.03 + 3 * error
