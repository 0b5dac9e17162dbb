"""The wrapped-normal process against its published schedule, posterior moments, autograd and its exact marginals."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch

from nucleate.errors import RecipeError
from nucleate.geometry.circular import about_mean, circular_mean, mean_free_law
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import TAU, centre, wrap
from nucleate.geometry.wrapped_normal import fisher_information, log_density
from nucleate.processes.base import LangevinSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.sampling.methods.base import drawn
from nucleate.testing import process_laws
from tests.processes.examples import wrapped_normal_case
from tests.processes.ways import EM, ODE, WAYS, Way

MANY = 10_000
ONE_ATOM = torch.ones(MANY, 1, dtype=torch.bool)
PUBLISHED = Way(drawn, langevin=LangevinSettings(corrector="expected", tau=0.4))
CIRCULAR = wrapped_normal_case("circular")


@cache
def process(centred: str = "none", **settings) -> WrappedNormal:
    return WrappedNormal(WrappedNormalSettings(centred=centred, **settings))


def times(t: float, count: int = MANY) -> torch.Tensor:
    return torch.full((count,), t, dtype=torch.float64)


def width(t: float) -> float:
    return process().sigma(times(t, 1)).item()


def test_sigma_passes_through_the_published_levels_and_ends_at_zero():
    levels = [0.0, *torch.logspace(math.log10(0.005), math.log10(0.5), 1000, dtype=torch.float64).tolist()]
    u = torch.arange(1001, dtype=torch.float64) / 1000
    ours = process().sigma(1 - u) / TAU
    torch.testing.assert_close(ours, torch.tensor(levels, dtype=torch.float64), rtol=1e-9, atol=1e-15)
    assert process().sigma(times(1 - 5e-4, 1)).item() == pytest.approx(TAU * 0.0025)


@pytest.mark.parametrize(("least", "most"), [(0.0, 0.5), (0.5, 0.005), (0.1, 0.1), (-1.0, 0.5)])
def test_widths_in_the_wrong_order_are_refused(least, most):
    with pytest.raises(RecipeError, match=f"sigma_min < sigma_max <= 10 must hold; got {least} and {most}"):
        process(sigma_min=least, sigma_max=most)


def test_interpolated_fisher_information_is_the_quadrature():
    sigma = torch.logspace(-2, math.log10(math.pi), 301, dtype=torch.float64)
    torch.testing.assert_close(
        process().fisher_root(sigma), fisher_information(sigma).sqrt(), rtol=1e-3, atol=0
    )


@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 0.9995])
def test_pull_of_the_target_is_minus_the_score_of_the_conditional_density(t):
    """By autograd with respect to the coordinates; the sign that is easily lost."""
    data, mask = torch.rand(200, 2, 3, dtype=torch.float64), torch.ones(200, 2, dtype=torch.bool)
    noised = process().corrupt(data, times(t, 200), mask, Noise.of(0, torch.arange(200)))
    theta = noised.state["theta"].clone().requires_grad_()
    sigma = torch.full_like(theta, width(t))
    log_density(theta - TAU * data, sigma, 8).sum().backward()
    ours = process().pull(noised.target, times(t, 200), mask)
    torch.testing.assert_close(ours, -theta.grad, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 0.999])
def test_targets_have_unit_variance(t):
    noised = process().corrupt(
        torch.zeros(MANY, 1, 3), times(t).float(), ONE_ATOM, Noise.of(0, torch.arange(MANY))
    )
    # At sigma = 0.5 cells the square has a heavy tail of no importance.
    assert noised.target.square().mean().item() == pytest.approx(1, rel=0.04)


@pytest.mark.parametrize("atoms", [1, 2, 5, 20])
@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 0.99, 1.0])
def test_both_heads_have_unit_variance_and_no_circular_mean(atoms, t):
    mask, circular = torch.ones(20_000 // atoms, atoms, dtype=torch.bool), process("circular")
    count = len(mask)
    data = torch.rand(count, atoms, 3, dtype=torch.float64)
    noised = circular.corrupt(data, times(t, count), mask, Noise.of(0, torch.arange(count)))
    assert noised.target.shape == (count, atoms, 6)
    if atoms == 1:
        assert (noised.target == 0).all()
        return
    for head in noised.target.split(3, -1):
        assert head.square().mean().item() == pytest.approx(1, rel=0.03)
    sine = noised.target[..., 3:]
    torch.testing.assert_close(sine.sum(1), torch.zeros(count, 3).double(), atol=1e-4, rtol=0)


def test_noise_without_mean_keeps_it_out_of_targets_and_steps(mask):
    free, data, t = process("noise"), torch.rand(3, 6, 3) * mask.unsqueeze(-1), torch.tensor([0.5, 0.5, 0.7])
    noised = free.corrupt(data, t, mask, Noise.of(0, torch.arange(3)))
    torch.testing.assert_close(noised.target.sum(1), torch.zeros(3, 3), atol=1e-5, rtol=0)
    assert (noised.target[1] == 0).all()
    guess = noised.target + 0.3
    for way in (EM, PUBLISHED):
        move = way.move(t, t + 0.01, mask, Noise.of(1, torch.arange(3)))
        for moved in (free.step(noised.state, guess, move), free.correct(noised.state, guess, move)):
            shift = wrap(moved["theta"] - noised.state["theta"])
            torch.testing.assert_close(shift, centre(shift, mask), atol=1e-5, rtol=0)


def one_move(way: Way, t: float, t_next: float, displacement: float, correct: bool = False) -> torch.Tensor:
    """Displacements after one move from a displacement in units of sigma, given the true data."""
    diffusion, sigma = process(), width(t)
    state = {"theta": torch.full((MANY, 1, 3), displacement * sigma, dtype=torch.float64)}
    g = torch.full((MANY, 1, 3), displacement / sigma, dtype=torch.float64)
    prediction = g / diffusion.fisher_root(torch.full_like(g, sigma))
    move = way.move(times(t), times(t_next), ONE_ATOM, Noise.of(0, torch.arange(MANY)))
    return (way.corrected if correct else way.step)(diffusion, state, prediction, move)["theta"]


@pytest.mark.parametrize(("t", "t_next"), [(0.6, 0.601), (0.6, 0.8), (0.9, 0.999)])
def test_ancestral_step_has_the_moments_of_the_exact_posterior(t, t_next):
    """By conditioning the joint normal of the displacements at t_next and t, whose covariance is sigma_next^2."""
    now, then = width(t), width(t_next)
    mean, variance = then**2 / now**2 * 0.8 * now, then**2 - then**4 / now**2
    x = one_move(EM, t, t_next, 0.8)
    assert x.mean().item() == pytest.approx(mean, abs=5 * math.sqrt(variance / x.numel()))
    assert x.var().item() == pytest.approx(variance, rel=0.03)


def test_corrector_step_is_as_published():
    """f - eta g + sqrt(2 eta) z with eta = step_lr (sigma / sigma_min)^2, in cell units and MP-20's step_lr = 1e-5."""
    t = 0.7
    sigma = width(t) / TAU
    eta = 1e-5 * (sigma / 0.005) ** 2
    x = one_move(PUBLISHED, t, t + 0.001, 0.8, correct=True) / TAU
    assert x.mean().item() == pytest.approx(
        0.8 * sigma - eta * 0.8 / sigma, abs=5 * math.sqrt(2 * eta / x.numel())
    )
    assert x.var().item() == pytest.approx(2 * eta, rel=0.03)


