"""One crystal in detail, and as files that other programs read back as the same crystal."""

import io
import warnings
import zipfile

import numpy as np
import pytest
from pymatgen.core import Structure

from nucleate.cell import Cell
from nucleate.metrics.matching import Matcher, rms_distance
from nucleate.web.details import shortest
from tests.web.folders import perovskite, rocksalt


def test_cell_symmetry_and_sites(page, keys):
    answer = page.get(f"/api/crystal/{keys['salts']}/8").json()
    crystal, symmetry = answer["crystal"], answer["symmetry"][-1]
    assert crystal["species"] == ["Sr", "Ti", "O", "O", "O"]
    assert crystal["lengths"] == [3.9] * 3
    assert crystal["angles"] == [90] * 3
    assert crystal["shortest"] == pytest.approx(1.95)
    assert (symmetry["number"], symmetry["symbol"], symmetry["system"]) == (221, "Pm-3m", "cubic")
    assert {(site["position"], site["site"]) for site in symmetry["sites"]} >= {
        ("1a", "m-3m"),
        ("1b", "m-3m"),
    }
    assert sum(int(site["position"][:-1]) for site in symmetry["sites"]) == 5
    assert answer["conventional"] is None


def test_the_conventional_cell_of_a_primitive_one(page, keys):
    answer = page.get(f"/api/crystal/{keys['salts']}/0").json()
    found = answer["conventional"]
    assert len(found["species"]) == 8
    np.testing.assert_allclose(np.linalg.norm(found["lattice"], axis=1), 4.0, atol=1e-4)


def test_what_its_file_says_is_told(page, keys):
    facts = page.get(f"/api/crystal/{keys['answers']}/0").json()["facts"]
    assert facts["source"] == "mp_20:mp-1"
    assert facts["model"] == "answers"
    assert "Lattice" not in facts


def test_a_crystal_that_cannot_be_read_says_so(page, keys):
    answer = page.get(f"/api/crystal/{keys['answers']}/2").json()
    assert answer["crystal"] is None
    assert "can't be read" in answer["facts"]["problem"]
    assert page.get(f"/api/file/{keys['answers']}/2/cif").status_code == 400


@pytest.mark.parametrize("row", ["9", "-1", "1e3", "99999999999999999999999", "x"])
def test_no_such_row(page, keys, row):
    assert page.get(f"/api/crystal/{keys['salts']}/{row}").status_code == 404


@pytest.mark.parametrize("kind", ["cif", "poscar"])
def test_files_are_read_back_by_pymatgen(page, keys, kind):
    answer = page.get(f"/api/file/{keys['salts']}/8/{kind}")
    assert answer.headers["content-disposition"].startswith('attachment; filename="perovskite.')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = Structure.from_str(answer.text, fmt=kind)
    assert rms_distance(read, perovskite().to_structure(), Matcher()) == pytest.approx(0, abs=1e-6)


def test_a_selection_as_a_zip(page, keys):
    answer = page.get(f"/api/zip/{keys['salts']}/cif?with=O")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert sorted(names) == ["perovskite.cif", "salt-1.cif", "salt-6.cif"]


def test_a_selection_as_extended_xyz(page, keys):
    from ase.io import read

    answer = page.get(f"/api/zip/{keys['salts']}/extxyz")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        frames = read(io.StringIO(archive.read("crystals.extxyz").decode()), ":", format="extxyz")
    assert [len(frame) for frame in frames] == [2] * 8 + [5]


def test_unknown_formats_are_refused(page, keys):
    assert page.get(f"/api/file/{keys['salts']}/0/exe").status_code == 400
    assert page.get(f"/api/zip/{keys['salts']}/exe").status_code == 400


def test_the_shortest_distance_counts_images():
    assert shortest(rocksalt(11, 17, 5.6)) == pytest.approx(2.8)
    one = Cell(np.array([29]), np.zeros((1, 3)), np.diag([2.0, 3.0, 9.0]))
    assert shortest(one) == pytest.approx(2.0)
