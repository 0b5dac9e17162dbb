"""The published text layout, exactly, and a small model of it that trains, draws and fills in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.data.cells import lengths_and_angles
from nucleate.data.table import CrystalTable
from nucleate.errors import StructureError
from nucleate.families.crystal_text.generator import TextGenerator, TextSampling, infilled
from nucleate.families.crystal_text.grammar import crystal
from nucleate.families.crystal_text.trainable import DRAWS, TextTrainable, training_text
from nucleate.families.crystal_text.vocabulary import END, text_vocabulary
from nucleate.families.crystal_text.writing import masked, prompt, read, text_of
from nucleate.families.language.gpt import GPT, GPTSettings
from nucleate.predictor import load
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import Request
from nucleate.testing import GeneratorCase, generator_tests
from tests.training.tiny import losses, mixed_sizes, random_table, write_dataset

HEXAGONAL = np.array([[3.04, 0, 0], [-1.52, 3.04 * 3**0.5 / 2, 0], [0, 0, 5.16]])
CRYSTAL = Cell(
    np.array([22, 8, 8]), np.array([[0, 0, 0], [1 / 3, 2 / 3, 0.25], [0.996, 0.5, 0.124]]), HEXAGONAL
)
CARD = {
    "elements": [3, 8, 22, 26],
    "largest_cell": 8,
    "sizes": {"3": 1.0},
    "formula_units": {"3": {"1": 1.0}},
}


def random_model() -> TextTrainable:
    torch.manual_seed(0)
    network = GPT(GPTSettings(32, 1, 2, 400, 0.0), len(text_vocabulary(("band_gap",))))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0)
    return TextTrainable(network, ("band_gap",)).eval()


def request(species: tuple[int, ...], sample: int = 0, **more) -> Request:
    return Request(species, "-".join(map(str, species)), "asked", sample, **more)


ASKED = [
    request((8, 8, 22)),
    request((0, 0, 0, 0)),
    request((26,), condition=(("band_gap", 1.5),)),
    request((3, 8, 22, 26, 8)),
]
test_generator = generator_tests(
    [GeneratorCase("text", TextGenerator("text", "0", random_model(), TextSampling(), CARD), ASKED)]
)


def test_the_text_is_the_published_one() -> None:
    assert (
        text_of(CRYSTAL) == "3.0 3.0 5.2\n90 90 120\nTi\n0.00 0.00 0.00\nO\n0.33 0.67 0.25\nO\n1.00 0.50 0.12"
    )
    sharp = CRYSTAL._replace(
        lattice=np.diag([3.0, 4.0, 5.0]) + np.array([[0, 0, 0], [0.03, 0, 0], [0, 0, 0]])
    )
    angles = lengths_and_angles(sharp.lattice)[1]
    assert 89 < angles[2] < 90
    assert text_of(sharp).split("\n")[1] == "90 90 89"
    moved = text_of(CRYSTAL, (0.5, 0, 0.9)).split("\n")[3]
    assert moved == "0.50 0.00 0.90"


def test_a_text_is_read_within_its_decimals() -> None:
    found = read(text_of(CRYSTAL))
    assert found.species.tolist() == [22, 8, 8]
    gap = found.frac - CRYSTAL.frac
    assert np.abs(gap - np.round(gap)).max() <= 0.00501
    lengths, angles = lengths_and_angles(found.lattice)
    assert lengths == pytest.approx([3.0, 3.0, 5.2])
    assert angles == pytest.approx([90, 90, 120])
    for wrong in ("3.0 3.0\n90 90 90\nTi\n0.0 0.0 0.0", "3.0 3.0 3.0\n90 90 90\nXx\n0.0 0.0 0.0", "3.0", ""):
        with pytest.raises(StructureError):
            read(wrong)


def test_prompts_are_the_published_ones() -> None:
    told = prompt(
        {22: 2, 8: 4}, {"formation_energy_per_atom": -3.12346, "spacegroup.number": 136.0, "tc": 2.0}
    )
    assert told == (
        "Below is a description of a bulk material. The chemical formula is TiO2. The formation energy per atom is "
        "-3.1235. The spacegroup number is 136. The tc is 2.0. Generate a description of the lengths and angles of "
        "the lattice vectors and then the element type and coordinates for each atom within the lattice:\n"
    )
    asked = masked(text_of(CRYSTAL), 8)
    assert asked.startswith(
        "Below is a partial description of a bulk material where one element has been replaced"
    )
    assert asked.count("[MASK]\n") == 2
    assert asked.endswith("Generate an element that could replace [MASK] in the bulk material:\n")


def test_words_give_the_text_back_and_the_grammar_allows_it() -> None:
    vocabulary = text_vocabulary(("tc",))
    for before in (
        prompt(),
        prompt({22: 1, 8: 2}, {"tc": 1e-3, "e_above_hull": 0.0}),
        masked(text_of(CRYSTAL), 8),
    ):
        text = before + text_of(CRYSTAL)
        assert vocabulary.decode(vocabulary.encode(text)) == text
    words = [*vocabulary.encode(prompt() + text_of(CRYSTAL)), vocabulary[END]]
    for species in ((8, 22, 8), (0, 22, 0)):
        grammar = crystal(vocabulary, prompt(), species, frozenset({8}))
        allowed = next(grammar)
        for word in words[:-1]:
            assert word in allowed
            allowed = grammar.send(word)
        assert allowed == (vocabulary[END],)


def test_shares_of_training_texts() -> None:
    draws = np.random.default_rng(0).random((2000, DRAWS))
    pairs = [training_text(CRYSTAL, {"a": 1.0, "b": 2.0}, ("a", "b"), own) for own in draws]
    whole = [before for before, _ in pairs if "partial" not in before]
    assert len(whole) / len(pairs) == pytest.approx(0.66, abs=0.04)
    assert sum("The a is" in one for one in whole) / len(whole) == pytest.approx(0.5, abs=0.05)
    assert all(("chemical formula" in one) == ("The a" in one or "The b" in one) for one in whole)
    assert {after for before, after in pairs if "partial" in before} == {"Ti", "O"}
    assert len({after for _, after in pairs}) > 1000


def test_a_run_trains_draws_and_fills_in(tmp_path: Path) -> None:
    made = random_table(mixed_sizes(24))
    table = CrystalTable(
        made.ids, made.species, made.offsets, made.frac, made.lattice, {"band_gap": np.ones(24)}
    )
    data = write_dataset(tmp_path / "data", train=table, val=table.select([*range(6)]))
    small = ["gpt.width=32", "gpt.layers=1", "gpt.heads=2", "training.batch=8", "training.warmup=2", "training.ema=0.5",
             "training.validate_every=6", "training.checkpoint_every=6", "training.learning_rate=0.01"]  # fmt: skip
    recipe = get_recipe("crystal-text-tiny", [*small, 'conditions=["band_gap"]'])
    train_recipe(
        recipe, data, tmp_path / "run", epochs=10, hardware=Hardware(accelerator="cpu"), visible=False
    )
    assert losses(tmp_path / "run")[-1]["val/total"] < losses(tmp_path / "run")[0]["val/total"] - 0.2
    predictor = load(tmp_path / "run")
    asked = [request((3, 8, 8), condition=(("band_gap", 1.0),)), request((0, 0))]
    assert all(isinstance(one, Generated) for batch in predictor.draw(asked, seed=1) for one in batch)
    shares = infilled(predictor.generator.model, table.cell(0), int(table.cell(0).species[0]))
    assert sum(shares.values()) == pytest.approx(1)
    assert set(list(shares)[:3]) == {3, 8, 26}
