"""Orders by orbits: what stays together, what comes first, what is random, and that a crystal stays itself."""

from __future__ import annotations

import pytest
import torch

from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.model.order import Orbits, drawn_order, ordered
from nucleate.recipes.registry import get_recipe
from tests.models import SHRINK

SPECIES = torch.tensor([[22, 8, 8, 8, 8, 8, 0]])
ORBITS = torch.tensor([[0, 1, 2, 2, 1, 5, 0]])
"""Oxygen has two orbits of two atoms and one of one. The padding's number means nothing."""
FRAC = torch.arange(21).reshape(1, 7, 3) / 100 * (SPECIES > 0).unsqueeze(-1)
MANY = 4000


def by_orbits(crystals: Crystals, orbits: Orbits, noise: Noise) -> Crystals:
    return ordered(crystals, drawn_order(crystals, orbits, noise))


def drawn() -> tuple[torch.Tensor, Crystals]:
    """The first places of oxygen atoms in many orders, by their numbers before. [draws, 5]"""
    crystals = Crystals(
        SPECIES.expand(MANY, -1), FRAC.expand(MANY, -1, -1), torch.eye(3).expand(MANY, 3, 3),
        (SPECIES > 0).expand(MANY, -1),
    )  # fmt: skip
    found = by_orbits(crystals, ORBITS.expand(MANY, -1), Noise.of(0, torch.arange(MANY)))
    numbers = (100 * found.frac[..., 0] / 3).round().long() - 1
    return numbers[found.species == 8].reshape(MANY, 5), found


def test_a_crystal_stays_itself() -> None:
    _, found = drawn()
    assert torch.equal(found.species > 0, found.mask)
    assert (found.frac[~found.mask] == 0).all()
    places = (100 * found.frac[..., 0] / 3).round().long()
    assert torch.equal(found.species, torch.where(found.mask, SPECIES[0][places], 0))
    assert torch.equal(places[found.mask].reshape(MANY, 6).sort(1).values, torch.arange(6).expand(MANY, 6))


def test_orbits_stand_together_and_the_larger_ones_first() -> None:
    oxygen, _ = drawn()
    orbit = ORBITS[0][oxygen + 1]
    assert (orbit[:, 4] == 5).all()
    assert (orbit[:, 0] == orbit[:, 1]).all()
    assert (orbit[:, 2] == orbit[:, 3]).all()


def test_elements_follow_each_other_by_atomic_number() -> None:
    _, found = drawn()
    assert (found.species == torch.tensor([8, 8, 8, 8, 8, 22, 0])).all()


def test_orbits_of_one_size_and_atoms_of_an_orbit_are_in_random_order() -> None:
    oxygen, _ = drawn()
    seen = {tuple(row) for row in oxygen.tolist()}
    assert len(seen) == 8
    first = torch.bincount(oxygen[:, 0], minlength=4)[:4] / MANY
    assert (first - 0.25).abs().max() < 5 * (0.25 * 0.75 / MANY) ** 0.5


def test_an_order_is_that_of_its_crystal_whatever_stands_beside_it() -> None:
    _, all_of_them = drawn()
    one = Crystals(SPECIES, FRAC, torch.eye(3)[None], SPECIES > 0)
    alone = by_orbits(one, ORBITS, Noise.of(0, torch.tensor([17])))
    assert torch.equal(alone.frac[0], all_of_them.frac[17])


@pytest.mark.parametrize("index", [False, True])
def test_a_loss_depends_on_the_order_only_through_an_index(index: bool) -> None:
    """With the same noise for each place the order changes who gets which, so targets are compared at t = 1."""
    model = get_recipe("kldm-csp-tiny", [*SHRINK, f"torus_transformer.index={str(index).lower()}"]).build()
    for head in model.network.heads.values():
        torch.nn.init.normal_(head[2].weight, std=0.3, generator=torch.Generator().manual_seed(1))
    inputs = {
        "species": SPECIES,
        "frac": FRAC,
        "lattice": torch.zeros(1, 6),
        "velocity": torch.zeros(1, 7, 3),
    }
    order = torch.tensor([0, 2, 1, 3, 4, 5, 6])
    moved = {name: x[:, order] if name != "lattice" else x for name, x in inputs.items()}
    t, mask = torch.tensor([0.9]), SPECIES > 0
    if index:
        torch.nn.init.normal_(model.network.index.rank_vectors.weight)
    one, other = (model.network(x, t, mask)["frac"] for x in (inputs, moved))
    assert torch.allclose(one[:, order], other, atol=1e-5) is not index
