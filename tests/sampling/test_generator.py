"""Generators of ours pass the suite that others are held to; what a careless one does is found out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nucleate
from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.extxyz import frame_text, parse_header
from nucleate.errors import DataError, FormulaError, ModelError, RecipeError
from nucleate.records.failures import read_failures
from nucleate.sampling.folder import FolderGenerator
from nucleate.sampling.generator import Cost, Failure, Generated, Generator
from nucleate.sampling.job import Job, header
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request, formula_requests, new_requests
from nucleate.testing import GeneratorCase, generator_checks, generator_tests
from tests.models import tiny_model


def cell(species: list[int], length: float) -> Cell:
    places = np.random.default_rng(len(species)).random((len(species), 3))
    return Cell(np.array(species), places, length * np.eye(3))


CRYSTALS = [
    ("rock salt", cell([11, 17], 4.0)),
    ("titanate", cell([38, 22, 8, 8, 8], 3.9)),
    ("another salt", cell([17, 11], 4.2)),
    ("two of salt", cell([11, 11, 17, 17], 5.0)),
]
FOLDER = FolderGenerator("crystals", CRYSTALS)
REQUESTS = [
    *formula_requests(["NaCl"], 3, FOLDER.limits, (1,)),
    *formula_requests(["SrTiO3"], 2, FOLDER.limits, (1,)),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return nucleate.load(tiny_model(tmp_path_factory.mktemp("tiny") / "tiny"), device="cpu").generator


test_folder = generator_tests([GeneratorCase("folder", FOLDER, REQUESTS, tolerance=0)])


NAMES = [check.name for check in generator_checks(GeneratorCase("", FOLDER, REQUESTS))]


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_a_diffusion_model_passes_the_suite(model: Generator, number: int) -> None:
    requests = formula_requests(["NaCl", "SrTiO3"], 2, model.limits, (1,))
    generator_checks(GeneratorCase("diffusion", model, requests))[number].run()


class Careless(FolderGenerator):
    """What a generator may do wrong, by the name of the check that finds it."""

    fault = ""
    asked = 0

    def answers(self, requests, settings, seed, options):
        self.asked += 1
        batches = list(super().answers(requests, settings, seed, options))
        made = [one for batch in batches for one in batch]
        if self.fault == "every_request_has_one_answer":
            made = made[:-1]
        if self.fault == "crystals_are_what_was_asked_for":
            made = [self.other(one) for one in made]
        if self.fault == "the_same_seed_gives_the_same_crystals_in_any_order_and_batches":
            made = [self.shifted(one) for one in made]
        if self.fault == "costs_are_counted":
            made = [replace(one, cost=Cost()) for one in made]
        if self.fault == "shards_add_up":
            made = [self.lost(one, len(requests)) for one in made]
        yield made

    def other(self, one):
        salt = Crystals.of_cells([cell([11, 11, 17], 4.0)])
        return one if isinstance(one, Failure) else replace(one, crystal=salt)

    def shifted(self, one):
        if isinstance(one, Failure):
            return one
        crystal = one.crystal
        frac = (crystal.frac + 0.1 * self.asked) % 1
        return replace(one, crystal=Crystals(crystal.species, frac, crystal.lattice, crystal.mask))

    def lost(self, one, asked):
        """A failure where few are asked for."""
        return Failure(one.request, "none", one.cost) if asked < 3 else one

    def check(self, requests):
        if self.fault != "what_it_cannot_be_asked_for_is_refused_with_a_hint":
            super().check(requests)


FAULTS = [
    "every_request_has_one_answer", "crystals_are_what_was_asked_for",
    "the_same_seed_gives_the_same_crystals_in_any_order_and_batches", "costs_are_counted", "shards_add_up",
    "what_it_cannot_be_asked_for_is_refused_with_a_hint",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_suite_finds_each_mistake(fault: str) -> None:
    careless = Careless("careless", CRYSTALS)
    careless.fault = fault
    (check,) = (one for one in generator_checks(GeneratorCase("", careless, REQUESTS)) if fault in one.name)
    with pytest.raises((AssertionError, ModelError)):
        check.run()


def test_missing_and_repeated_answers_are_errors() -> None:
    careless = Careless("careless", CRYSTALS)
    careless.fault = "every_request_has_one_answer"
    with pytest.raises(ModelError, match="careless left 1 of 5 requests without an answer"):
        list(careless.draw(REQUESTS))
    twice = FolderGenerator("twice", CRYSTALS)
    twice.answers = lambda requests, *_: iter([[Failure(requests[0], "none")] * 2])  # pyright: ignore
    with pytest.raises(ModelError, match="twice answered a request for NaCl twice"):
        list(twice.draw(REQUESTS))


def test_a_folder_answers_in_file_order_and_reports_missing_crystals(tmp_path: Path) -> None:
    found = {one.request.sample: one for batch in FOLDER.draw(REQUESTS[:3]) for one in batch}
    first, second, third = (found[sample] for sample in range(3))
    assert isinstance(first, Generated)
    assert isinstance(second, Generated)
    assert (first.origin, second.origin) == ({"source": "rock salt"}, {"source": "another salt"})
    np.testing.assert_allclose(first.crystal.frac[0].numpy(), CRYSTALS[0][1].frac)
    assert isinstance(third, Failure)
    assert third.reason == "crystals holds 2 crystals with the cell NaCl, and sample 2 is asked for"
    assert third.cost == Cost(counts={"lookups": 1})


def test_requests_without_an_answer_are_recorded_once_and_not_repeated(tmp_path: Path) -> None:
    generator = Careless("crystals", CRYSTALS)
    for _ in range(2):
        job = Job.of(tmp_path, generator, REQUESTS, None, 0)
        job.draw(generator, REQUESTS, None, 0)
    assert generator.asked == 1
    reasons = [one["reason"] for one in read_failures(tmp_path / "predictions.failures.jsonl")]
    assert len(reasons) == len(job.failed) == 2
    assert '"sampler": null' in (tmp_path / "job.json").read_text()
    other = FolderGenerator("crystals", CRYSTALS[:2])
    with pytest.raises(ModelError, match="with other weights"):
        Job.of(tmp_path, other, REQUESTS, None, 0)


def test_a_damaged_file_of_failures_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "predictions.failures.jsonl"
    path.write_text('{"key": "1", "reason": "none"}\n[]\n{"key": "2"')
    with pytest.raises(DataError, match=r"line 2 of .*failures\.jsonl"):
        read_failures(path)


def test_origin_and_cost_stand_in_the_header(tmp_path: Path) -> None:
    request, crystal = REQUESTS[0], Crystals.of_cells([CRYSTALS[0][1]])
    cost = Cost(5, {"tokens": 7}, 0.25)
    one = Generated(request, crystal, cost, origin={"prototype": 'AB "225"\nsalt', "distance": 0.5})
    text = frame_text(*CRYSTALS[0][1], header(one, 3, "m"))
    found = parse_header(text.splitlines()[1])
    assert {key: found[key] for key in ("nfe", "tokens", "seconds", "prototype", "distance")} == {
        "nfe": "5", "tokens": "7", "seconds": "0.25", "prototype": "AB '225' salt", "distance": "0.5",
    }  # fmt: skip
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize("name", ["seed", "Lattice", "two words", "a=b", ""])
def test_names_unfit_for_a_header_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't be called"):
        Generated(REQUESTS[0], Crystals.of_cells([CRYSTALS[0][1]]), origin={name: 1})
    with pytest.raises(ValueError, match="can't be called"):
        Cost(counts={name: 1})


def test_limits_of_a_folder_are_those_of_its_crystals() -> None:
    limits = Limits.of_cells([one for _, one in CRYSTALS])
    assert limits.elements == {8, 11, 17, 22, 38}
    assert limits.largest_cell == 5
    assert limits.units == {2: {1: 2 / 3, 2: 1 / 3}, 5: {1: 1.0}}
    assert limits.sizes == {2: 0.5, 5: 0.25, 4: 0.25}
    volumes = sorted(abs(np.linalg.det(one.lattice)) / len(one.species) for _, one in CRYSTALS)
    assert limits.volumes[0] == pytest.approx(volumes[0])
    assert limits.volumes[-1] == pytest.approx(volumes[-1])


@pytest.mark.parametrize(
    ("formula", "units", "said"),
    [
        ("KCl", (1,), "'KCl' holds K, which no crystal in crystals holds"),
        (
            "NaCl",
            (3,),
            "'Na3Cl3' has 6 atoms in the cell, more than the 5 of the largest crystal in crystals",
        ),
    ],
)
def test_a_folder_is_not_called_a_model(formula: str, units: tuple[int, ...], said: str) -> None:
    with pytest.raises(FormulaError) as caught:
        formula_requests([formula], 1, FOLDER.limits, units)
    assert caught.value.message == said


def test_a_folder_refuses_inventions_and_settings() -> None:
    with pytest.raises(ModelError, match="predicts the structure of a composition"):
        FOLDER.draw(new_requests([2], FOLDER.limits))
    with pytest.raises(RecipeError, match="steps 10 means nothing to crystals"):
        FOLDER.settings_by(steps=10)
    with pytest.raises(DataError, match="holds no crystal"):
        FolderGenerator("empty", [], [("a", "no atoms")])


def test_composition_counts_atoms_in_any_order() -> None:
    request = Request((17, 11), "NaCl", "NaCl", 1)
    ((one,),) = FOLDER.draw([request])
    assert isinstance(one, Generated)
    assert Counter(one.crystal.species[0].tolist()) == Counter({11: 1, 17: 1})