def test_the_last_corrector_step_draws_no_noise():
    assert one_move(PUBLISHED, 0.999, 1.0, 0.8, correct=True).std() < 1e-9


def test_the_last_step_lands_on_the_data():
    for way in (EM, ODE):
        assert one_move(way, 0.99, 1.0, 0.8).abs().max() < 1e-6


def test_flow_of_a_single_data_point_is_exact_for_any_step():
    x = one_move(ODE, 0.5, 0.9, 0.8)
    torch.testing.assert_close(x, torch.full_like(x, 0.8 * width(0.9)))


@pytest.mark.parametrize("centred", ["none", "noise"])
@pytest.mark.parametrize("corrector", ["expected", "crystal"])
def test_corrector_keeps_the_exact_marginals(centred, corrector):
    """40 small steps at one time, from the exact law of two data points with the exact prediction."""
    example, weights, t = wrapped_normal_case(centred), torch.tensor([0.25, 0.75]), 0.3
    state = example.corrupted(weights, t, MANY).state
    law = example.moments(example.corrupted(weights, t, 2 * MANY, seed=5).state)
    now, oracle = torch.full((MANY,), t), example.oracle(example.points, weights)
    way = Way(drawn, langevin=LangevinSettings(tau=0.01, corrector=corrector))
    start = state["theta"]
    for step in range(40):
        prediction = oracle(example.process.inputs(state, now), now, example.mask(MANY))
        noise = Noise.of(3, torch.arange(MANY)).at(step)
        state = example.process.correct(
            state, prediction, way.move(now, now + 0.01, example.mask(MANY), noise)
        )
    gap, error = process_laws.largest_gap(example.moments(state), law)
    # A step that depends on the crystal's own score is not exact, least of all with few atoms.
    assert gap < (0.01 if corrector == "expected" else 0.04) + 4 * error
    assert wrap(state["theta"] - start).abs().mean() > 0.1


