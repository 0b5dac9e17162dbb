"""A split with orbits: found once, kept, and used by a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.data.table import CrystalTable
from nucleate.errors import RecipeError
from nucleate.model.crystal_model import CrystalModel
from nucleate.recipes.registry import get_recipe
from nucleate.runs.train import _orbits
from nucleate.training import orbit_split
from nucleate.training.orbit_split import Found, orbit_examples, orbits_of
from nucleate.training.settings import TrainingSettings
from tests.training.test_symmetric_split import Rank
from tests.training.tiny import SHRINK, losses, mixed_sizes, random_table, train, write_dataset


def rutile_and_more() -> CrystalTable:
    """TiO2: two titanium atoms at 2a, four oxygen atoms at 4f; one atom; two different atoms far from symmetric."""
    u, table = 0.305, random_table([6, 1, 2])
    frac = [
        [0, 0, 0],
        [0.5, 0.5, 0.5],
        [u, u, 0],
        [1 - u, 1 - u, 0],
        [0.5 + u, 0.5 - u, 0.5],
        [0.5 - u, 0.5 + u, 0.5],
    ]
    lattice = table.lattice.copy()
    lattice[0] = np.diag([4.59, 4.59, 2.96])
    species = np.array([22, 22, 8, 8, 8, 8, 26, 3, 8])
    return replace(table, species=species, frac=np.concatenate([frac, table.frac[6:]]), lattice=lattice)


def test_orbits_of_rutile(tmp_path: Path) -> None:
    found = orbits_of(rutile_and_more(), tmp_path / "orbits.npz")
    assert found.orbits.tolist() == [0, 0, 2, 2, 2, 2, 0, 0, 1]
    assert found.groups.tolist() == [136, 2, 1]


def test_a_file_of_another_split_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, table = tmp_path / "orbits.npz", rutile_and_more()
    orbits_of(replace(table, ids=["a", "b", "c"]), file)
    assert orbits_of(table, file).orbits.tolist() == [0, 0, 2, 2, 2, 2, 0, 0, 1]
    monkeypatch.setattr(orbit_split, "_symmetry", None)
    assert orbits_of(table, file).orbits[2] == 2
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(TypeError):  # a broken file is found anew
        orbits_of(table, file)


def test_a_file_without_groups_is_found_anew(tmp_path: Path) -> None:
    file, table = tmp_path / "orbits.npz", rutile_and_more()
    np.savez_compressed(file, orbits=np.zeros(9, dtype=np.int16), ids=np.array(table.ids))
    assert orbits_of(table, file).groups.tolist() == [136, 2, 1]
    assert orbits_of(table, file, write=False).orbits.tolist() == [0, 0, 2, 2, 2, 2, 0, 0, 1]


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    file = tmp_path / "orbits.npz"
    assert _orbits(Rank(1), rutile_and_more(), file).orbits[2] == 2
    assert not file.exists()
    _orbits(Rank(0), rutile_and_more(), file)
    assert file.exists()


def test_batches_say_the_orbits_of_their_atoms() -> None:
    model = get_recipe("kldm-csp-tiny", list(SHRINK)).build()
    assert isinstance(model, CrystalModel)
    found = Found(np.array([0, 0, 2, 2, 2, 2, 0, 0, 1]), np.array([136, 221, 1]))
    batch = orbit_examples(model, rutile_and_more(), found, torch.device("cpu")).tensors(
        torch.tensor([2, 0]), 6
    )
    assert batch["orbits"] is not None
    assert batch["mask"] is not None
    assert batch["orbits"][batch["mask"]].tolist() == [0, 1, 0, 0, 2, 2, 2, 2]
    assert batch["group"] is not None
    assert batch["group"].tolist() == [1, 136]


def test_a_run_trains_on_orders_by_orbits(tmp_path: Path) -> None:
    data = write_dataset(
        tmp_path / "data", train=random_table(mixed_sizes(40)), val=random_table(mixed_sizes(9, 1), 1)
    )
    sets = ("torus_transformer.index=true", "training.order=orbits")
    said: list[str] = []
    train(data, tmp_path / "whole", *sets, epochs=4, tell=said.append)
    assert said[0] == "finding the symmetry of 49 crystals, once for this run: about 2 ms each"
    said.clear()
    train(data, tmp_path / "whole", *sets, epochs=4, tell=said.append, resume=True)
    assert not [text for text in said if text.startswith("finding")]
    assert (tmp_path / "whole" / "orbits-train.npz").exists()
    train(data, tmp_path / "plain", "torus_transformer.index=true", epochs=4)
    one, other = (losses(tmp_path / name)[-1] for name in ("whole", "plain"))
    assert one["val/frac"] != other["val/frac"]


def test_symmetry_and_orders_are_not_combined() -> None:
    with pytest.raises(RecipeError, match="changes it"):
        TrainingSettings(symmetry=True, order="orbits")


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(RecipeError, match="is for models of crystals"):
        orbit_split.in_order(get_recipe("crystal-gan").build())
