"""Training crystals with other elements: what changes, how often, and that a run repeats itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import RecipeError
from nucleate.geometry.noise import Noise
from nucleate.prototypes.files import read_index
from nucleate.prototypes.shipped import INDEX
from nucleate.prototypes.volumes import Volumes
from nucleate.recipes.registry import get_recipe
from nucleate.runs.replacing import KNOWN, check_replacing, knowledge_of, with_replaced
from nucleate.streams import TRAINING
from nucleate.training.replaced import Knowledge
from tests.training.test_resume import killed_and_resumed
from tests.training.tiny import SHRINK, losses, mixed_sizes, random_table, train, write_dataset

CPU = torch.device("cpu")
ATOMS = 6


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return knowledge_of(tmp_path_factory.mktemp("known") / KNOWN)


@pytest.fixture(scope="module")
def shown(known: Knowledge):
    """Makes of a table all its crystals as they are, and as a step shows them with this share of replacements."""

    def batch(table: CrystalTable, share: float = 1.0, step: int = 0):
        rows = torch.arange(len(table))
        examples = with_replaced(Feed(table, CPU), share, known)
        tensors = examples.tensors(rows, ATOMS)
        return tensors, examples.varied(tensors, Noise.of(0, rows).at(TRAINING.step(step)).keys)

    return batch


def test_all_atoms_of_one_element_become_one_that_was_not_there(shown) -> None:
    table = random_table(mixed_sizes(300))
    table.species[table.species == 8] = 38  # oxygen's crystals rarely keep their structure without it
    plain, other = shown(table)
    for before, after in zip(plain["species"].tolist(), other["species"].tolist(), strict=True):
        changes = {(a, b) for a, b in zip(before, after, strict=True) if a != b}
        assert len(changes) == 1
        ((old, new),) = changes
        assert old > 0
        assert old not in after
        assert new not in before
    assert torch.equal(plain["frac"], other["frac"])
    assert torch.equal(plain["mask"], other["mask"])


def test_the_cell_keeps_its_form_and_gets_the_volume_of_its_elements(shown) -> None:
    plain, other = shown(random_table(mixed_sizes(50)))
    volumes = Volumes.of_index(read_index(INDEX).of_sources({"mp_20"}))
    for row in range(50):
        old, new = (Counter(each["species"][row][each["mask"][row]].tolist()) for each in (plain, other))
        ratio = volumes.of(new) / volumes.of(old)
        factor = other["lattice"][row] / plain["lattice"][row]
        np.testing.assert_allclose(factor.numpy(), ratio ** (1 / 3), rtol=1e-4)


def test_the_share_that_is_asked_for_by_the_step(shown) -> None:
    table = random_table(mixed_sizes(2000))
    table.species[table.species == 8] = 38
    plain, other = shown(table, 0.3)
    changed = (plain["species"] != other["species"]).any(1)
    assert changed.float().mean() == pytest.approx(0.3, abs=0.04)
    assert torch.equal(plain["lattice"][~changed], other["lattice"][~changed])
    assert torch.equal(shown(table, 0.3)[1]["species"], other["species"])
    assert not torch.equal(shown(table, 0.3, step=1)[1]["species"], other["species"])
    plain, other = shown(table, 0.0)
    assert torch.equal(plain["species"], other["species"])


def test_draws_follow_the_table() -> None:
    """Elements 3 and 8; 3 becomes 4 or 5, 8 nothing, by a table of their own."""
    table = random_table([2] * 4000)
    table.species[:] = np.tile([3, 8], 4000)
    chance, kept = np.zeros((101, 101)), np.zeros(101)
    chance[3, 4], chance[3, 5] = 0.25, 0.75
    chance[8, 3] = 1  # which is there already, so that such a draw changes nothing
    kept[3], kept[8] = 0.8, 0.2
    knowledge = Knowledge(chance, kept, np.ones((3, 101)), np.zeros(101), np.array(1.0))
    examples = with_replaced(Feed(table, CPU), 1.0, knowledge)
    rows = torch.arange(4000)
    species = examples.varied(examples.tensors(rows, 2), Noise.of(0, rows).keys)["species"]
    assert species is not None
    assert (species[:, 1] == 8).all()
    shares = [(species[:, 0] == z).float().mean().item() for z in (3, 4, 5)]
    assert shares == pytest.approx([0.2, 0.2, 0.6], abs=0.03)


def test_an_element_that_nothing_replaces_stays(shown) -> None:
    table = random_table([1, 1])
    table.species[:] = 100
    plain, other = shown(table)
    assert torch.equal(plain["species"], other["species"])
    assert torch.equal(plain["lattice"], other["lattice"])


def test_validation_sees_the_data(data: Path, tmp_path: Path) -> None:
    """Of a network that learns nothing: with and without replacements the validation losses are the same."""
    still = ("training.learning_rate=0", "training.weight_decay=0", "training.validate_every=1")
    for name, *more in (("plain",), ("other", "training.replace=1")):
        train(data, tmp_path / name, *still, *more, epochs=1)
    one, other = (
        [{k: v for k, v in row.items() if k.startswith("val")} for row in losses(tmp_path / name)]
        for name in ("plain", "other")
    )
    assert one == other
    one, other = (losses(tmp_path / name) for name in ("plain", "other"))
    assert one != other


def test_a_run_keeps_what_it_knows(data: Path, tmp_path: Path, known: Knowledge) -> None:
    """A resumed run draws by the file of its folder, whatever a later index says, and makes a broken one anew."""
    train(data, tmp_path / "run", "training.replace=1", epochs=1)
    file = tmp_path / "run" / KNOWN
    held = Knowledge.read(file)
    assert held is not None
    for name, values in vars(known).items():
        np.testing.assert_array_equal(getattr(held, name), values)
    replace(known, chance=np.eye(101)).write(file)
    np.testing.assert_array_equal(knowledge_of(file).chance, np.eye(101))
    file.write_bytes(file.read_bytes()[:100])
    np.testing.assert_array_equal(knowledge_of(file, write=False).chance, known.chance)
    assert Knowledge.read(file) is None


def test_killed_and_resumed_is_the_same_run(data: Path, tmp_path: Path) -> None:
    killed_and_resumed(data, tmp_path, "training.replace=0.5")


def test_new_materials_learn_structures_from_them_and_no_compositions(known: Knowledge) -> None:
    """Replaced crystals have all their elements at every time and cost no entropy; the others are as they were."""
    table = random_table(mixed_sizes(60))
    table.species[table.species == 8] = 38
    examples = with_replaced(Feed(table, CPU), 0.5, known, draws=True)
    rows = torch.arange(60)
    keys = Noise.of(0, rows).keys
    plain = examples.tensors(rows, ATOMS)
    shown = examples.varied(plain, keys)
    changed = (plain["species"] != shown["species"]).any(1)
    assert torch.equal(shown["given"], changed)
    assert 0 < changed.sum() < 60
    model = get_recipe("kldm-dng-masked-small", [*SHRINK, "masked.all_shown=0"]).build().eval()
    model.fit(table)
    t = torch.full((60,), 0.3)
    given, drawn = (
        model(**{**shown, "given": which}, t=t, keys=keys) for which in (changed, torch.zeros(60).bool())
    )
    assert (given["species"][changed] == 0).all()
    assert (drawn["species"][changed] > 0).any()
    assert torch.equal(given["species"][~changed], drawn["species"][~changed])


def test_a_run_for_new_materials_resumes(data: Path, tmp_path: Path) -> None:
    more = ("training.replace=0.5", "training.order=orbits", "torus_transformer.index=true")
    killed_and_resumed(data, tmp_path, "species=masked", *more, "masked.known_by=0.5")


@pytest.mark.parametrize("more", ["training.symmetry=true", "training.order=orbits"])
def test_together_with_symmetry_and_with_orders(tmp_path: Path, more: str) -> None:
    data = write_dataset(tmp_path / "data", train=random_table(mixed_sizes(20)), val=random_table([2, 3], 1))
    outcome = train(data, tmp_path / "run", "training.replace=1", more, epochs=2)
    assert outcome.state == "trained"


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("kldm-dng-onehot-small", SHRINK),
        ("kldm-csp-tiny", ('conditions=["tc"]', *SHRINK)),
        ("crystal-gan", ()),
    ],
)
def test_models_that_it_is_not_for_are_refused(recipe: str, settings: tuple[str, ...]) -> None:
    with pytest.raises(RecipeError, match="is for models of structures"):
        check_replacing(get_recipe(recipe, ["training.replace=0.5", *settings]))
    check_replacing(get_recipe(recipe, list(settings)))


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"training\.replace"):
        get_recipe("kldm-csp-tiny", ["training.replace=1.5"])
