"""A crystal before its relaxation, and the nearest known one."""

import json

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.data.extxyz import frame_text
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.metrics.dng.quantities import digest
from nucleate.web.library import Library
from nucleate.web.listings import Listings
from nucleate.web.nearest import _index, entries_of_formula, nearest
from tests.web.folders import data_set, rocksalt

GIVEN, MOVED = rocksalt(12, 8, 4.6), rocksalt(12, 8, 4.2)


@pytest.fixture
def page(tmp_path):
    """Drawn crystals, the same relaxed, and a data set."""
    from starlette.testclient import TestClient

    from nucleate.web.app import make_app
    from nucleate.web.routes import Shown

    for name, crystals in (("another", [rocksalt(20, 8)]), ("drawn", [GIVEN]), ("moved", [MOVED])):
        (tmp_path / name).mkdir()
        file = "relaxed" if name == "moved" else "generated"
        text = "".join(frame_text(*cell, {"name": "mgo", "sample": 0}) for cell in crystals)
        (tmp_path / name / f"{file}.extxyz").write_text(text)
    said = {"potential": "emt", "crystals": {"mgo": digest(GIVEN)}}
    (tmp_path / "moved" / "relax.json").write_text(json.dumps(said))
    data_set(tmp_path / "salts")
    library = Library([tmp_path])
    found = TestClient(make_app(Shown(library)))
    keys = {entry.name: entry.key for entry in library.entries()}
    return lambda *crystals: found.get("/api/compare", params={"c": [one.format(**keys) for one in crystals]})


def test_before_relaxation_is_the_crystal_of_that_name_and_content(page):
    found = page("{moved}:0", "{moved}:0:before").json()
    moved, given = found["crystals"]
    assert (moved["relation"], given["relation"], given["origin"]) == ("", "before relaxation", "drawn")
    assert np.array(given["crystal"]["lattice"]) == pytest.approx(GIVEN.lattice, abs=1e-6)
    assert found["distances"][0][1]["rms"] == pytest.approx(0, abs=1e-6)


def test_the_nearest_known_crystal_of_a_data_set(page):
    known = page("{moved}:0:known").json()["crystals"][0]
    assert known["values"]["formula"] == "MgO"
    assert "same formula" in known["origin"]


@pytest.mark.parametrize("asked", ["{drawn}:0:before", "{moved}:0:after", "{moved}:x:known"])
def test_relatives_that_are_none(page, asked):
    assert page(asked).status_code == 400


def test_a_row_that_there_is_not_has_no_relative(page):
    assert page("{moved}:7:known").status_code == 404


def test_a_shipped_crystal_is_nearest_to_itself(tmp_path):
    index = _index()
    oxides = entries_of_formula(index, Cell(np.array([22, 8, 8]), np.zeros((3, 3)), np.eye(3)))
    assert len(oxides) > 5
    for place in oxides[:3]:
        cell = index.cell(place)
        shaken = Cell(cell.species, cell.frac + 0.001, cell.lattice * 1.01)
        found = nearest(Library([tmp_path]), Listings(), shaken)
        assert found is not None
        assert found.name == index.names[place]


def test_formulas_of_the_index_agree_with_its_cells():
    index = _index()
    cell = rocksalt(12, 8)
    places = entries_of_formula(index, cell)
    assert places
    assert all(index.cell(place).formula == cell.formula for place in places)
    counts = np.zeros((len(index), MAX_ATOMIC_NUMBER + 1), dtype=int)
    np.add.at(
        counts, (np.repeat(np.arange(len(index)), np.diff(index.role_offsets)), index.elements), index.counts
    )
    oxides = (counts[:, 12] == counts[:, 8]) & (counts[:, 12] > 0) & (counts.sum(1) == 2 * counts[:, 8])
    assert places == np.flatnonzero(oxides).tolist()
