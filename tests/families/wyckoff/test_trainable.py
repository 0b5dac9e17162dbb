"""The recipe trains as every recipe does, is loaded, and answers requests with crystals of the asked kind."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError, ModelError
from nucleate.families.wyckoff.generator import WyckoffGenerator, WyckoffSampling
from nucleate.families.wyckoff.placing import place
from nucleate.families.wyckoff.sequences import Told
from nucleate.families.wyckoff.trainable import SequenceExamples, WyckoffTrainable, element_volumes
from nucleate.predictor import load
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Failure, Generated
from nucleate.sampling.request import Request
from nucleate.symmetry.finding import find_sites
from nucleate.symmetry.orbits import operations
from nucleate.symmetry.sites import Sites
from tests.families.wyckoff.cases import PEROVSKITE, RUTILE, SPINEL, random_model
from tests.training.tiny import losses, write_dataset

KNOWN = [PEROVSKITE, RUTILE, SPINEL, Sites(225, ("a", "b"), (11, 17)), Sites(194, ("a", "c"), (12, 22))]
SMALL = ["transformer.width=32", "transformer.layers=1", "transformer.heads=2", "training.batch=8",
         "training.warmup=2", "training.validate_every=20", "training.checkpoint_every=10"]  # fmt: skip
CPU = Hardware(accelerator="cpu")


def table(times: int, volume: float = 15.0) -> CrystalTable:
    """Known structures with drawn parameters, as a split."""
    cells: list[Cell] = []
    for number in range(times):
        for sites in KNOWN:
            cells.append(place(sites, volume * sites.atoms, np.random.default_rng(number), 5).to_cell())
    return CrystalTable(
        [f"crystal-{number}" for number in range(len(cells))],
        np.concatenate([cell.species for cell in cells]),
        np.cumsum([0, *(len(cell.species) for cell in cells)]),
        np.concatenate([cell.frac for cell in cells]),
        np.stack([cell.lattice for cell in cells]),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("wyckoff") / "data", train=table(8), val=table(2))


def request(species: tuple[int, ...], sample: int = 0) -> Request:
    return Request(species, "asked", "asked", sample)


def generator(most: int = 20) -> WyckoffGenerator:
    model = WyckoffTrainable(random_model().network, most).eval()
    return WyckoffGenerator("wyckoff", "0", model, WyckoffSampling(tries=3), {})


def test_a_run_trains_stops_resumes_and_draws(data: Path, tmp_path: Path) -> None:
    recipe = get_recipe("wyckoff-sequences", SMALL)
    train_recipe(recipe, data, tmp_path / "whole", epochs=8, hardware=CPU, visible=False)
    first, last = losses(tmp_path / "whole")[0]["val/total"], losses(tmp_path / "whole")[-1]["val/total"]
    assert last < first
    predictor = load(tmp_path / "whole")
    assert predictor.recipe == recipe
    assert isinstance(predictor.model, WyckoffTrainable)
    assert float(predictor.model.volumes[8]) == pytest.approx(15, abs=0.5)
    likely = predictor.model.sequences.log_likelihood([sites.canonical() for sites in KNOWN])
    assert (likely > -40).all()


def test_dropout_is_a_function_of_the_step() -> None:
    model = WyckoffTrainable(random_model().network, 20).train()
    examples = SequenceExamples(table(1), 20, torch.device("cpu"))
    inputs = examples.tensors(torch.arange(5), int(examples.sizes.max()))
    chance = model.drawn_evenly(5)["chance"]
    first, again, other = (
        model.total(model(**inputs, chance=chance, keys=torch.tensor([key] * 5))) for key in (7, 7, 8)
    )
    random_model().network.eval()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_large_cells_are_left_out() -> None:
    examples = SequenceExamples(table(1), 6, torch.device("cpu"))
    assert examples.ids == ["crystal-0", "crystal-1", "crystal-3", "crystal-4"]
    with pytest.raises(DataError, match="1 atoms or fewer"):
        SequenceExamples(table(1), 1, torch.device("cpu"))


def test_prompts_have_the_stated_shares() -> None:
    told = Told.drawn((torch.arange(1000) + 0.5) / 1000)
    assert int(told.formula.sum()) == 400
    assert int((told.atoms & told.elements).sum()) == 100
    assert int((told.atoms ^ told.elements).sum()) == 200
    assert not (told.formula & (told.atoms | told.elements)).any()


def test_volumes_of_elements_are_found() -> None:
    sizes, rng = [2, 3, 4] * 20, np.random.default_rng(0)
    species = rng.choice([3, 8, 26], sum(sizes))
    true = np.zeros(104)
    true[[3, 8, 26]] = 18, 11, 13
    offsets = np.cumsum([0, *sizes])
    volumes = [true[species[a:b]].sum() for a, b in itertools.pairwise(offsets)]
    lattice = np.stack([np.diag([volume, 1, 1]) for volume in volumes])
    each = element_volumes(CrystalTable([""] * 60, species, offsets, rng.random((sum(sizes), 3)), lattice))
    assert np.allclose(each[[3, 8, 26]], [18, 11, 13], atol=0.2)


def test_requests_are_answered_as_asked() -> None:
    formula = tuple(sorted([12, 13, 13, 8, 8, 8, 8] * 2, reverse=True))
    asked = [request(formula), request((0,) * 7), request(formula, 1), request((0,) * 3)]
    found = {
        one.request: one
        for batch in generator().draw(asked, seed=3)
        for one in batch
        if isinstance(one, Generated)
    }
    assert list(found[asked[0]].crystal.species[0]) == list(formula)
    assert [found[one].crystal.species.shape[1] for one in asked] == [14, 7, 14, 3]
    for one in found.values():
        cell = one.crystal.cells()[0]
        sites = find_sites(cell, 1e-3)
        own, asked_for = (len(operations(number)[0]) for number in (sites.number, one.origin["space_group"]))
        # The asked group or one above it, which random sequences often have, with a smaller cell or without.
        assert own * len(cell.species) % (asked_for * sites.atoms) == 0
    (alone,) = next(iter(generator().draw(asked[1:2], seed=3)))
    assert isinstance(alone, Generated)
    assert torch.equal(alone.crystal.frac, found[asked[1]].crystal.frac)


def test_too_many_atoms_are_a_failure_and_half_a_composition_a_refusal() -> None:
    ((failure,),) = generator(most=6).draw([request((8,) * 7)])
    assert isinstance(failure, Failure)
    assert "7 atoms" in failure.reason
    with pytest.raises(ModelError, match="of which a part is given"):
        next(iter(generator().draw([request((0, 8))])))


def test_other_settings_are_refused() -> None:
    for name in ("temperature", "top_p", "tries"):
        with pytest.raises(Exception, match=name):
            replace(WyckoffSampling(), **{name: 0})
