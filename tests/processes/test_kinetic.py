"""The kinetic process against its own equations: simulation, autograd, quadrature and fine sub-steps."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, centre, wrap
from nucleate.geometry.wrapped_normal import fisher_information, log_density
from nucleate.processes.base import LangevinSettings, Move
from nucleate.processes.kinetic import Kinetic, KineticSettings, position_variance
from tests.processes.ways import WAYS

MANY = 5_000
ONE_ATOM = torch.ones(MANY, 1, dtype=torch.bool)


def process(**settings) -> Kinetic:
    return Kinetic(KineticSettings(**settings))


def moments(v: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
    """Variance of the velocity, of the displacement, and their covariance."""
    v, r = v.flatten().double(), r.flatten().double()
    return torch.stack([(v * v).mean(), (r * r).mean(), (v * r).mean()])


def simulate(initial: float, tau: float, steps: int = 150) -> tuple[torch.Tensor, torch.Tensor]:
    """Euler-Maruyama of d r = v d tau, dv = -v d tau + sqrt(2) dW."""
    generator = torch.Generator().manual_seed(0)
    v = initial * torch.randn(MANY * 3, generator=generator)
    r, h = torch.zeros_like(v), tau / steps
    for _ in range(steps):
        old = v
        v = v - h * v + math.sqrt(2 * h) * torch.randn(v.shape, generator=generator)
        r = r + h * 0.5 * (old + v)
    return v, r


@pytest.mark.parametrize("initial", [0.0, 0.7])
def test_kernel_has_the_moments_of_the_simulated_equation(initial):
    """At tau = 0.6, before anything wraps."""
    kinetic = process(initial_velocity=initial, parametrisation="direct", centred=False)
    t = torch.full((MANY,), 1 - 0.6 / 2)
    state = kinetic.corrupt(torch.zeros(MANY, 1, 3), t, ONE_ATOM, Noise.of(0, torch.arange(MANY))).state
    ours, theirs = moments(state["velocity"], state["theta"]), moments(*simulate(initial, 0.6))
    torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0)


def test_total_displacement_has_the_variance_of_the_paper():
    for tau in (0.01, 0.29, 0.31, 2.0, 4.0):
        gain, sigma_v = math.tanh(tau / 2), -math.expm1(-2 * tau)
        ours = gain**2 * sigma_v + position_variance(torch.tensor(tau, dtype=torch.float64)).item()
        theirs = 2 * tau - 3 + 4 * math.exp(-tau) - math.exp(-2 * tau)
        assert ours == pytest.approx(theirs, rel=2e-6, abs=1e-15)


def test_position_variance_keeps_its_digits_at_tiny_times():
    """Against 2 tau - 4 tanh(tau / 2) in arithmetic of 60 digits."""
    from decimal import Decimal, localcontext

    tau = torch.logspace(-6, 1, 60)
    with localcontext() as context:
        context.prec = 60
        exact = []
        for value in tau.double().tolist():
            x = Decimal(value)
            exact.append(float(2 * x - 4 * (x.exp() - 1) / (x.exp() + 1)))
    assert (
        (position_variance(tau).double() / torch.tensor(exact, dtype=torch.float64) - 1).abs() < 3e-5
    ).all()


@pytest.mark.parametrize("horizon", [2.0, 4.0])
def test_interpolated_fisher_information_is_the_quadrature(horizon):
    kinetic = process(horizon=horizon)
    t = torch.linspace(0, 0.999, 997, dtype=torch.float64)
    sigma_r = kinetic.coefficients(t, torch.zeros(997, 1, 3))[2].flatten()
    exact = fisher_information(sigma_r).sqrt()
    torch.testing.assert_close(kinetic.fisher_root(sigma_r), exact, rtol=1e-3, atol=0)


@pytest.mark.parametrize(
    ("parametrisation", "initial"), [("simplified", 0.0), ("direct", 0.0), ("direct", 0.5)]
)
@pytest.mark.parametrize("t", [0.0, 0.4, 0.95])
def test_target_is_the_score_of_the_exact_joint_density(parametrisation, initial, t):
    """Autograd of log N(v) + log WN(theta | v) with respect to v, for one atom whose noise is not centred."""
    kinetic = process(parametrisation=parametrisation, initial_velocity=initial, centred=False)
    count, data = 500, torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64).expand(500, 1, 3)
    mask, times = ONE_ATOM[:count], torch.full((count,), t, dtype=torch.float64)
    noised = kinetic.corrupt(data, times, mask, Noise.of(0, torch.arange(count)))
    ours = kinetic.score(noised.state, noised.target, times, mask)
    again = Noise.of(0, torch.arange(count))
    draws = [again.normal(1, 3).double() for _ in range(3)]
    start = initial * draws[2]
    v = noised.state["velocity"].clone().requires_grad_()
    tau = torch.tensor(2 * (1 - t), dtype=torch.float64)
    sigma_v, gain = torch.sqrt(-torch.expm1(-2 * tau)), torch.tanh(tau / 2)
    sigma_r = torch.sqrt(position_variance(tau)).expand_as(v)
    gap = noised.state["theta"] - TAU * data - gain * (v + start)
    log_p = -0.5 * ((v - torch.exp(-tau) * start) / sigma_v) ** 2 + log_density(gap, sigma_r, 5)
    log_p.sum().backward()
    torch.testing.assert_close(ours, v.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("atoms", [1, 2, 5])
def test_targets_of_mean_free_noise_have_variance_k_minus_one_over_k(atoms):
    count = 30_000 // atoms
    mask = torch.ones(count, atoms, dtype=torch.bool)
    for t in (0.0, 0.6, 0.99):
        noised = process().corrupt(
            torch.zeros(count, atoms, 3), torch.full((count,), t), mask, Noise.of(0, torch.arange(count))
        )
        torch.testing.assert_close(noised.target.sum(1), torch.zeros(count, 3), atol=2e-4, rtol=0)
        torch.testing.assert_close(noised.state["velocity"].sum(1), torch.zeros(count, 3), atol=2e-5, rtol=0)
        # Centring comes before the wrapped normal, whose width it takes as it is: exact where nothing wraps.
        tolerance = 0.03 if t > 0.5 else 0.12
        assert noised.target.var().item() == pytest.approx((atoms - 1) / atoms, rel=tolerance, abs=1e-9)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_cell_of_one_atom_is_finite_everywhere(way):
    """Where the published corrector divides zero by zero."""
    kinetic, mask = process(), torch.ones(4, 1, dtype=torch.bool)
    noise = Noise.of(0, torch.arange(4))
    for t in (torch.zeros(4), torch.full((4,), 0.999), torch.ones(4)):
        noised = kinetic.corrupt(torch.rand(4, 1, 3), t, mask, noise)
        later = (t + 1e-3).clamp(max=1)
        move = way.move(t, later, mask, noise)
        corrected = kinetic.correct(noised.state, noised.target, move)
        moved = way.step(kinetic, corrected, noised.target, move)
        values = [noised.target, *moved.values(), kinetic.endpoint(moved, noised.target, t, mask)]
        assert all(torch.isfinite(value).all() for value in values)
        assert (moved["velocity"] == 0).all()


def one_step(step, h: float, score: float, v: float, centred: bool = False) -> torch.Tensor:
    """Mean and variance of the velocity and mean of the angle after one reverse step with a frozen score."""
    kinetic = process(parametrisation="direct", centred=centred)
    now = torch.full((MANY,), 0.5, dtype=torch.float64)
    state = {
        name: torch.full((MANY, 1, 3), x, dtype=torch.float64)
        for name, x in (("theta", 0.0), ("velocity", v))
    }
    prediction = torch.full((MANY, 1, 3), score, dtype=torch.float64)
    noise = Noise.of(0, torch.arange(MANY))
    move = Move(now, now + h / 2, ONE_ATOM, noise)
    moved = step(kinetic, state, prediction, move)
    speed, angle = moved["velocity"], moved["theta"]
    return torch.stack([speed.mean(), speed.var(), angle.mean()])


def sub_steps(h: float, score: float, v: float, steps: int = 100) -> torch.Tensor:
    """The same by fine Euler-Maruyama steps of dv = (v + 2 s) ds + sqrt(2) dW, d theta = -v ds, which know nothing of
    the closed form."""
    generator, k = torch.Generator().manual_seed(1), h / steps
    speed = torch.full((MANY * 3,), v, dtype=torch.float64)
    angle = torch.zeros_like(speed)
    for _ in range(steps):
        fresh = torch.randn(speed.shape, generator=generator, dtype=torch.float64)
        new = speed + k * (speed + 2 * score) + math.sqrt(2 * k) * fresh
        angle, speed = angle - k * 0.5 * (speed + new), new
    return torch.stack([speed.mean(), speed.var(), angle.mean()])


def paper_step(kinetic: Kinetic, state, prediction, move: Move):
    """Algorithm 3 as printed: 2 (e^(2h) - 1) in front of the score."""
    h = kinetic.clock(move.t)[:, None, None] - kinetic.clock(move.t_next)[:, None, None]
    z = move.noise.normal(move.mask.shape[1], 3).double()
    v = (
        torch.exp(h) * state["velocity"]
        + 2 * torch.expm1(2 * h) * prediction
        + torch.sqrt(torch.expm1(2 * h)) * z
    )
    return {"theta": wrap(state["theta"] - h * v), "velocity": v}


def test_one_step_law_is_that_of_fine_sub_steps():
    h, score, v = 0.2, 1.3, 0.4
    ours, theirs = one_step(Kinetic.step, h, score, v), sub_steps(h, score, v)
    assert ours[0].item() == pytest.approx(theirs[0].item(), abs=0.03)
    assert ours[1].item() == pytest.approx(theirs[1].item(), abs=0.03)
    # The angle moves with the new velocity for the whole step: right to first order in h.
    assert ours[2].item() == pytest.approx(theirs[2].item(), abs=1.5 * (2 * score + v) * h**2 / 2)
    exact = [math.exp(h) * v + 2 * math.expm1(h) * score, math.expm1(2 * h)]
    torch.testing.assert_close(ours[:2], torch.tensor(exact, dtype=torch.float64), atol=0.03, rtol=0)


def test_one_long_step_of_the_flow_to_one_point_is_many_short_ones():
    """Runge-Kutta steps of dv / d tau = -v - score, d r / d tau = v, whose score is that of the unwrapped kernel."""
    kinetic = process(centred=False)
    v, r, start, end, steps = 0.7, 0.4, 1.2, 0.3, 4000

    def slope(tau: float, v: float, r: float) -> tuple[float, float]:
        gain = math.tanh(tau / 2)
        spread, speed = 2 * tau - 4 * gain, -math.expm1(-2 * tau)
        return -v + v / speed - gain * (r - gain * v) / spread, v

    k, tau = (end - start) / steps, start
    for _ in range(steps):
        one = slope(tau, v, r)
        two = slope(tau + k / 2, v + k / 2 * one[0], r + k / 2 * one[1])
        v, r, tau = v + k * two[0], r + k * two[1], tau + k
    now, then = (torch.tensor([1 - tau / kinetic.settings.horizon]).double() for tau in (start, end))
    state = {"theta": torch.full((1, 1, 3), 0.4).double(), "velocity": torch.full((1, 1, 3), 0.7).double()}
    move = Move(now, then, ONE_ATOM[:1], Noise.of(0, torch.arange(1)))
    moved = kinetic.follow(state, torch.zeros(1, 1, 3).double(), move)
    assert moved["velocity"][0, 0, 0].item() == pytest.approx(v, abs=1e-5)
    assert moved["theta"][0, 0, 0].item() == pytest.approx(r, abs=1e-5)


def test_the_printed_factor_of_the_paper_fails():
    h, score, v = 0.2, 1.3, 0.4
    printed, theirs = one_step(paper_step, h, score, v), sub_steps(h, score, v)
    assert abs(printed[0] - theirs[0]) > 0.5


def test_predictor_carries_pure_noise_from_one_width_to_the_next():
    """With v = sigma_v eps and the score -eps / sigma_v, DDIM gives sigma_v(t_next) eps for a step of any size."""
    kinetic = process(parametrisation="direct", centred=False)
    now, then = (torch.full((10,), t, dtype=torch.float64) for t in (0.3, 0.8))
    eps = torch.randn(10, 1, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    widths = [kinetic.coefficients(t, eps)[1] for t in (now, then)]
    state = {"theta": torch.zeros_like(eps), "velocity": widths[0] * eps}
    move = Move(now, then, ONE_ATOM[:10], Noise.of(0, torch.arange(10)))
    moved = kinetic.predict(state, -eps / widths[0], move)
    torch.testing.assert_close(moved["velocity"], widths[1] * eps)


def exact_score_flow(steps: int) -> torch.Tensor:
    """State at t = 0.85 of the probability flow of one data point on the circle, from t = 0.1 (float64)."""
    from tests.processes.exact import kinetic_oracle

    kinetic, count = process(centred=False), 40
    oracle = kinetic_oracle(kinetic, torch.full((1, 1, 3), 0.3, dtype=torch.float64), torch.ones(1).double())
    mask, noise = ONE_ATOM[:count], Noise.of(5, torch.arange(count))
    grid = torch.linspace(0.1, 0.85, steps + 1, dtype=torch.float64)
    state = kinetic.corrupt(
        torch.full((count, 1, 3), 0.3, dtype=torch.float64), grid[:1].expand(count), mask, noise
    )
    state = state.state
    for now, then in zip(grid[:-1].expand(count, -1).T, grid[1:].expand(count, -1).T, strict=True):
        prediction = oracle(kinetic.inputs(state, now), now, mask)
        state = kinetic.along(state, prediction, Move(now, then, mask, noise))
    return torch.cat([state["theta"], state["velocity"]], -1)


def test_the_flow_converges_at_first_order_on_the_exact_score():
    reference = exact_score_flow(800)
    errors = [(exact_score_flow(n) - reference).abs().median().item() for n in (25, 50, 100)]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(0.75 < order < 1.4 for order in orders), (errors, orders)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"horizon": 12.0}, r"horizon must be between 0\.001 and 10; got 12\.0"),
        ({"horizon": 0.0}, r"horizon must be between 0\.001 and 10; got 0\.0"),
        ({"initial_velocity": -1.0}, r"initial_velocity must be between 0 and 100; got -1\.0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(RecipeError, match=message) as caught:
        KineticSettings(**wrong)
    assert caught.value.hint


def test_simplified_parametrisation_refuses_initial_velocities():
    with pytest.raises(ValueError, match="direct"):
        process(initial_velocity=0.5)


@pytest.mark.parametrize("t", [0.02, 0.5, 0.95])
def test_lambda_makes_the_direct_loss_of_a_zero_prediction_one_at_all_times(t):
    """lambda(t) is one over the mean squared target of the direct parametrisation; 40,000 draws, each of one atom."""
    settings = KineticSettings(parametrisation="direct", direct_weight="balanced", centred=False)
    crystals = 40_000
    mask, numbers = torch.ones(crystals, 1, dtype=torch.bool), torch.arange(crystals)
    data, times = torch.zeros(crystals, 1, 3), torch.full((crystals,), t)
    process = Kinetic(settings)
    noised = process.corrupt(data, times, mask, Noise.of(3, numbers))
    loss = process.loss(torch.zeros_like(noised.target), noised, mask)
    assert loss.mean().item() == pytest.approx(1, rel=0.03)
    flat = Kinetic(replace(settings, direct_weight="flat")).corrupt(data, times, mask, Noise.of(3, numbers))
    torch.testing.assert_close(flat.target, noised.target)
    assert flat.weight.tolist() == [1.0] * crystals


def test_centring_can_be_switched_off():
    mask = torch.ones(100, 4, dtype=torch.bool)
    noise = Noise.of(0, torch.arange(100))
    free = process(centred=False).prior(mask, noise)["velocity"]
    assert (centre(free, mask) - free).abs().max() > 0.1


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_expected_power_is_the_mean_squared_score(t):
    """At rest with a score of zero a corrector step is sqrt(2 tau / power) z, which tells the power it went by."""
    kinetic, times = process(centred=False), torch.full((MANY,), t, dtype=torch.float64)
    nothing = torch.zeros(MANY, 1, 3, dtype=torch.float64)
    noised = kinetic.corrupt(nothing, times, ONE_ATOM, Noise.of(1, torch.arange(MANY)))
    # The score of all states at this time, which for data at one point is that of the target.
    power = kinetic.score(noised.state, noised.target, times, ONE_ATOM).square().mean().item()
    size = LangevinSettings(corrector="expected", tau=0.1)
    move = Move(times, times + 0.01, ONE_ATOM, Noise.of(2, torch.arange(MANY)), langevin=size)
    kicked = kinetic.correct({"theta": nothing, "velocity": nothing}, nothing, move)["velocity"]
    assert kicked.var().item() == pytest.approx(2 * 0.1 / power, rel=0.06)


@pytest.mark.parametrize("parametrisation", ["simplified", "direct"])
@pytest.mark.parametrize("t", [0.3, 0.6, 0.9])
def test_the_true_target_gives_the_data_back(parametrisation, t):
    """Tweedie's formula of an unwrapped normal, exact as long as the noise does not wrap: for most atoms here."""
    kinetic, times = process(parametrisation=parametrisation, centred=False), torch.full((MANY,), t).double()
    data = torch.rand(MANY, 1, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noised = kinetic.corrupt(data, times, ONE_ATOM, Noise.of(1, torch.arange(MANY)))
    guess = kinetic.endpoint(noised.state, noised.target, times, ONE_ATOM)
    assert wrap(TAU * (guess - data)).abs().quantile(0.8) < 1e-3