def fitted_log_density(theta: torch.Tensor, atoms: int, t: float) -> torch.Tensor:
    """Sum of the log of the von Mises law about the circular mean, for data at the origin."""
    kappa, _, _ = mean_free_law(torch.tensor([atoms]), process().sigma(times(t, 1)))
    mask = torch.ones(theta.shape[:2], dtype=torch.bool)
    return (kappa * torch.cos(theta - circular_mean(theta, mask))).sum()


@pytest.mark.parametrize("atoms", [2, 5, 20])
@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_pull_of_equicsp_is_minus_the_score_of_the_fitted_law(atoms, t):
    circular, mask = process("circular"), torch.ones(30, atoms, dtype=torch.bool)
    data = torch.zeros(30, atoms, 3, dtype=torch.float64)
    noised = circular.corrupt(data, times(t, 30), mask, Noise.of(2, torch.arange(30)))
    theta = noised.state["theta"].clone().requires_grad_()
    fitted_log_density(theta, atoms, t).backward()
    ours = circular.pull(noised.target, times(t, 30), mask)
    torch.testing.assert_close(ours, -theta.grad, rtol=1e-5, atol=1e-5)


def test_head_b_is_corrected_by_the_slope_of_the_mean_at_head_a():
    """Heads that no noise makes, by autograd of sum_j B_j d_j through d = theta - circular mean."""
    circular, mask, t = process("circular"), torch.ones(4, 5, dtype=torch.bool), 0.4
    generator = torch.Generator().manual_seed(0)
    answer = torch.randn(4, 5, 6, generator=generator, dtype=torch.float64)
    kappa, sine, spread = (x[:, None, None] for x in mean_free_law(mask.sum(1), circular.sigma(times(t, 4))))
    each = kappa * sine * answer[..., 3:]
    displacement = (spread * answer[..., :3]).clamp(-math.pi, math.pi).requires_grad_()
    (each * (displacement - circular_mean(displacement, mask))).sum().backward()
    torch.testing.assert_close(circular.pull(answer, times(t, 4), mask), displacement.grad)


def test_published_score_counts_one_atom_too_many():
    """n / (n - 1) times the pull of the forward process without its mean, for narrow noise."""
    t, circular = 0.95, process("circular")
    for atoms in (2, 5, 20):
        mask = torch.ones(50, atoms, dtype=torch.bool)
        noised = circular.corrupt(
            torch.zeros(50, atoms, 3).double(), times(t, 50), mask, Noise.of(0, torch.arange(50))
        )
        ours = circular.pull(noised.target, times(t, 50), mask)
        forward = about_mean(noised.state["theta"], mask) / width(t) ** 2
        ratio = (ours * forward).sum() / forward.square().sum()
        assert ratio.item() == pytest.approx(atoms / (atoms - 1), rel=0.01)


def test_equicsp_draws_the_likelier_of_two_data_points_only():
    """What that costs where it costs most, in cells of two atoms: a weight of 0.25 is hardly ever drawn."""
    weights = torch.tensor([0.25, 0.75])
    _, last = process_laws.drawn(CIRCULAR, CIRCULAR.oracle, weights, process_laws.SAMPLERS["em"], 200)
    decoded = CIRCULAR.process.decode(last)
    rare, likely = (CIRCULAR.distance(decoded, point) for point in CIRCULAR.points)
    assert torch.minimum(rare, likely).quantile(0.9) < 0.03
    assert (rare < likely).float().mean() < 0.1


@pytest.mark.parametrize("centred", ["none", "noise", "circular"])
@pytest.mark.parametrize("way", [*WAYS.values(), PUBLISHED], ids=[*WAYS, "published"])
def test_a_cell_of_one_atom_is_finite_everywhere(centred, way):
    diffusion, mask, noise = (
        process(centred),
        torch.ones(4, 1, dtype=torch.bool),
        Noise.of(0, torch.arange(4)),
    )
    for t in (torch.zeros(4), torch.full((4,), 0.999), torch.ones(4)):
        noised = diffusion.corrupt(torch.rand(4, 1, 3), t, mask, noise)
        move = way.move(t, (t + 1e-3).clamp(max=1), mask, noise)
        corrected = diffusion.correct(noised.state, noised.target, move)
        moved = way.step(diffusion, corrected, noised.target, move)
        assert all(torch.isfinite(x).all() for x in (noised.target, moved["theta"]))
        if centred == "noise":
            torch.testing.assert_close(moved["theta"], noised.state["theta"])


@pytest.mark.parametrize("t", [0.5, 0.8, 0.9])
def test_the_true_target_gives_the_data_back(t):
    """Tweedie's formula, exact as long as the noise does not wrap: here the widest is a twentieth of the cell."""
    data = torch.rand(MANY, 1, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noised = process().corrupt(data, times(t), ONE_ATOM, Noise.of(1, torch.arange(MANY)))
    guess = process().endpoint(noised.state, noised.target, times(t), ONE_ATOM)
    assert wrap(TAU * (guess - data)).abs().max() < 1e-4
