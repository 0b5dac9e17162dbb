"""Interpolants: targets are the path's derivative, the cell's origin, annealing, noise at the ends, what is given."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Move, Noised
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.processes.interpolant_path import UNIFORM_SPREAD, shortest
from nucleate.sampling.given import Given
from nucleate.sampling.loop import trajectory
from nucleate.sampling.methods.base import along, drawn
from nucleate.sampling.settings import SamplerSettings
from tests.processes.exact import torus_oracle
from tests.processes.examples import examples_of

Settings = InterpolantSettings
MANY, ATOMS = 200, 4
MASK = torch.ones(MANY, ATOMS, dtype=torch.bool)
EXAMPLES = examples_of(Interpolant)
GAMMAS = {"none": 0.0, "root": 0.05, "squared-sine": 0.05}
FORMS = [
    *(Settings(path=path, gamma=gamma) for path in ("linear", "trigonometric") for gamma in GAMMAS),
    *(
        Settings(path=path, gamma=gamma, form="published")
        for path in ("linear", "trigonometric", "encoder-decoder")
        for gamma in GAMMAS
        if path != "encoder-decoder" or gamma != "none"
    ),
    Settings(path="vp", form="published"),
    Settings(path="ve", denoiser=True, form="published"),
]
FLAT = [
    *(replace(s, form="displacement") for s in FORMS if s.form == "published"),
    *(Settings(path=path, denoiser=True) for path in ("linear", "trigonometric", "vp")),
]


def label(value: object) -> str:
    if isinstance(value, Settings):
        words = [value.path, value.gamma if value.gamma != "none" else "", value.form]
        return "-".join([w for w in words if w] + ["denoiser"] * value.denoiser + ["centred"] * value.centred)
    return str(value)


def made(settings: Settings, geometry: str, base=None) -> Interpolant:
    return Interpolant(settings, "frac", 3, "atom", geometry, base)


def data(seed: int = 0) -> torch.Tensor:
    return torch.rand(MANY, ATOMS, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def at(process: Interpolant, t: float, x1: torch.Tensor | None = None) -> Noised:
    """The same draw of everything at any time."""
    times = torch.full((MANY,), t, dtype=torch.float64)
    return process.corrupt(data() if x1 is None else x1, times, MASK, Noise.of(0, torch.arange(MANY)))


def width_slope(settings: Settings, t: float) -> float:
    """gamma', or alpha' where the prior plays the noise, by hand."""
    a = settings.gamma_scale
    if settings.gamma == "root":
        return a * (1 - 2 * t) / (2 * math.sqrt(a * t * (1 - t)))
    if settings.gamma == "squared-sine":
        return math.sqrt(a) * math.pi * math.sin(2 * math.pi * t)
    if not settings.denoiser:
        return 0.0
    if settings.path == "ve":
        sigma = settings.sigma_max ** (1 - t) * settings.sigma_min**t
        rate = math.log(settings.sigma_min / settings.sigma_max)
        return rate * sigma**2 / math.sqrt(sigma**2 - settings.sigma_min**2)
    half = math.pi / 2
    return {"linear": -1, "trigonometric": -half * math.sin(half * t), "vp": -t / math.sqrt(1 - t * t)}[
        settings.path
    ]


def drift(process: Interpolant, target: torch.Tensor, t: float) -> torch.Tensor:
    """u + gamma' z from what the network is asked for."""
    parts, velocity = list(target.split(3, -1)), torch.zeros(MANY, ATOMS, 3, dtype=torch.float64)
    if process.has_velocity:
        velocity = velocity + parts.pop(0) * process.unit
    return velocity + width_slope(process.settings, t) * parts[0] if parts else velocity


