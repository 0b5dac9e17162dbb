"""Consistency under a renaming of the cell's axes: what is permuted, and that a network that commutes costs nothing."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from nucleate.codecs.lattice import lattice_codec
from nucleate.crystals import Crystals
from nucleate.geometry.lattice import cell_from_parameters
from nucleate.geometry.noise import Noise
from nucleate.model.axes import ORDERS, disagreement, permuted, random_orders
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.fixed import Fixed
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.wrapped_normal import WrappedNormal, WrappedNormalSettings
from nucleate.recipes.registry import get_recipe
from tests.training.tiny import SHRINK, random_table

MASK = torch.tensor([[True, True, True], [True, True, False]])
CYCLE = torch.tensor([[1, 2, 0], [1, 2, 0]])
CELLS = cell_from_parameters(
    torch.tensor([[3.0, 4.0, 5.0], [4.0, 4.5, 6.0]]),
    torch.deg2rad(torch.tensor([[80.0, 95.0, 100.0], [90.0, 85.0, 110.0]])),
)
SIZES = MASK.sum(1)


def test_every_other_order_is_drawn():
    drawn = random_orders(Noise.of(0, torch.arange(5000)))
    counts = Counter(tuple(row) for row in drawn.tolist())
    assert set(counts) == set(ORDERS)
    assert len(ORDERS) == 5
    assert min(counts.values()) > 5000 / 5 * 0.85


@pytest.mark.parametrize("name", ["log-lengths", "logit-angles", "matrix"])
def test_inputs_are_those_of_the_crystal_with_renamed_axes(name):
    codec = lattice_codec(name, standardise=False)
    frac = torch.rand(2, 3, 3, generator=torch.Generator().manual_seed(0))
    inputs = {
        "frac": frac,
        "velocity": torch.cat([frac, -frac], -1),
        "lattice": codec.encode(CELLS, SIZES),
        "species": torch.tensor([[3, 8, 26], [3, 3, 0]]),
    }
    moved = permuted(inputs, CYCLE, codec)
    turned = codec.encode(CELLS[:, [1, 2, 0]], SIZES)
    assert torch.equal(moved["frac"], frac[..., [1, 2, 0]])
    assert torch.equal(moved["velocity"], inputs["velocity"][..., [1, 2, 0, 4, 5, 3]])
    assert torch.equal(moved["species"], inputs["species"])
    if name == "matrix":
        # The rows are permuted and not turned back to the standard orientation: the same lengths and angles.
        rows, expected = (x.reshape(2, 3, 3) for x in (moved["lattice"], turned))
        torch.testing.assert_close(rows @ rows.mT, expected @ expected.mT)
    else:
        torch.testing.assert_close(moved["lattice"], turned)


def test_three_cyclic_renamings_change_nothing():
    codec = lattice_codec("log-lengths", standardise=False)
    inputs = {"frac": torch.rand(2, 3, 3), "lattice": codec.encode(CELLS, SIZES)}
    moved = inputs
    for _ in range(3):
        moved = permuted(moved, CYCLE, codec)
    for key, value in inputs.items():
        torch.testing.assert_close(moved[key], value)


def test_disagreement_is_the_mean_square_over_real_atoms():
    one = {"frac": torch.zeros(2, 3, 3), "lattice": torch.zeros(2, 6)}
    other = {"frac": torch.ones(2, 3, 3), "lattice": torch.full((2, 6), 2.0)}
    other["frac"][1, 2] = 100.0  # Padding.
    assert disagreement(one, other, MASK).tolist() == [1 + 4, 1 + 4]


class Commutes(Denoiser):
    """Answers that follow any renaming of the axes."""

    def forward(self, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
        return {"frac": inputs["frac"].sin(), "lattice": 2 * inputs["lattice"]}


class PrefersA(Denoiser):
    """Answers that know which axis is called a."""

    def forward(self, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
        return {"frac": inputs["frac"] * torch.tensor([1.0, 0.0, 0.0]), "lattice": inputs["lattice"]}


@pytest.mark.parametrize(("network", "costs"), [(Commutes(), False), (PrefersA(), True)])
def test_only_a_network_that_knows_the_axes_has_a_loss(network, costs):
    processes = {
        "species": Fixed(),
        "frac": WrappedNormal(WrappedNormalSettings()),
        "lattice": Gaussian(GaussianSettings()),
    }
    codec = lattice_codec("log-lengths", standardise=False)
    model = CrystalModel(processes, codec, network, {"axes": 1.0})
    crystals = Crystals(
        torch.tensor([[3, 8, 26], [3, 3, 0]]), torch.rand(2, 3, 3) * MASK.unsqueeze(-1), CELLS, MASK
    )
    losses = model.loss(crystals, torch.tensor([0.4, 0.7]), Noise.of(0, torch.arange(2)))
    assert model.evaluations == 2
    # One of the five orders swaps b and c alone.
    assert bool((losses["axes"] > 1e-3).any()) == costs
    if not costs:
        assert losses["axes"].abs().max() < 1e-8


def test_the_loss_is_left_out_without_a_weight():
    recipe = get_recipe("equicsp-csp-tiny", [*SHRINK, "loss_weights.axes=0"])
    model, batch = recipe.build(), random_table([2, 3, 4]).batch([0, 1, 2])
    losses = model.loss(batch, torch.full((3,), 0.5), Noise.of(0, torch.arange(3)))
    assert set(losses) == {"frac", "lattice"}
    assert model.evaluations == 1
