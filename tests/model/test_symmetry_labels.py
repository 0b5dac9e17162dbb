"""Sites and space groups that a network is asked besides: labels in the new order, their loss, a run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.order import multiplicities
from nucleate.model.symmetry_labels import GROUPS, SITES, SymmetryLabels
from nucleate.recipes.registry import get_recipe
from nucleate.training.orbit_split import Found, orbit_examples
from tests.training.test_orbit_split import rutile_and_more
from tests.training.tiny import SHRINK, losses, mixed_sizes, random_table, train, write_dataset

ASKED = ("torus_transformer.index=true", "training.order=orbits", "loss_weights.symmetry=0.1")


def test_multiplicities_are_those_of_the_orbits() -> None:
    orbits = torch.tensor([[0, 0, 2, 2, 2, 2], [0, 1, 1, 0, 0, 0]])
    mask = torch.tensor([[True] * 6, [True] * 3 + [False] * 3])
    found = multiplicities(orbits, mask)
    assert found[0].tolist() == [2, 2, 4, 4, 4, 4]
    assert found[1, :3].tolist() == [1, 2, 2]


def test_the_loss_is_the_cross_entropy_of_both() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    answers = {"site": torch.randn(2, 2, SITES), "group": torch.randn(2, GROUPS)}
    labels = SymmetryLabels(torch.tensor([[2, 30], [1, 7]]), torch.tensor([136, 0]))
    found = labels.loss(answers, mask)
    site = answers["site"].log_softmax(-1)
    first = -(site[0, 0, 1] + site[0, 1, SITES - 1]) / 2 - answers["group"].log_softmax(-1)[0, 135]
    torch.testing.assert_close(found, torch.stack([first, -site[1, 0, 0]]))


def test_labels_follow_the_order_that_is_drawn() -> None:
    """An oracle that knows the multiplicity of each element in rutile is right for every order."""
    model, table = get_recipe("kldm-csp-tiny", [*SHRINK, *ASKED]).build(), rutile_and_more()
    assert isinstance(model, CrystalModel)
    model.fit(table)
    found = Found(np.array([0, 0, 2, 2, 2, 2, 0, 0, 1]), np.array([136, 2, 1]))
    tensors = orbit_examples(model, table, found, torch.device("cpu")).tensors(torch.zeros(8).long(), 6)
    seen: list[torch.Tensor] = []

    def oracle(
        inputs: dict[str, torch.Tensor], t: torch.Tensor, mask: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        seen.append(inputs["species"])
        site = torch.where(inputs["species"] == 22, 1, 3)
        group = torch.full((8,), 135)
        return {
            "frac": torch.zeros(8, 6, 3), "lattice": torch.zeros(8, 6),
            "site": 50.0 * torch.nn.functional.one_hot(site, SITES),
            "group": 50.0 * torch.nn.functional.one_hot(group, GROUPS),
        }  # fmt: skip

    model.network.forward = oracle
    answer = model(**tensors, **model.drawn(0, 0, 8), keys=Noise.of(0, torch.arange(8)).keys)
    assert answer["symmetry"].max() < 1e-6
    assert seen[0][0].tolist() == [8, 8, 8, 8, 22, 22]
    assert float(model.total(answer)[0]) == pytest.approx(
        float(answer["frac"][0] + 2 * answer["lattice"][0]), rel=1e-5
    )


def test_a_run_learns_them_and_its_model_draws(tmp_path: Path) -> None:
    data = write_dataset(
        tmp_path / "data", train=random_table(mixed_sizes(40)), val=random_table(mixed_sizes(9, 1), 1)
    )
    train(data, tmp_path / "run", *ASKED, epochs=4)
    row = losses(tmp_path / "run")[-1]
    assert 0 < row["val/symmetry"] < math.log(SITES) + math.log(GROUPS)


def test_without_orbits_they_are_refused() -> None:
    with pytest.raises(
        RecipeError, match=r"loss_weights.symmetry = 0.1 needs training.order = orbits"
    ) as found:
        get_recipe("kldm-csp-tiny", [*SHRINK, "loss_weights.symmetry=0.1"]).build()
    assert found.value.hint == "set training.order=orbits, or loss_weights.symmetry=0"
