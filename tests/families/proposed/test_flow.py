"""Pairs of proposals and crystals, paths that begin at proposals, and a run with a folder as its base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.cli.train import based
from nucleate.crystals import Crystals
from nucleate.data.cells import standardise
from nucleate.data.table import CrystalTable
from nucleate.errors import ModelError, RecipeError, StructureError
from nucleate.families.proposed.generator import ProposedGenerator
from nucleate.families.proposed.model import Pairs, ProposedFlow
from nucleate.families.proposed.pairs import aligned, reduced
from nucleate.geometry.noise import Noise
from nucleate.recipes.registry import get_recipe
from nucleate.runs.based import FromGenerator
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.folder import FolderGenerator
from nucleate.sampling.generator import Failure, Generated
from nucleate.sampling.request import Request
from nucleate.testing import GeneratorCase, generator_tests
from tests.training.tiny import SHRINK, losses, write_dataset

TINY = [*SHRINK, "sampler.steps=3", "jitter=0.0"]
FORMULAS = [(3, 8), (3, 3, 8), (8, 8, 26), (3, 8, 8, 26)]


def cell(species: tuple[int, ...], seed: int, edge: float = 4.0) -> Cell:
    rng = np.random.default_rng(seed)
    lattice = edge * np.eye(3) + 0.1 * rng.normal(size=(3, 3))
    return standardise(Cell(np.array(species), rng.random((len(species), 3)), lattice))


def table(seed: int, times: int = 2) -> CrystalTable:
    cells = [cell(species, seed + number) for number in range(times) for species in FORMULAS]
    return CrystalTable(
        [f"crystal-{seed}-{number}" for number in range(len(cells))],
        np.concatenate([one.species for one in cells]),
        np.cumsum([0, *(len(one.species) for one in cells)]),
        np.concatenate([one.frac for one in cells]),
        np.stack([one.lattice for one in cells]),
    )


def base() -> FolderGenerator:
    """Crystals of three of the four compositions."""
    return FolderGenerator("base", [(str(n), cell(one, 50 + n, 4.4)) for n, one in enumerate(FORMULAS[:3])])


def test_a_crystal_that_was_moved_and_shuffled_is_laid_onto_itself() -> None:
    own = cell((3, 3, 8, 8, 8), 1)
    order = np.array([1, 0, 4, 2, 3])
    other = Cell(own.species[order], (own.frac[order] + [0.3, 0.9, 0.2]) % 1, own.lattice)
    gap = aligned(other, own).frac - own.frac
    assert np.abs(gap - np.round(gap)).max() < 1e-9
    with pytest.raises(StructureError, match="another composition"):
        aligned(cell((3, 3, 8), 1), own)


def test_a_proposal_is_reduced_as_data_are() -> None:
    own = cell((3, 8), 2)
    change = np.array([[1, 2, 0], [0, 1, 1], [0, 0, 1]])
    skew = Cell(own.species, own.frac @ np.linalg.inv(change), change @ own.lattice)
    assert np.linalg.norm(reduced(skew).lattice, axis=1) == pytest.approx(
        np.linalg.norm(reduced(own).lattice, axis=1), abs=1e-6
    )


def test_paths_begin_at_proposals_and_end_at_data() -> None:
    model = get_recipe("flowllm-tiny", TINY).build()
    assert isinstance(model, ProposedFlow)
    model.fit(table(0))
    data, proposals = (Crystals.of_cells(table(seed).cells(), torch.float32) for seed in (0, 9))
    noise = Noise.of(0, torch.arange(len(data)))
    with model.proposing(proposals):
        processes = model.processes_for(data.species)
        for t, end in ((0.0, proposals), (1.0, data)):
            time = torch.full((len(data),), t)
            for name in ("frac", "lattice"):
                state = processes[name].corrupt(model.channel(name, data), time, data.mask, noise).state["x"]
                gap = state - model.channel(name, end)
                gap = gap - gap.round() if name == "frac" else gap
                assert float(gap.abs().max()) < 1e-5, (name, t)
        assert torch.equal(
            processes["lattice"].prior(data.mask, noise)["x"], model.channel("lattice", proposals)
        )
    assert model.processes_for(data.species)["lattice"].base is not processes["lattice"].base


def test_crystals_without_a_proposal_are_left_out() -> None:
    model = get_recipe("flowllm-tiny", TINY).build()
    assert isinstance(model, ProposedFlow)
    with pytest.raises(ModelError, match="starts from another generator"):
        model.examples(table(0), torch.device("cpu"))
    model.base = base()
    model.fit(table(0))
    pairs = model.examples(table(0), torch.device("cpu"))
    assert isinstance(pairs, Pairs)
    assert pairs.ids == [
        "crystal-0-0",
        "crystal-0-1",
        "crystal-0-2",
        "crystal-0-4",
        "crystal-0-5",
        "crystal-0-6",
    ]
    assert torch.equal(pairs.species, pairs.proposed.species)


def test_proposals_that_were_drawn_before_come_first() -> None:
    model = get_recipe("flowllm-tiny", TINY).build()
    assert isinstance(model, ProposedFlow)
    model.base = base()
    model.proposals = FolderGenerator(
        "drawn", [("a", cell(FORMULAS[3], 80, 5.0)), ("b", cell(FORMULAS[0], 81, 5.0))]
    )
    pairs = model.examples(table(0, 1), torch.device("cpu"))
    assert len(pairs.ids) == 4
    edges = pairs.proposed.lattice.det().abs() ** (1 / 3)
    assert edges.tolist() == pytest.approx([5.0, 4.4, 4.4, 5.0], abs=0.25)


def made() -> ProposedGenerator:
    model = get_recipe("flowllm-tiny", TINY).build()
    assert isinstance(model, ProposedFlow)
    model.fit(table(0))
    card = {"elements": [3, 8, 26], "largest_cell": 8}
    recipe = get_recipe("flowllm-tiny", TINY)
    return recipe.generator(model.eval(), card, "flow", "0").on(base())


ASKED = [Request(species, str(species), "asked", 0) for species in FORMULAS]


test_generator = generator_tests([GeneratorCase("flow", made(), ASKED)])


def test_a_run_trains_and_refines(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", train=table(0, 4), val=table(0, 1))
    recipe = get_recipe("flowllm-tiny", [*TINY, "training.learning_rate=0.005", "training.ema=0.5"])
    train_recipe(
        recipe, data, tmp_path / "run", epochs=12, hardware=Hardware(accelerator="cpu"), visible=False,
        subject=FromGenerator(base()),
    )  # fmt: skip
    assert losses(tmp_path / "run")[-1]["val/total"] < losses(tmp_path / "run")[0]["val/total"]
    found = {one.request: one for batch in made().draw(ASKED, seed=1) for one in batch}
    assert isinstance(found[ASKED[3]], Failure)
    one = found[ASKED[0]]
    assert isinstance(one, Generated)
    assert one.origin["base"] == "base"
    assert one.cost.nfe == 3


def test_proposals_that_are_not_there_are_asked_for() -> None:
    """Not looked for among the models, whose names would be no help."""
    with pytest.raises(RecipeError, match="there are no proposals at drawn") as found:
        based(get_recipe("flowllm-tiny", ["base=substitution", "proposals=drawn.extxyz"]))
    assert "--split train -n 1 --model substitution" in str(found.value.hint)
