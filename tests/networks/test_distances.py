"""Distances as features: the nearest images by brute force, the gate, and what a network must not see."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from nucleate.codecs.lattice import lattice_codec
from nucleate.model.axes import permuted
from nucleate.networks.distances import CENTRES, FARTHEST, DistanceFeatures, nearest, spacing
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from tests.networks.test_networks import HEADS, batch

CELL = torch.stack([
    torch.tensor([[4.0, 0.0, 0.0], [1.0, 3.5, 0.0], [-0.8, 0.6, 5.0]]), torch.diag(torch.tensor([6.0, 2.0, 9.0])),
])  # fmt: skip


def net() -> TorusTransformer:
    torch.manual_seed(1)
    found = TorusTransformer(TorusTransformerSettings(48, 2, 4, 16, 8, 16, distances=True), HEADS)
    with torch.no_grad():
        for weight in (*found.heads.parameters(), found.distances.read.weight):
            weight.copy_(0.3 * torch.randn_like(weight))
    return found


def inputs(sizes: list[int]) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    given, t, mask = batch(sizes)
    return {**given, "cell": CELL[torch.arange(len(sizes)) % 2]}, t, mask


def test_nearest_images_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    frac = rng.random((2, 5, 3))
    found = nearest(torch.tensor(frac), CELL.double(), DistanceFeatures(4, 4).images)
    for b, i, j in product(range(2), range(5), range(5)):
        lengths = [
            float(np.linalg.norm((frac[b, j] - frac[b, i] + np.array(shift)) @ CELL[b].double().numpy()))
            for shift in product(range(-3, 4), repeat=3)
        ]
        expected = sorted(lengths)[1 if i == j else 0]
        assert found[b, i, j].item() == pytest.approx(expected, abs=1e-6)


def test_spacing_is_the_root_of_the_volume_of_an_atom() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    expected = [(4 * 3.5 * 5 / 2) ** (1 / 3), 108 ** (1 / 3)]
    assert spacing(CELL, mask).tolist() == pytest.approx(expected, rel=1e-6)
    assert spacing(torch.zeros(2, 3, 3), mask).isfinite().all()


def test_features_peak_at_their_centres_and_a_closed_gate_hides_them() -> None:
    features = DistanceFeatures(4, CENTRES)
    edge = FARTHEST / (CENTRES - 1) * 4  # one atom in a cube of this edge is one spacing from its image
    with torch.no_grad():
        features.read.weight.copy_(torch.eye(CENTRES))
        features.gate.weight.zero_()
        features.gate.bias.fill_(40.0)
        cube, mask = edge * torch.eye(3)[None], torch.ones(1, 1, dtype=torch.bool)
        arguments = torch.zeros(1, 1, 3), cube, mask, torch.zeros(1, 4)
        found = features(*arguments).flatten()
        assert found.argmax().item() == round((CENTRES - 1) / FARTHEST)
        assert found.max().item() == pytest.approx(1, abs=1e-5)
        features.gate.bias.fill_(-40.0)
        assert features(*arguments).abs().max() < 1e-10


def test_rotations_translations_and_renamed_images_change_nothing() -> None:
    network, (given, t, mask) = net(), inputs([7, 3])
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(2)))[0]
    shift = torch.tensor([0.3, -0.7, 2.0])
    other = {
        **given,
        "cell": given["cell"] @ turn,
        "frac": given["frac"] + shift + torch.tensor([1.0, 0.0, -2.0]),
    }
    one, two = network(given, t, mask), network(other, t, mask)
    real = mask.unsqueeze(-1)
    torch.testing.assert_close(one["frac"] * real, two["frac"] * real, atol=2e-4, rtol=0)
    torch.testing.assert_close(one["lattice"], two["lattice"], atol=2e-4, rtol=0)


def test_the_cell_matters_and_padding_does_not() -> None:
    network, (given, t, mask) = net(), inputs([7, 3])
    stretched = {**given, "cell": given["cell"] * torch.tensor([1.0, 1.0, 1.4])}
    assert (network(given, t, mask)["lattice"] - network(stretched, t, mask)["lattice"]).abs().max() > 1e-4
    alone = {
        name: x[1:, :3] if name in ("frac", "velocity", "species") else x[1:] for name, x in given.items()
    }
    torch.testing.assert_close(
        network(given, t, mask)["frac"][1, :3],
        network(alone, t[1:], mask[1:, :3])["frac"][0],
        atol=2e-5,
        rtol=0,
    )


def test_axes_of_the_cell_are_permuted_with_the_others() -> None:
    order = torch.tensor([[2, 0, 1]])
    codec = lattice_codec("polar", standardise=False)
    moved = permuted({"cell": CELL[:1], "frac": torch.tensor([[[0.1, 0.2, 0.3]]])}, order, codec)
    torch.testing.assert_close(moved["frac"] @ moved["cell"], torch.tensor([[[0.1, 0.2, 0.3]]]) @ CELL[:1])
