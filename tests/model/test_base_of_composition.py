"""A flow may begin at a distribution that knows the composition: in training and in sampling, where it is given."""

from __future__ import annotations

import pytest
import torch

from nucleate.codecs.lattice import lattice_codec
from nucleate.codecs.species import species_codec
from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.fixed import Fixed
from nucleate.processes.interpolant import Interpolant, InterpolantSettings
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.sampling.settings import SamplerSettings

CODEC = lattice_codec("log-lengths", standardise=False)


class Still(Denoiser):
    """Nothing moves: what a flow needs whose prior is its data already."""

    def __init__(self, widths: dict[str, int]) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))
        self.widths = widths

    def forward(self, inputs, t, mask):
        shapes = {name: mask.shape if name != "lattice" else mask.shape[:1] for name in self.widths}
        return {name: self.nothing * torch.ones(*shapes[name], self.widths[name]) for name in shapes}


def cubes(species: torch.Tensor) -> torch.Tensor:
    """Cells whose edge in Å is a tenth of the sum of the atomic numbers."""
    edges = 0.1 * species.sum(1).float()
    return edges[:, None, None] * torch.eye(3)


def of_composition(species: torch.Tensor):
    return lambda mask, noise: CODEC.encode(cubes(species), mask.sum(1))


def model(species: str = "given") -> CrystalModel:
    cell = Interpolant(
        InterpolantSettings(), "lattice", CODEC.width, "cell", "euclidean", base_of=of_composition
    )
    codec = species_codec("onehot" if species == "onehot" else "numbers")
    atoms = Fixed() if species == "given" else Interpolant(
        InterpolantSettings(), "species", codec.width, "atom", "euclidean"
    )  # fmt: skip
    processes = {"species": atoms, "frac": Interpolant(InterpolantSettings()), "lattice": cell}
    widths = {name: process.target_width for name, process in processes.items() if process.target_width}
    return CrystalModel(processes, CODEC, Still(widths), species_codec=codec)


@pytest.fixture
def crystals() -> Crystals:
    species = torch.tensor([[11, 17, 0], [38, 22, 8]])
    mask = species > 0
    return Crystals(species, torch.rand(2, 3, 3) * mask.unsqueeze(-1), cubes(species), mask)


def test_in_training_the_path_begins_at_the_base(crystals):
    """Where the base is the cell of the data, nothing is left to be learned of it."""
    noise, t = Noise.of(0, torch.arange(2)), torch.tensor([0.2, 0.7])
    losses = model().loss(crystals, t, noise)
    assert losses["lattice"].abs().max() < 1e-9
    assert losses["frac"].min() > 1e-3


def test_in_sampling_the_path_begins_at_the_base(crystals):
    given = Given.composition(crystals.species, crystals.mask)
    settings = SamplerSettings("ode", steps=3)
    drawn = sample(model(), crystals.mask, settings, Noise.of(0, torch.arange(2)), given)
    torch.testing.assert_close(drawn.lattice, crystals.lattice, rtol=1e-4, atol=1e-4)


def test_a_model_that_draws_species_is_told_no_composition_at_the_start(crystals):
    """It has none when it draws, and so it must have none in training."""
    losses = model("onehot").loss(crystals, torch.tensor([0.2, 0.7]), Noise.of(0, torch.arange(2)))
    assert losses["lattice"].min() > 1e-3
