"""Sequences with a symmetric diffusion: crystals of exact symmetry, drawn anew where they are not usable."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules
from nucleate.errors import FormulaError, ModelError, RecipeError
from nucleate.families.wyckoff import diffused
from nucleate.families.wyckoff.diffused import DiffusedSampling, SequenceDiffusion
from nucleate.families.wyckoff.generator import WyckoffGenerator
from nucleate.predictor import Predictor, load
from nucleate.predictor.sequences import joined
from nucleate.recipes.registry import get_recipe
from nucleate.runs.model_folder import save_model
from nucleate.sampling.diffusion import DiffusionGenerator
from nucleate.sampling.generator import Failure, Generated
from nucleate.sampling.request import Request, new_requests
from nucleate.symmetry.operations import niggli_change, operations_of, operations_of_number
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.wyckoff import space_group
from nucleate.testing import GeneratorCase
from nucleate.testing.generators import generator_checks
from tests.models import CARD, tiny_model

SETTINGS = DiffusedSampling(nfe=4, tries=2)


def sequences_model(folder: Path) -> Path:
    recipe = get_recipe(
        "wyckoff-sequences", ["transformer.width=32", "transformer.layers=1", "transformer.heads=2"]
    )
    save_model(folder, recipe.build(), recipe, {**CARD, "task": "dng", "sizes": {"4": 0.5, "6": 0.5}})
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return sequences_model(folder / "sequences"), tiny_model(folder / "diffusion")


@pytest.fixture(scope="module")
def generator(models: tuple[Path, Path]) -> SequenceDiffusion:
    chooser, drawer = (load(one, "cpu").generator for one in models)
    assert isinstance(chooser, WyckoffGenerator)
    assert isinstance(drawer, DiffusionGenerator)
    return SequenceDiffusion("both", chooser, drawer, lambda sites, volume: None, settings=SETTINGS)


def requests(generator: SequenceDiffusion) -> list[Request]:
    return [
        *new_requests([6, 5], generator.limits),
        Request((0,), "generated", "", 2, units=None),
        *new_requests([4], generator.limits, space_group=62),
        Request((22, 22, 8, 8, 8, 8), "Ti2O4", "TiO2", 0),
        Request((8, 22, 8), "TiO2", "TiO2", 0, units=None),
        Request((8, 38, 8), "O2Sr", "SrO2", 0, units=(2, 4)),
        Request((8,) * 19, "O19", "O", 0, space_group=227),
    ]


@pytest.mark.parametrize("place", range(8))
def test_conformance(generator: SequenceDiffusion, place: int) -> None:
    check = generator_checks(GeneratorCase("both", generator, requests(generator)))[place]
    check.run()


def drawn(generator: SequenceDiffusion, asked: list[Request], settings=SETTINGS) -> dict[int, object]:
    batches = generator.draw(asked, settings, 0)
    return {asked.index(one.request): one for batch in batches for one in batch}


def test_a_crystal_has_the_space_group_and_the_sites_that_were_drawn(generator: SequenceDiffusion) -> None:
    made = [one for one in drawn(generator, requests(generator)).values() if isinstance(one, Generated)]
    assert len(made) == 7
    for one in made:
        number = int(one.origin["space_group"])
        assert number == (one.request.space_group or number)
        cell = one.crystal.cells()[0]
        order = len(operations_of_number(number).rotations)
        # a supergroup has more
        assert len(operations_of(cell, 1e-3).rotations) >= order
        sites = [word.partition(":") for word in str(one.origin["sites"]).split()]
        sizes = [space_group(number)[letter].multiplicity for letter, _, _ in sites]
        assert sum(sizes) // space_group(number).lattice_points == len(cell.species)


def test_what_no_sequence_holds_is_a_failure_with_its_reason(generator: SequenceDiffusion) -> None:
    asked = requests(generator)
    failed = [one for one in drawn(generator, asked).values() if isinstance(one, Failure)]
    assert [one.request for one in failed] == [asked[-1]]
    assert "space group 227 can't hold O19" in failed[0].reason


def test_the_atoms_are_in_the_order_of_the_request(generator: SequenceDiffusion) -> None:
    asked = [Request((8, 22, 8, 8, 22, 8), "Ti2O4", "TiO2", 0)]
    one = drawn(generator, asked)[0]
    assert isinstance(one, Generated)
    assert tuple(one.crystal.species[0].tolist()) == asked[0].species


def test_what_is_not_usable_is_drawn_anew_as_often_as_is_allowed(
    generator: SequenceDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = new_requests([4, 6], generator.limits)
    monkeypatch.setattr(diffused, "USABLE", Rules((Rule("never", lambda cell: 1.0, most=0.0),)))
    for one in drawn(generator, asked, DiffusedSampling(nfe=4, tries=3)).values():
        assert isinstance(one, Generated)
        assert (one.origin["draws"], one.cost.nfe) == (3, 12)
    monkeypatch.setattr(diffused, "USABLE", Rules(()))
    for one in drawn(generator, asked, DiffusedSampling(nfe=4, tries=3)).values():
        assert isinstance(one, Generated)
        assert (one.origin["draws"], one.cost.nfe) == (1, 4)


def test_another_draw_has_other_noise(generator: SequenceDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Request((22, 22, 8, 8, 8, 8), "Ti2O4", "TiO2", 0, space_group=2)]
    monkeypatch.setattr(diffused, "USABLE", Rules((Rule("never", lambda cell: 1.0, most=0.0),)))
    cells: list[Cell] = []
    for tries in (1, 2):
        one = drawn(generator, asked, DiffusedSampling(nfe=4, tries=tries))[0]
        assert isinstance(one, Generated)
        cells.append(one.crystal.cells()[0])
    assert not np.allclose(cells[0].lattice, cells[1].lattice, atol=1e-3)


def test_an_open_number_of_formula_units_is_one_of_those_allowed(generator: SequenceDiffusion) -> None:
    asked = [Request((8, 38, 8), "O2Sr", "SrO2", i, units=(2, 4)) for i in range(12)]
    found = drawn(generator, asked).values()
    atoms = Counter(len(one.crystal.species[0]) for one in found if isinstance(one, Generated))
    assert set(atoms) == {6, 12}


def test_the_shape_says_in_which_cell_the_template_is_reduced(
    generator: SequenceDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = Sites(139, ("a", "b"), (29, 79))
    for ratio in (0.5, 2.0):
        shape = np.diag([1.0, 1.0, ratio]) * (200 / ratio) ** (1 / 3)
        monkeypatch.setattr(generator, "shape", lambda sites, volume, shape=shape: shape)
        lattice = generator._template(sites, 0, 0).lattice
        assert lattice is not None
        np.testing.assert_allclose(lattice, niggli_change(lattice) @ lattice, atol=1e-6)
        assert np.linalg.det(lattice) == pytest.approx(100)
        shortest = np.linalg.norm(lattice, axis=1).min()
        longest = np.linalg.norm(np.array([0.5, 0.5, 0.5]) @ shape)
        assert shortest == pytest.approx(min(np.linalg.norm(shape, axis=1).min(), longest))


def test_two_models_are_joined_with_the_shapes_of_known_crystals(models: tuple[Path, Path]) -> None:
    both = joined(*models, "cpu")
    made = [one for batch in both.draw(new_requests([4, 6], both.limits), SETTINGS, 0) for one in batch]
    assert all(isinstance(one, Generated) for one in made)


def test_models_of_another_kind_are_refused(models: tuple[Path, Path]) -> None:
    with pytest.raises(ModelError, match="no model of Wyckoff sequences"):
        joined(models[1], models[1], "cpu")
    with pytest.raises(ModelError, match="no diffusion model"):
        joined(models[0], models[0], "cpu")
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        joined("nowhere", models[1], "cpu")


def test_a_space_group_reaches_the_sequences_from_python(generator: SequenceDiffusion) -> None:
    predictor = Predictor(generator)
    for one in [*predictor.generate(3, space_group=194), *predictor.predict("TiO2", 2, space_group=194)]:
        assert one.properties["space_group"] == 194
    assert {len(one) for one in predictor.generate(4, atoms=(5, 6), space_group=1)} <= {5, 6}
    assert len({len(one) for one in predictor.generate(6)}) > 1
    with pytest.raises(FormulaError, match="no space group 231"):
        predictor.generate(1, space_group=231)
    with pytest.raises(FormulaError, match="no sites of space group 227 hold 19 to 19 atoms"):
        predictor.generate(1, atoms=19, space_group=227)
    with pytest.raises(FormulaError, match="no sites of space group 227 hold TiO2"):
        predictor.predict("TiO2", 1, formula_units=1, space_group=227)


def test_a_diffusion_model_chooses_no_sites(generator: SequenceDiffusion) -> None:
    asked = [Request((22, 8, 8), "TiO2", "TiO2", 0, space_group=62)]
    with pytest.raises(ModelError, match="can't choose the sites of space group 62"):
        generator.diffusion.draw(asked)


@pytest.mark.parametrize("values", [{"temperature": 0}, {"top_p": 2}, {"nfe": 1}, {"tries": 0}])
def test_settings_that_can_not_be_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match=next(iter(values))):
        DiffusedSampling(**values)  # type: ignore[arg-type]
