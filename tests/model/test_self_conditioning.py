"""Self-conditioning: what the network is shown, when, and what it costs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nucleate.codecs.lattice import lattice_codec
from nucleate.crystals import mask_of
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.self_conditioning import shown_by, with_guess
from nucleate.networks.base import Denoiser, Shown
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.sampling.settings import SamplerSettings
from tests.training.tiny import SHRINK, random_table

MASK = torch.tensor([[True, True, True], [True, True, False]])


def inputs_for(velocity: bool = True) -> dict[str, Tensor]:
    found = {
        "frac": torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(1)) * MASK.unsqueeze(-1),
        "lattice": torch.ones(2, 6),
        "species": torch.tensor([[3, 8, 26], [3, 3, 0]]),
    }
    return found | ({"velocity": torch.ones(2, 3, 3)} if velocity else {})


def test_without_a_guess_the_network_sees_zeros():
    shown = with_guess(inputs_for(), None, MASK)
    assert shown["velocity"].shape == (2, 3, 6)
    assert (shown["velocity"][..., 3:] == 0).all()
    assert torch.equal(shown["lattice"], torch.cat([torch.ones(2, 6), torch.zeros(2, 6)], -1))
    assert torch.equal(shown["species"], inputs_for()["species"])


@pytest.mark.parametrize("velocity", [True, False])
def test_the_displacement_to_the_guess_is_the_shortest_and_mean_free(velocity):
    inputs = inputs_for(velocity)
    first = [[0.3, -0.2, 0.1], [-0.1, 0.2, 0.0], [0.1, 0.0, -0.1]]
    second = [[0.2, 0.0, 0.0], [0.0, 0.1, 0.0], [9.0, 9.0, 9.0]]  # The last one is padding.
    move = torch.tensor([first, second])
    guess = {"frac": torch.remainder(inputs["frac"] + move, 1), "lattice": torch.full((2, 6), 3.0)}
    shown = with_guess(inputs, guess, MASK)["velocity"][..., -3:]
    mean = torch.stack([move[0].mean(0), move[1, :2].mean(0)])
    expected = (move - mean[:, None]) * MASK.unsqueeze(-1)
    torch.testing.assert_close(shown, expected, atol=1e-5, rtol=0)


def test_a_guess_can_be_hidden_from_some_crystals():
    guess = {"lattice": torch.full((2, 6), 3.0), "shown": torch.tensor([[True], [False]])}
    shown = with_guess(inputs_for(), guess, MASK)["lattice"][:, 6:]
    assert shown.tolist() == [[3.0] * 6, [0.0] * 6]


def test_widths_are_those_of_what_is_shown():
    inputs = inputs_for(velocity=False)
    assert shown_by(inputs, False) == Shown(6, 0, 0)
    shown = with_guess(inputs, None, MASK)
    found = shown_by(inputs, True)
    assert found == Shown(12, 0, 3)
    assert found.lattice == shown["lattice"].shape[-1]
    assert found.velocity == shown["velocity"].shape[-1]


class Listens(Denoiser):
    """Records the guess of the lattice that it is shown, and always says 1."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[float] = []

    def forward(self, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
        self.heard.append(float(inputs["lattice"][0, 6]))
        return {"frac": torch.zeros(*mask.shape, 3), "lattice": torch.ones(len(mask), 6)}


@pytest.mark.parametrize(("method", "nfe"), [("ode", 4), ("heun", 7), ("multistep", 4), ("pc", 8)])
def test_a_sampler_shows_the_last_guess(method, nfe):
    """With x0 predicted the guess is the answer itself: nothing at first, 1 from then on."""
    network = Listens()
    processes = {
        "species": Fixed(),
        "frac": Interpolant(InterpolantSettings()),
        "lattice": Gaussian(GaussianSettings()),
    }
    codec = lattice_codec("log-lengths", standardise=False)
    model = CrystalModel(processes, codec, network, self_conditioning=True)
    mask = mask_of(torch.tensor([2]))
    given = Given.composition(torch.tensor([[3, 8]]), mask)
    sample(model, mask, SamplerSettings(method, steps=4), Noise.of(0, torch.arange(1)), given)
    assert network.heard == [0.0] + [1.0] * (nfe - 1)


@pytest.mark.parametrize("name", ["kldm-csp-tiny", "diffcsp-dng-tiny", "flowmm-dng-tiny", "omatg-dng-tiny"])
def test_any_recipe_can_be_trained_with_it(name):
    """The guess reaches the loss: half of the crystals see one, and those differ from the loss without."""
    shrunk = [*SHRINK, "self_conditioning=true"]
    model, batch = get_recipe(name, shrunk).build(), random_table([2, 3, 4, 5] * 4).batch(list(range(16)))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    t, noise = torch.full((16,), 0.6), Noise.of(0, torch.arange(16))
    losses = model.loss(batch, t, noise)
    assert model.evaluations == 2
    model._earlier_guess = lambda *_: None
    without = model.loss(batch, t, Noise.of(0, torch.arange(16)))
    differs = (losses["lattice"] - without["lattice"]).abs() > 1e-6
    assert 2 <= int(differs.sum()) <= 14
    sum(loss.sum() for loss in losses.values()).backward()
    assert all(
        p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters() if p.requires_grad
    )
