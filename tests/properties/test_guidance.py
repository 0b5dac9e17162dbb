"""Guidance by gradients: exact on a toy whose answer is known, nothing at weight 0, and every process by its score."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal

from nucleate.codecs.lattice import LogLengthsTanAngles
from nucleate.crystals import mask_of
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.properties.guidance import GradientSettings, guided, slope
from nucleate.properties.objectives import Along, Towards
from nucleate.properties.soft import SoftCrystals
from nucleate.properties.views import expected, leaves_of, seen
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings
from tests.processes.exact import normal_oracle
from tests.properties.small import fitted, labelled_table

WIDTH, CRYSTALS, STRENGTH = 0.4, 1000, 2.0
MASK = torch.ones(CRYSTALS, 1, dtype=torch.bool)
IRON = Given.composition(torch.full((CRYSTALS, 1), 26), MASK)


class Cells(CrystalModel):
    """One atom in a cell whose six numbers are normal with the standard deviation WIDTH; the answer is exact."""

    def __init__(self) -> None:
        process = Gaussian(GaussianSettings())
        processes = {"species": Fixed(), "frac": Kinetic(KineticSettings()), "lattice": process}
        super().__init__(processes, LogLengthsTanAngles(standardise=False), Denoiser())
        self.oracle = normal_oracle(process, WIDTH)

    def denoise(self, states, t, mask, guess=None, condition=None):
        self.evaluations += 1
        inputs = self.processes["lattice"].inputs(states["lattice"], t)
        return {
            "frac": torch.zeros_like(states["frac"]["theta"]),
            "lattice": self.oracle(inputs, t, mask),
        }


def log_length(soft: SoftCrystals, t: torch.Tensor) -> torch.Tensor:
    """STRENGTH times the logarithm of the first length; of a state what its clean cell is expected to have."""
    alpha, sigma = Gaussian(GaussianSettings()).alpha_sigma(t)
    shrunk = alpha * WIDTH**2 / (alpha**2 * WIDTH**2 + sigma**2)
    return STRENGTH * shrunk * soft.lattice[:, 0].norm(dim=-1).log()


def drawn(settings: GradientSettings, method: str = "ode", objective=log_length) -> torch.Tensor:
    model, noise = Cells(), Noise.of(0, torch.arange(CRYSTALS))
    guidance = guided(model, MASK, objective, settings)
    *_, (_, states) = trajectory(
        model, MASK, SamplerSettings(method, steps=80), noise, IRON, guidance=guidance
    )
    return states["lattice"]["x"]


@pytest.mark.parametrize("on", ["state", "endpoint"])
@pytest.mark.parametrize("method", ["em", "ode"])
def test_a_linear_property_moves_the_mean_by_weight_times_the_variance(on, method):
    """N(0, s^2) exp(k x) is N(k s^2, s^2); the other five numbers of the cell stay as they were."""
    for weight in (1.0, 0.5):
        x = drawn(GradientSettings(weight=weight, on=on, clip=None), method)
        assert x[:, 0].mean().item() == pytest.approx(weight * STRENGTH * WIDTH**2, abs=0.03)
        # As wide as the other five, which are not steered.
        assert x[:, 0].std().item() == pytest.approx(x[:, 1:].std().item(), abs=0.03)
        assert x[:, 1:].mean().abs().item() < 0.03


def test_weight_0_and_no_time_are_no_guidance_bit_for_bit():
    noise = Noise.of(0, torch.arange(CRYSTALS))
    *_, (_, plain) = trajectory(Cells(), MASK, SamplerSettings("em", steps=80), noise, IRON)
    assert torch.equal(drawn(GradientSettings(weight=0.0), "em"), plain["lattice"]["x"])
    late = GradientSettings(start=0.9999999, stop=1.0)
    assert torch.equal(drawn(late, "em"), plain["lattice"]["x"])
    assert not torch.equal(drawn(GradientSettings(), "em"), plain["lattice"]["x"])


def test_a_change_is_limited_relative_to_the_answer():
    model, t = Cells(), torch.full((CRYSTALS,), 0.5)
    states = {
        name: process.prior(MASK, Noise.of(1, torch.arange(CRYSTALS)))
        for name, process in model.processes.items()
    }
    own = model.denoise(states, t, MASK)

    def ask(others, when):
        return model.denoise(others, when, MASK)

    def size(clip: float | None) -> torch.Tensor:
        settings = GradientSettings(weight=1000.0, clip=clip)
        changed = guided(model, MASK, log_length, settings)(own, states, t, ask)
        return (changed["lattice"] - own["lattice"]).norm(dim=1) / own["lattice"].norm(dim=1)

    torch.testing.assert_close(size(0.3), torch.full((CRYSTALS,), 0.3))
    assert (size(None) > 1).all()


def processes() -> dict[str, tuple]:
    """Each with a way to read the score off its prediction."""
    kinetic = [Kinetic(KineticSettings()), Kinetic(KineticSettings(parametrisation="direct"))]
    gaussian = [Gaussian(GaussianSettings(predicts=kind)) for kind in ("x0", "epsilon")]

    def gaussian_score(process, state, prediction, t, mask):
        alpha, sigma = (c.unsqueeze(1) for c in process.alpha_sigma(t))
        return (alpha * process.endpoint(state, prediction, t, mask) - state["x"]) / sigma**2

    def wrapped_score(process, state, prediction, t, mask):
        return -process.pull(prediction, t, mask)

    return {
        **{
            f"kinetic-{i}": (p, "velocity", lambda p, s, x, t, m: p.score(s, x, t, m))
            for i, p in enumerate(kinetic)
        },
        **{f"gaussian-{i}": (p, "x", gaussian_score) for i, p in enumerate(gaussian)},
        "wrapped": (WrappedNormal(WrappedNormalSettings()), "theta", wrapped_score),
    }


@pytest.mark.parametrize("name", list(processes()))
def test_a_gradient_is_added_to_the_score(name):
    process, part, score = processes()[name]
    mask, t = mask_of(torch.tensor([3, 2])), torch.tensor([0.3, 0.7])
    state = process.prior(mask, Noise.of(0, torch.arange(2)))
    generator = torch.Generator().manual_seed(0)
    gradient = {key: torch.randn(x.shape, generator=generator) for key, x in state.items()}
    if process.level == "atom":
        real = mask.unsqueeze(-1)
        for key, x in gradient.items():
            gradient[key] = (x - (x * real).sum(1, keepdim=True) / real.sum(1, keepdim=True)) * real
        shape = (2, 3, process.target_width)
    else:
        shape = (2, process.target_width)
    prediction = torch.randn(shape, generator=generator)
    before = score(process, state, prediction, t, mask)
    after = score(process, state, process.tilted(state, prediction, gradient, t, mask), t, mask)
    torch.testing.assert_close(after - before, gradient[part], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("gamma", ["none", "root"])
def test_an_interpolant_of_normal_data_is_tilted_as_bayes_says(gamma):
    """Data N(m, s^2): exp(k x1) makes them N(m + k s^2, s^2), whose exact velocity is known."""
    process = Interpolant(InterpolantSettings(gamma=gamma), "lattice", 1, "cell", "euclidean")
    t, x, k = torch.tensor([0.35]), torch.tensor([[0.8]]), 1.5
    (alpha, beta), (fall, rise) = process.path.ends(t), process.path.slopes(t)
    width = process.path.noise_width(t) if process.has_noise else torch.zeros(1)

    def exact(mean: float, s: float) -> torch.Tensor:
        total = alpha**2 + beta**2 * s**2 + width**2
        off = x[0] - beta * mean
        velocity = fall * alpha * off / total + rise * (mean + beta * s**2 * off / total)
        return torch.cat([velocity[None], (width * off / total)[None]][: 1 + process.has_noise], -1)

    mean, s = 0.3, 0.7
    # log E[exp(k x1) | x] = k E[x1 | x] + constant for normal laws.
    gradient = {"x": (k * beta * s**2 / (alpha**2 + beta**2 * s**2 + width**2)).reshape(1, 1)}
    mask = torch.ones(1, 1, dtype=torch.bool)
    found = process.tilted({"x": x}, exact(mean, s), gradient, t, mask)
    torch.testing.assert_close(found, exact(mean + k * s**2, s))


def test_logits_gain_what_showing_an_element_would_change():
    process, mask = Masked(MaskedSettings()), torch.ones(1, 2, dtype=torch.bool)
    gradient = torch.zeros(1, 2, 101)
    gradient[0, 0, 26], gradient[0, 0, 0] = 2.0, 0.5
    logits = torch.randn(1, 2, 100)
    found = process.tilted({"x": torch.zeros(1, 2).long()}, logits, {"x": gradient}, torch.ones(1), mask)
    assert found[0, 0, 25] - logits[0, 0, 25] == pytest.approx(1.5, abs=1e-5)
    assert found[0, 0, 0] - logits[0, 0, 0] == pytest.approx(-0.5, abs=1e-5)
    assert torch.equal(found[0, 1], logits[0, 1])


KINDS = ("kldm-csp-tiny", "kldm-dng-masked-small", "kldm-dng-bits-small", "kldm-dng-onehot-small",
         "diffcsp-dng-tiny", "flowmm-dng-tiny", "omatg-dng-tiny")  # fmt: skip
SHRINK = ("torus_transformer.width=16", "torus_transformer.layers=1", "torus_transformer.heads=2",
          "torus_transformer.pair_width=8", "torus_transformer.frequencies=3")  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("on", ["state", "endpoint"])
def test_every_kind_of_model_is_steered(name, on):
    """With random weights: every quantity that is predicted gets a finite change."""
    model = get_recipe(name, list(SHRINK)).build().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3, generator=generator)
    mask, t = mask_of(torch.tensor([3, 2])), torch.tensor([0.6, 0.6])
    noise = Noise.of(0, torch.arange(2))
    states = {key: process.prior(mask, noise) for key, process in model.processes.items()}
    if name.startswith("kldm-csp"):
        states["species"]["x"] = torch.tensor([[26, 8, 8], [3, 8, 0]])

    def ask(others, when):
        return model.denoise(others, when, mask)

    with torch.no_grad():
        own = ask(states, t)
        steer = guided(model, mask, Along(fitted()), GradientSettings(weight=1.0, on=on, clip=None))
        changed = steer(own, states, t, ask)
    for key, prediction in own.items():
        change = changed[key] - prediction
        assert change.isfinite().all(), key
        assert change.abs().max() > 0, key


def test_the_slope_is_that_of_the_objective():
    """By finite differences of the objective at the states themselves."""
    model = get_recipe("kldm-csp-tiny", list(SHRINK)).build().eval()
    mask, t = mask_of(torch.tensor([3, 2])), torch.full((2,), 0.7)
    states = {key: one.prior(mask, Noise.of(0, torch.arange(2))) for key, one in model.processes.items()}
    states["species"]["x"] = torch.tensor([[26, 8, 8], [3, 8, 0]])
    objective = Towards(fitted(), 3.0)
    found = slope(model, mask, objective, "state", states, t, lambda others, when: {})

    def value(part: str, moved: torch.Tensor) -> float:
        others = {**states, "frac": {**states["frac"], part: moved}}
        return float(objective(seen(model, leaves_of(others, mask), t, mask), t).sum().detach())

    for part in ("theta", "velocity"):
        x = states["frac"][part]
        way = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)) * mask.unsqueeze(-1)
        ends = [value(part, x + sign * 1e-2 * way) for sign in (1, -1)]
        assert float((found["frac"][part] * way).sum()) == pytest.approx(
            (ends[0] - ends[1]) / 2e-2, rel=0.05, abs=5e-3
        )


def test_objectives():
    model = fitted()
    batch = labelled_table(6).batch(list(range(6)))
    soft, t = SoftCrystals.of(batch), torch.ones(6)
    said = model.members(soft, t)
    mean, spread, error = said.mean(1), said.std(1, correction=0), model.error
    torch.testing.assert_close(Along(model)(soft, t), mean / error)
    torch.testing.assert_close(Along(model, -1.0)(soft, t), -mean / error)
    torch.testing.assert_close(
        Along(model, 1.0, 2.0)(soft, t), (mean - 2 * spread) / error, rtol=1e-4, atol=1e-4
    )
    expected_log = Normal(mean, error).log_prob(torch.tensor(3.0))
    found = Towards(model, 3.0)(soft, t)
    torch.testing.assert_close(found - found[0], expected_log - expected_log[0])


def test_an_expected_crystal_is_that_of_the_model():
    """As `CrystalModel.decode` makes of the endpoints, for clean data of every representation."""
    model = get_recipe("kldm-dng-bits-small", list(SHRINK)).build().eval()
    batch = labelled_table(3).batch([0, 1, 2])
    model.fit(labelled_table(50))
    channels, t = model.encode(batch), torch.full((3,), 0.5)
    states = {
        key: one.corrupt(channels[key], t, batch.mask, Noise.of(0, torch.arange(3))).state
        for key, one in model.processes.items()
    }
    predictions = {"species": channels["species"], "lattice": channels["lattice"],
                   "frac": torch.zeros(*batch.mask.shape, 3)}  # fmt: skip
    soft = expected(model, leaves_of(states, batch.mask), states, predictions, t, batch.mask)
    assert torch.equal(soft.species.argmax(-1), batch.species)
    assert soft.species.max(-1).values[batch.mask].min() > 0.9
    volume = torch.linalg.det(soft.lattice)
    torch.testing.assert_close(volume.abs(), torch.linalg.det(batch.lattice).abs(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight": -1.0}, "at least 0; got -1"),
        ({"clip": 0.0}, "clip = 0"),
        ({"start": 0.8, "stop": 0.2}, "from t = 0.8 to 0.2"),
    ],
)
def test_settings_that_can_t_be_meant(settings, words):
    with pytest.raises(RecipeError, match=words) as caught:
        GradientSettings(**settings)
    assert caught.value.hint