@pytest.mark.parametrize("centred", [False, True], ids=["free", "centred"])
@pytest.mark.parametrize("settings", FORMS, ids=label)
def test_the_target_is_the_derivative_of_the_path_on_the_torus(settings, centred):
    process = made(replace(settings, centred=centred), "torus")
    for t, h in ((0.13, 1e-6), (0.62, 1e-6), (0.9, 1e-6)):
        ahead, behind = (at(process, when).state["x"] for when in (t + h, t - h))
        moved = shortest(ahead - behind) / (2 * h)
        if centred:
            moved = moved - moved.mean(1, keepdim=True)
        torch.testing.assert_close(moved, drift(process, at(process, t).target, t), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", FLAT, ids=label)
def test_the_target_is_the_derivative_of_the_path_in_flat_space(settings):
    process = made(settings, "euclidean")
    for t, h in ((0.13, 1e-6), (0.62, 1e-6), (0.9, 1e-6)):
        ahead, behind = (at(process, when).state["x"] for when in (t + h, t - h))
        target = drift(process, at(process, t).target, t)
        torch.testing.assert_close((ahead - behind) / (2 * h), target, rtol=1e-5, atol=1e-5)


def test_the_linear_path_is_the_geodesic():
    """Against FlowMM's logarithm by atan2 and exponential on the circle."""
    x0 = torch.rand(MANY, ATOMS, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    process, angle = made(Settings(), "torus", lambda mask, noise: x0), 2 * math.pi * (data() - x0)
    logarithm = torch.atan2(angle.sin(), angle.cos()) / (2 * math.pi)
    noised = at(process, 0.3)
    gap = noised.state["x"] - (x0 + 0.3 * logarithm)
    torch.testing.assert_close(gap, gap.round(), atol=1e-12, rtol=0)
    target = (logarithm - logarithm.mean(1, keepdim=True)) * math.sqrt(12)
    torch.testing.assert_close(noised.target, target, atol=1e-10, rtol=0)


def relative_jump(settings: Settings, t: float = 0.5) -> float:
    """How far atoms move relative to the whole when the origin of prior and data is shifted together."""
    x0, shift = data(7), torch.tensor([0.37, 0.11, 0.73], dtype=torch.float64)
    here, there = (
        made(settings, "torus", lambda m, n: x0),
        made(settings, "torus", lambda m, n: (x0 + shift) % 1),
    )
    moved = at(there, t, (data() + shift) % 1).state["x"] - at(here, t).state["x"]
    return shortest(moved - moved[:, :1]).abs().max().item()


@pytest.mark.parametrize("path", ["linear", "trigonometric"])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_displacement_form_does_not_depend_on_the_origin(path, gamma):
    assert relative_jump(Settings(path=path, gamma=gamma)) < 1e-12


def test_the_published_form_depends_on_the_origin_where_it_bends():
    """By alpha + beta - 1 at the border of the cell: sqrt(2) - 1 for the trigonometric path at t = 1/2."""
    assert relative_jump(Settings(form="published")) < 1e-12
    jump = relative_jump(Settings(path="trigonometric", form="published"))
    assert jump == pytest.approx(math.sqrt(2) - 1, abs=1e-9)
    assert relative_jump(Settings(path="vp", form="published")) > 0.3


def test_variance_exploding_coordinates_do_not_depend_on_the_origin():
    process = made(Settings(path="ve", denoiser=True, form="published"), "torus")
    moved = at(process, 0.5, (data() + 0.37) % 1).state["x"] - at(process, 0.5).state["x"] - 0.37
    assert shortest(moved).abs().max() < 1e-12


def test_targets_have_unit_variance_and_do_not_grow_at_the_ends():
    process = made(Settings(gamma="root", centred=False), "torus")
    for t in (1e-6, 0.5, 1 - 1e-6):
        velocity, z = at(process, t).target.split(3, -1)
        assert velocity.std().item() == pytest.approx(1, abs=0.05)
        assert z.std().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
@pytest.mark.parametrize("t", [0.05, 0.5, 0.9])
def test_the_exact_answers_are_the_expected_targets(example, t):
    """What is left of the target is uncorrelated with functions of the state: a regression that knows no formula."""
    crystals, weights = 40_000, torch.tensor([0.25, 0.75])
    points, _ = example.data(weights, crystals)
    times, mask = torch.full((crystals,), t), example.mask(crystals)
    noised = example.process.corrupt(points, times, mask, Noise.of(3, torch.arange(crystals)))
    answer = example.oracle(example.points, weights)(example.process.inputs(noised.state, times), times, mask)
    left = (noised.target - answer).flatten(1).T
    features = torch.cat([torch.ones(1, crystals), example.moments(noised.state)])
    products = left[:, None] * features
    error = products.std(-1) / math.sqrt(crystals)
    assert (products.mean(-1).abs() < 5 * error + 1e-5).all()
    assert answer.abs().max() < 100


# Order of convergence

MEAN, SPREAD = 0.7, 0.4


class Normal(CrystalModel):
    """The exact prediction for data that are normal with MEAN and SPREAD, and a normal prior."""

    def __init__(self, process: Interpolant) -> None:
        super().__init__({"x": process}, LogLengthsTanAngles(), Denoiser())

    def law(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance of x_t: the flow maps x0 to mean + sqrt(variance / variance at 0) x0."""
        process = self.processes["x"]
        alpha, beta = process.path.ends(t)
        width = 0 if process.settings.denoiser else process.path.noise_width(t)
        return beta * MEAN, alpha**2 + (beta * SPREAD) ** 2 + width**2

    def denoise(self, states, t, mask, guess=None, condition=None):
        process, x = self.processes["x"], states["x"]["x"].double()
        t = t.double()
        (alpha, beta), (slope0, slope1), width = (
            process.path.ends(t),
            process.path.slopes(t),
            process.path.noise_width(t),
        )
        mean, variance = self.law(t)
        gap = (x - mean[:, None]) / variance[:, None]
        x0, x1 = alpha[:, None] * gap, MEAN + (beta * SPREAD**2)[:, None] * gap
        if process.settings.denoiser:
            return {"x": torch.cat([slope1[:, None] * x1, x0], -1).float()}
        parts = [slope0[:, None] * x0 + slope1[:, None] * x1] + [width[:, None] * gap] * process.has_noise
        return {"x": torch.cat(parts, -1).float()}


SMOOTH = [
    Settings(),
    Settings(path="trigonometric"),
    Settings(gamma="squared-sine", gamma_scale=0.5),
    Settings(path="trigonometric", denoiser=True),
    Settings(path="vp", denoiser=True),
]


@pytest.mark.parametrize(("method", "order"), [("ode", 1), ("heun", 2), ("multistep", 2)])
@pytest.mark.parametrize("settings", SMOOTH, ids=label)
def test_order_of_convergence(settings, method, order):
    model = Normal(Interpolant(settings, "lattice", 2, "cell", "euclidean"))
    mask, noise, errors, counts = (
        torch.ones(50, 1, dtype=torch.bool),
        Noise.of(0, torch.arange(50)),
        [],
        (10, 40),
    )
    for steps in counts:
        path = list(trajectory(model, mask, SamplerSettings(method, steps=steps, noise_left=0.2), noise))
        (start, (t, last)) = path[0][1]["x"]["x"], path[-1]
        mean, variance = model.law(torch.tensor([t]))
        errors.append((last["x"]["x"] - mean - variance.sqrt() * start).abs().max().item())
    slope = math.log(errors[0] / errors[1]) / math.log(counts[1] / counts[0])
    # The first order may be exceeded where the leading error happens to cancel.
    assert slope > {1: 0.85, 2: 1.8}[order]
    assert errors[-1] < {1: 0.05, 2: 0.004}[order]


def test_a_step_of_the_denoiser_is_that_of_ddim():
    """beta(t_next) x1 + alpha(t_next) z, however long the step."""
    process = made(Settings(path="vp", denoiser=True), "euclidean")
    noised, move = at(process, 0.2), moving(0.2, 0.9)
    x1, z = noised.target.split(3, -1)
    moved = process.along(noised.state, noised.target, move)["x"]
    torch.testing.assert_close(moved, 0.9 * x1 + math.sqrt(1 - 0.81) * z, atol=1e-9, rtol=0)


# Annealing


def moving(t: float, t_next: float, anneal: float = 0.0) -> Move:
    now, then = (torch.full((MANY,), value, dtype=torch.float64) for value in (t, t_next))
    return Move(now, then, MASK, Noise.of(4, torch.arange(MANY)), anneal)


def test_annealing_multiplies_the_velocity_and_not_the_endpoint():
    process = made(Settings(centred=False), "torus")
    noised = at(process, 0.4)
    moved = process.along(noised.state, noised.target, moving(0.4, 0.45, anneal=5.0))["x"]
    velocity = noised.target * UNIFORM_SPREAD
    gap = shortest(moved - noised.state["x"] - (1 + 5 * 0.4) * 0.05 * velocity)
    assert gap.abs().max() < 1e-12
    times = torch.full((MANY,), 0.4, dtype=torch.float64)
    guess = process.endpoint(noised.state, noised.target, times, MASK)
    assert shortest(guess - data()).abs().max() < 1e-9


@pytest.mark.parametrize("settings", [Settings(), Settings(path="trigonometric")], ids=label)
def test_annealed_steps_never_go_beyond_the_data(settings):
    process = made(replace(settings, centred=False), "torus")
    for t in (0.3, 0.8, 0.97):
        noised = at(process, t)
        moved = process.along(noised.state, noised.target, moving(t, t + 0.03, anneal=20.0))["x"]
        before, after = shortest(data() - noised.state["x"]), shortest(data() - moved)
        assert (after * before >= -1e-12).all()
        assert (after.abs() <= before.abs() + 1e-12).all()


def test_published_annealing_overshoots_in_the_last_step_by_its_slope():
    """1 - (1 + s t) h / (1 - t) = -s t is left of the way when h = 1 - t."""
    process = made(Settings(centred=False, overshoot=True), "torus")
    noised = at(process, 0.95)
    moved = process.along(noised.state, noised.target, moving(0.95, 1.0, anneal=8.0))["x"]
    before, after = shortest(data() - noised.state["x"]), shortest(data() - moved)
    torch.testing.assert_close(after, -8 * 0.95 * before, atol=1e-9, rtol=0)


class Pair(CrystalModel):
    """Two data points of two atoms on the torus with the exact velocity."""

    def __init__(self, settings: Settings, points: torch.Tensor) -> None:
        super().__init__({"frac": made(settings, "torus")}, LogLengthsTanAngles(), Denoiser())
        process = self.processes["frac"]
        self.oracle = torus_oracle(process, points, torch.full((len(points),), 1 / len(points)))

    def denoise(self, states, t, mask, guess=None, condition=None):
        return {"frac": self.oracle(self.processes["frac"].inputs(states["frac"], t), t, mask)}


POINTS = torch.tensor([[[0.1, 0.2, 0.3], [0.35, 0.6, 0.9]], [[0.1, 0.2, 0.3], [0.85, 0.15, 0.5]]])


def relative(x: torch.Tensor) -> torch.Tensor:
    return x[:, 1] - x[:, 0]


def off_the_points(frac: torch.Tensor, points: torch.Tensor = POINTS) -> torch.Tensor:
    """Distance of each crystal to the nearest data point, up to a translation, in cells."""
    gaps = shortest(relative(frac)[:, None] - relative(points)).abs().amax(-1)
    return gaps.min(-1).values


@pytest.mark.parametrize("method", ["ode", "heun", "multistep"])
@pytest.mark.parametrize("slope", [1.0, 5.0, 10.0])
def test_annealing_with_the_exact_velocity_recovers_the_data(method, slope):
    mask, noise = torch.ones(300, 2, dtype=torch.bool), Noise.of(0, torch.arange(300))
    settings = SamplerSettings(method, steps=50, anneal_frac=slope)
    *_, (_, last) = trajectory(Pair(Settings(), POINTS), mask, settings, noise)
    assert off_the_points(last["frac"]["x"]).quantile(0.95) < 1e-4


# Noise


@pytest.mark.parametrize("settings", FORMS + FLAT, ids=label)
def test_noise_is_finite_everywhere_and_none_in_the_last_step(settings):
    torus = settings in FORMS
    process = made(replace(settings, epsilon_scale=50.0), "torus" if torus else "euclidean")
    for t, t_next in ((0.0, 0.01), (1e-6, 0.01), (0.5, 0.51), (0.98, 0.99), (0.99, 1.0), (1 - 1e-6, 1.0)):
        move = moving(t, t_next)
        kick = process.path.kick(move)
        assert (kick <= 0.1 * process.path.narrowest(move.t) + 1e-12).all()
        if t_next == 1 or (t == 0 and settings.gamma != "none"):
            assert (kick < 1e-12).all()
        answer = torch.ones(MANY, ATOMS, process.target_width, dtype=torch.float64)
        moved = drawn(process, {"x": data()}, answer, move)["x"]
        assert torch.isfinite(moved).all()


@pytest.mark.parametrize("geometry", ["torus", "euclidean"])
def test_without_noise_the_stochastic_sampler_is_the_flow(geometry):
    process = made(Settings(), geometry)
    noised = at(process, 0.4)
    assert process.can == {"flow"}
    one, other = (
        step(process, noised.state, noised.target, moving(0.4, 0.5))["x"] for step in (drawn, along)
    )
    assert torch.equal(one, other)


def test_the_stochastic_step_adds_epsilon_drift_and_twice_its_noise():
    process = made(Settings(gamma="root", gamma_scale=0.05, centred=False, epsilon_scale=0.3), "torus")
    noised, h = at(process, 0.4), 0.01
    flowed, kicked = (
        step(process, noised.state, noised.target, moving(0.4, 0.4 + h))["x"] for step in (along, drawn)
    )
    z = noised.target[..., 3:]
    fresh = shortest(kicked - flowed) + 0.3 * h / math.sqrt(0.05 * 0.24) * z
    assert fresh.var().item() == pytest.approx(2 * 0.3 * h, rel=0.1)
    assert abs((fresh * z).mean().item()) < 4 * fresh.std().item() / math.sqrt(fresh.numel())


@pytest.mark.parametrize(
    "settings",
    [
        Settings(centred=False, gamma="root", gamma_scale=0.02, epsilon_scale=1.0),
        Settings(centred=False, gamma="squared-sine", gamma_scale=0.02, epsilon_scale=1.0),
        Settings(
            centred=False, gamma="root", gamma_scale=0.0182, epsilon="vanishing", epsilon_scale=9.75,
            epsilon_mid=0.172, epsilon_width=0.0294,
        ),
    ],
    ids=["root", "squared-sine", "omatg"],
)  # fmt: skip
def test_strong_noise_keeps_the_marginals(settings):
    """Noise that forgets where it came from many times over; the last settings are OMatG's for MP-20."""
    example = next(e for e in EXAMPLES if e.name == "interpolant-torus-root-gamma")
    process, crystals, weights = made(settings, "torus"), 1000, torch.tensor([0.25, 0.75])

    class Model(CrystalModel):
        def denoise(self, states, t, mask, guess=None, condition=None):
            return {"x": oracle(process.inputs(states["x"], t), t, mask)}

    oracle = torus_oracle(process, example.points, weights)
    model = Model({"x": process}, LogLengthsTanAngles(), Denoiser())
    mask = example.mask(crystals)
    path = trajectory(model, mask, SamplerSettings("em", steps=200), Noise.of(1, torch.arange(crystals)))
    for t, states in path:
        if round(200 * t) in (60, 120, 170):
            points, _ = example.data(weights, 20 * crystals)
            times, many = torch.full((20 * crystals,), t), example.mask(20 * crystals)
            forward = process.corrupt(points, times, many, Noise.of(2, torch.arange(20 * crystals)))
            one, other = example.moments(states["x"]), example.moments(forward.state)
            error = torch.sqrt(one.var(-1) / crystals)
            assert ((one.mean(-1) - other.mean(-1)).abs() < 0.03 + 4.5 * error).all()
    gaps = torch.stack([example.distance(states["x"]["x"], point) for point in example.points])
    assert (gaps.min(0).values < 0.01).float().mean() > 0.97
    assert abs((gaps[0] < gaps[1]).float().mean().item() - 0.25) < 3.5 * math.sqrt(0.25 * 0.75 / crystals)


# What is given


def test_held_parts_follow_one_path_to_the_data():
    process, t = made(Settings(gamma="root"), "torus"), torch.linspace(0, 1, 201).double()
    path = torch.stack([at(process, float(when)).state["x"] for when in t])
    assert shortest(path.diff(dim=0)).abs().max() < 0.12
    assert shortest(path[-1] - data()).abs().max() < 1e-9


@pytest.mark.parametrize("method", ["ode", "heun", "multistep"])
def test_an_atom_is_drawn_around_a_given_one_where_it_lies(method):
    """The given atom keeps its absolute place, and the other comes to lie at the data's distance from it."""
    crystals = 200
    mask, noise = torch.ones(crystals, 2, dtype=torch.bool), Noise.of(0, torch.arange(crystals))
    frac = torch.tensor([0.7, 0.25, 0.4]).expand(crystals, 2, 3)
    known = torch.tensor([True, False]).expand(crystals, 2)
    cells = torch.eye(3).expand(crystals, 3, 3)
    given = Given(Crystals(torch.ones(crystals, 2, dtype=torch.long), frac, cells, mask), {"frac": known})
    *_, (_, last) = trajectory(
        Pair(Settings(), POINTS), mask, SamplerSettings(method, steps=50), noise, given
    )
    x = last["frac"]["x"]
    torch.testing.assert_close(x[:, 0], frac[:, 0])
    assert off_the_points(x).quantile(0.95) < 1e-3


def test_the_drawn_crystal_is_moved_onto_its_known_part():
    process, mask = made(Settings(), "torus"), torch.tensor([[True, True, True, False]])
    state = {"x": torch.tensor([[[0.1, 0.1, 0.1], [0.3, 0.9, 0.5], [0.6, 0.6, 0.6], [0, 0, 0]]])}
    held = {"x": torch.tensor([[[0.2, 0.2, 0.2], [0.4, 0.0, 0.6], [0.9, 0.9, 0.9], [0, 0, 0]]])}
    merged = process.merge(state, held, torch.tensor([[True, True, False, False]]), mask)["x"]
    expected = torch.tensor([[0.2, 0.2, 0.2], [0.4, 0.0, 0.6], [0.7, 0.7, 0.7], [0, 0, 0]])
    assert shortest(merged[0] - expected).abs().max() < 1e-6
    assert (merged[0, 3] == 0).all()
    free = made(Settings(centred=False), "torus").merge(
        state, held, torch.tensor([[True, True, False, False]]), mask
    )
    assert torch.equal(free["x"][0, 2], state["x"][0, 2])


# Coupling


def test_the_coupling_shortens_the_way_and_keeps_the_draws():
    plain, paired = (made(Settings(coupling=c, centred=False), "torus") for c in ("none", "min-permutation"))
    one, other = at(plain, 0.0).state["x"], at(paired, 0.0).state["x"]
    assert (shortest(data() - other) ** 2).sum() < 0.8 * (shortest(data() - one) ** 2).sum()
    torch.testing.assert_close(one.sort(1).values, other.sort(1).values)
    assert not torch.equal(one, other)


def test_the_coupling_changes_the_prior_of_atoms_that_can_be_told_apart():
    """Atoms at the corners of a cube of half a cell begin closer to where they belong than a sampler's prior has them.
    Atoms that are alike, their order in the data drawn at random, keep the uniform law."""
    crystals, corners = 1000, torch.cartesian_prod(*[torch.tensor([0.0, 0.5])] * 3)
    mask, t = torch.ones(crystals, 8, dtype=torch.bool), torch.zeros(crystals)
    process = made(Settings(coupling="min-permutation"), "torus")
    orders = torch.rand(crystals, 8, generator=torch.Generator().manual_seed(0)).argsort(1)

    def towards(points: torch.Tensor) -> float:
        """Mean cosine of the first pair's difference from the one that corners 0 and 7 have, 0 if it is uniform."""
        x = process.corrupt(points, t, mask, Noise.of(0, torch.arange(crystals))).state["x"]
        return torch.cos(2 * math.pi * (x[:, 7] - x[:, 0] - 0.5)).mean().item()

    assert towards(corners.expand(crystals, 8, 3)) > 0.15
    assert abs(towards(corners[orders])) < 0.05


# Small things


@pytest.mark.parametrize("settings", FLAT, ids=label)
def test_the_endpoint_is_the_data_for_the_true_target_in_flat_space(settings):
    process = made(settings, "euclidean")
    for t in (0.55, 0.8, 0.99):
        noised, times = at(process, t), torch.full((MANY,), t, dtype=torch.float64)
        guess = process.endpoint(noised.state, noised.target, times, MASK)
        torch.testing.assert_close(guess, data(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("path", ["linear", "trigonometric"])
def test_the_endpoint_is_the_data_for_the_true_target_on_the_torus(path):
    process = made(Settings(path=path, gamma="root"), "torus")
    for t in (0.3, 0.8, 0.98):
        noised, times = at(process, t), torch.full((MANY,), t, dtype=torch.float64)
        gap = shortest(process.endpoint(noised.state, noised.target, times, MASK) - data())
        torch.testing.assert_close(gap, gap.mean(1, keepdim=True).expand_as(gap), atol=1e-9, rtol=0)


def test_the_loss_by_hand():
    mask = torch.tensor([[True, True, False]])
    process = made(Settings(gamma="root", noise_weight=3.0), "torus")
    noised = Noised({}, torch.zeros(1, 3, 6), torch.tensor([2.0]))
    prediction = torch.zeros(1, 3, 6)
    prediction[0, 0, 0], prediction[0, 1, 0], prediction[0, 0, 5], prediction[0, 1, 5] = 1.0, -1.0, 2.0, -2.0
    prediction[0, 2] = 100.0
    # Mean squares over two atoms and three channels: 1/3 of the velocity and 4/3 of the noise.
    assert process.loss(prediction, noised, mask).item() == pytest.approx(2 * (1 / 3 + 3 * 4 / 3))
    assert process.loss(prediction + 5, noised, mask).item() == pytest.approx(2 * (1 / 3 + 3 * 4 / 3))
    free = made(Settings(gamma="root", centred=False), "torus")
    assert free.loss(torch.ones(1, 3, 6), noised, mask).item() == pytest.approx(4.0)


def test_number_of_target_channels():
    assert made(Settings(), "torus").target_width == 3
    assert made(Settings(gamma="root"), "torus").target_width == 6
    assert made(Settings(path="vp", denoiser=True), "euclidean").target_width == 6
    assert made(Settings(path="ve", denoiser=True), "euclidean").target_width == 3


def test_an_informed_base_is_where_the_path_begins():
    def cells(mask, noise):
        """Lognormal lengths as FlowMM's for MP-20."""
        mean, spread = torch.tensor([1.57544, 1.70174, 1.97816]), torch.tensor([0.24438, 0.26526, 0.35355])
        return torch.exp(mean + spread * noise.normal(3))

    process = Interpolant(Settings(), "lattice", 3, "cell", "euclidean", cells)
    mask, noise = torch.ones(20_000, 1, dtype=torch.bool), Noise.of(0, torch.arange(20_000))
    start = process.prior(mask, noise)["x"]
    assert start.log().mean(0).tolist() == pytest.approx([1.57544, 1.70174, 1.97816], abs=0.01)
    same = process.corrupt(
        torch.ones(20_000, 3), torch.zeros(20_000), mask, Noise.of(0, torch.arange(20_000))
    )
    assert torch.equal(same.state["x"], start)


def test_coordinates_are_in_the_cell_and_never_one():
    process = made(Settings(), "torus")
    placed = process._placed(torch.tensor([[[-1e-9, 1.0, 2.25]]]), torch.ones(1, 1, dtype=torch.bool))
    assert placed.tolist() == [[[0.0, 0.0, 0.25]]]


WRONG = {
    "encoder-decoder forgets": (Settings(path="encoder-decoder", form="published"), "atom", "torus", None),
    "encoder-decoder has no displacement": (
        Settings(path="encoder-decoder", gamma="root"), "atom", "torus", None
    ),
    "vp has no displacement": (Settings(path="vp"), "atom", "torus", None),
    "ve has no velocity but that of its noise": (Settings(path="ve"), "cell", "euclidean", None),
    "path = vp with gamma = root": (Settings(path="vp", gamma="root"), "cell", "euclidean", None),
    "denoiser = true with gamma": (Settings(denoiser=True, gamma="root"), "cell", "euclidean", None),
    "denoiser = true needs a Gaussian prior": (Settings(denoiser=True), "atom", "torus", None),
    "not an informed prior": (Settings(denoiser=True), "atom", "euclidean", lambda mask, noise: mask),
    "noise depend on the data": (Settings(denoiser=True, coupling="min-permutation"), "atom", "euclidean", None),
    "pairs atoms and can't": (Settings(coupling="min-permutation"), "cell", "euclidean", None),
    "level = cell can't be on the torus": (Settings(), "cell", "torus", None),
    "gamma_scale must be above 0 and at most 100; got 0": (Settings(gamma_scale=0), "atom", "torus", None),
    "epsilon_scale must be between 0 and 1000; got -1": (Settings(epsilon_scale=-1), "atom", "torus", None),
    "epsilon_width must be above 0 and at most 10; got 0": (Settings(epsilon_width=0), "atom", "torus", None),
    "largest_kick must be above 0 and at most 1e12; got 0": (Settings(largest_kick=0), "atom", "torus", None),
    "noise_weight must be between 0 and 1e6; got -2": (Settings(noise_weight=-2), "atom", "torus", None),
    "sigma_min < sigma_max <= 1e4 must hold; got 1 and 0.5": (Settings(sigma_min=1), "atom", "torus", None),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_contradicting_settings_are_refused(message):
    settings, level, geometry, base = WRONG[message]
    with pytest.raises(ValueError, match=message) as error:
        Interpolant(settings, "x", 3, level, geometry, base)
    assert "\n" not in str(error.value)
