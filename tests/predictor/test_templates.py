"""Requests on the sites of a space group or a prototype: what they hold, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import DataError, FormulaError
from nucleate.predictor import requests
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.symmetry.template import Template
from tests.symmetry.test_template import RUTILE

LIMITS = Limits(frozenset(range(1, 90)), 20, {3: {1: 0.5, 2: 0.5}})


def ask(formula: str, n: int = 4, units: object = "auto", **asked) -> list[Request]:
    return requests.predictions(formula, n, LIMITS, units, **asked)  # type: ignore[arg-type]


def test_sites_of_a_group_hold_the_formula() -> None:
    found = ask("CaF2", 6, space_group=225)
    assert len(found) == 6
    for one in found:
        assert one.template is not None
        assert one.template.number == 225
        assert tuple(one.template.species) == one.species
        counts = Counter(one.species)
        assert counts[9] == 2 * counts[20]
    assert {len(one.species) for one in found} <= {3, 6}


def test_a_sample_does_not_depend_on_how_many_are_asked_for() -> None:
    few, many = ask("CaF2", 2, 4, space_group=62), ask("CaF2", 5, 4, space_group=62)
    assert [one.identity for one in few] == [one.identity for one in many][:2]


def test_samples_take_different_sites() -> None:
    found = ask("CaF2", 30, 2, space_group=5)
    assert len({one.template.identity for one in found if one.template}) > 1


def test_only_units_that_fit_are_taken() -> None:
    assert {len(one.species) for one in ask("SrTiO3", space_group=221)} >= {5}


@pytest.mark.parametrize(
    ("formula", "units", "asked", "message"),
    [
        ("NaCl", "auto", {"space_group": 231}, "no space group 231"),
        ("CaF2", 1, {"space_group": 227}, "no sites of space group 227 hold CaF2"),
        ("NaCl", "auto", {"space_group": 225, "prototype": "auto"}, "a space group of its own"),
        ("NaCl", 2, {"prototype": "auto"}, "its own number of formula units"),
    ],
)
def test_impossible_requests_for_templates_are_refused(
    formula: str, units: object, asked: dict, message: str
) -> None:
    with pytest.raises(FormulaError, match=message) as found:
        ask(formula, 4, units, **asked)
    assert found.value.hint


@pytest.fixture
def rutile(tmp_path: Path) -> str:
    file = tmp_path / "rutile.cif"
    RUTILE.to_structure().to(filename=str(file))
    return str(file)


def test_a_file_is_a_prototype(rutile: str) -> None:
    for one in ask("SnO2", 2, prototype=rutile):
        assert one.template is not None
        assert one.template.number == 136
        assert Counter(one.species) == {50: 2, 8: 4}
        assert one.template.lattice is not None


def test_a_prototype_of_another_stoichiometry_is_refused(rutile: str) -> None:
    with pytest.raises(FormulaError, match=r"rutile.cif \(.*\) does not have the stoichiometry of NaCl"):
        ask("NaCl", prototype=rutile)


def test_a_missing_prototype_is_refused() -> None:
    with pytest.raises(DataError, match=r"no prototype 'nothing\.cif'"):
        ask("NaCl", prototype="nothing.cif")


def test_the_nearest_prototypes() -> None:
    found = ask("MgO", 3, prototype="auto")
    assert len({one.template.identity for one in found if one.template}) > 1
    assert all(Counter(one.species)[8] == Counter(one.species)[12] for one in found)


def test_invented_compositions_take_sites_of_known_crystals() -> None:
    found = requests.inventions(5, 0, LIMITS, (4, 20), space_group=62)
    for one in found:
        assert one.template is not None
        assert one.template.number == 62
        assert 4 <= len(one.species) <= 20
        assert set(one.species) == {0}
    again = requests.inventions(3, 0, LIMITS, (4, 20), space_group=62)
    assert [one.identity for one in again] == [one.identity for one in found][:3]
    with_formula = requests.inventions(2, 0, LIMITS, None, "Ca4F8", space_group=62)
    assert Counter(with_formula[0].species) == {20: 4, 9: 8}


def test_invented_compositions_in_rare_and_impossible_groups() -> None:
    assert requests.inventions(2, 0, LIMITS, (1, 20), space_group=211)[0].template is not None
    with pytest.raises(FormulaError, match="no site of space group 230"):
        requests.inventions(2, 0, LIMITS, (1, 2), space_group=230)
    with pytest.raises(FormulaError, match="cell or atoms are given"):
        requests.inventions(2, 0, LIMITS, lattice=np.eye(3), space_group=225)


def test_a_template_is_part_of_an_identity_only_where_it_is_set() -> None:
    plain = Request((22, 8, 8), "TiO2", "TiO2", 0)
    template = Template.of(RUTILE)
    asked = replace(plain, template=template)
    assert plain.identity == "TiO2 0"
    assert asked.identity == f"TiO2 0 template={template.identity}"
    moved = Template.of(Cell(RUTILE.species, RUTILE.frac, RUTILE.lattice * 1.1))
    assert moved.identity != template.identity
    assert Template.of(RUTILE).identity == template.identity
