"""Fingerprints against matminer's own, failures by name, and a cache that goes on after a kill."""

import sqlite3
from time import sleep

import numpy as np
import pytest

from nucleate.defects import defect
from nucleate.errors import DataError, NucleateError
from nucleate.metrics.dng import fingerprints, quantities
from nucleate.metrics.dng.equivalence import COMPARED
from nucleate.metrics.dng.fingerprints import (
    FingerprintSettings,
    _magpie,
    composition_fingerprints,
    fingerprint_cells,
)
from nucleate.metrics.dng.quantities import JUDGED, digest
from nucleate.work import Work
from tests.metrics.dng.cells_for_tests import box, broken_cells, known_cells, real_cells


@pytest.fixture
def quick(monkeypatch):
    """Fingerprints that cost nothing; the calls made are listed."""
    calls = []

    def made(cell):
        calls.append(digest(cell))
        return np.full((len(cell.species), 61), float(len(cell.species)))

    monkeypatch.setattr(fingerprints, "site_fingerprints", made)
    return calls


def test_structure_fingerprint_is_the_mean_over_matminers_sites():
    from matminer.featurizers.site.fingerprint import CrystalNNFingerprint

    featurizer = CrystalNNFingerprint.from_preset("ops")
    cells = [known_cells()[i] for i in (0, 4, 9)]
    found = fingerprint_cells(cells)
    assert found.failures == ["", "", ""]
    for cell, row in zip(cells, found.structure, strict=True):
        structure = cell.to_structure()
        sites = [featurizer.featurize(structure, site) for site in range(len(structure))]
        np.testing.assert_allclose(row, np.mean(sites, axis=0), atol=1e-12)
    # wurtzite is fourfold coordinated and tetrahedral; that is what the labels should say
    labels = featurizer.feature_labels()
    assert found.structure[1][labels.index("wt CN_4")] > 0.9
    assert found.structure[1][labels.index("tetrahedral CN_4")] > 0.9


@pytest.mark.parametrize("text", ["Fe", "NaCl", "SrTiO3", "LiFePO4", "XeF2", "EsO2", "CsHe", "Cu3Au"])
def test_composition_fingerprint_is_matminers(text):
    from matminer.featurizers.composition import ElementProperty
    from pymatgen.core import Composition

    composition = Composition(text)
    formula = tuple(sorted((element.Z, int(n)) for element, n in composition.items()))
    expected = ElementProperty.from_preset("magpie", impute_nan=False).featurize(composition)
    np.testing.assert_allclose(_magpie(formula), np.array(expected, dtype=float), rtol=1e-9, atol=1e-9)


def test_composition_fingerprint_needs_a_composition_only():
    rows = composition_fingerprints(list(broken_cells().values()))
    assert rows.shape == (5, 132)
    assert np.isnan(rows[:3]).all()
    assert np.isfinite(rows[3:]).all()


def test_failures_have_their_names(monkeypatch, quick):
    samples = [*broken_cells().values(), box("Fe", [[0, 0, 0]])]
    found = fingerprint_cells(samples)
    assert found.failures == [*broken_cells(), ""]
    assert found.made.tolist() == [False] * 5 + [True]
    assert np.isnan(found.structure[:5]).all()
    assert quick == [digest(samples[-1])]

    def fail(cell):
        raise RuntimeError("Voronoi")

    monkeypatch.setattr(fingerprints, "site_fingerprints", fail)
    assert fingerprint_cells(samples[-1:]).failures == ["failed"]
    monkeypatch.setattr(fingerprints, "site_fingerprints", lambda cell: sleep(5))
    assert fingerprint_cells(samples[-1:], FingerprintSettings(timeout=0.05)).failures == ["timed_out"]
    monkeypatch.setattr(fingerprints, "site_fingerprints", lambda cell: np.full((1, 61), np.nan))
    assert fingerprint_cells(samples[-1:]).failures == ["failed"]


def test_the_same_cell_is_done_once(quick):
    iron, salt = box("Fe", [[0, 0, 0]]), box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    found = fingerprint_cells([iron, salt, iron, None, salt])
    assert len(quick) == 2
    assert found.structure[[0, 1, 2, 4], 0].tolist() == [1, 2, 1, 2]
    assert found.select([4, 3]).failures == ["", "unreadable"]


def test_cached_fingerprints_are_not_computed_again(tmp_path, quick):
    cells = known_cells()
    path = tmp_path / "deep" / "fingerprints.sqlite"
    first = fingerprint_cells(cells, work=Work(cache=path))
    assert len(quick) == len(cells)
    again = fingerprint_cells([None, *cells[::-1]], work=Work(cache=path))
    assert len(quick) == len(cells)
    np.testing.assert_array_equal(again.structure[1:], first.structure[::-1])


@pytest.mark.parametrize("package", ["matminer", "pymatgen-core"])
def test_another_version_of_the_packages_recomputes_fingerprints(package, tmp_path, quick, monkeypatch):
    path, cells = tmp_path / "fingerprints.sqlite", known_cells()[:2]
    fingerprint_cells(cells, work=Work(cache=path))
    installed = quantities.version
    monkeypatch.setattr(quantities, "version", lambda name: "999.0" if name == package else installed(name))
    fingerprint_cells(cells, work=Work(cache=path))
    fingerprint_cells(cells, work=Work(cache=path))
    assert len(quick) == 2 * len(cells)


def test_a_killed_run_resumes_where_it_stopped(tmp_path, quick, monkeypatch):
    cells, path = known_cells(), tmp_path / "fingerprints.sqlite"
    made = fingerprints.site_fingerprints

    def until_the_fourth(cell):
        if len(quick) == 4:
            raise KeyboardInterrupt
        return made(cell)

    monkeypatch.setattr(fingerprints, "site_fingerprints", until_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        fingerprint_cells(cells, work=Work(cache=path))
    monkeypatch.setattr(fingerprints, "site_fingerprints", made)
    assert fingerprint_cells(cells, work=Work(cache=path)).made.all()
    assert sorted(quick) == sorted({digest(cell) for cell in cells})


def test_a_time_out_is_tried_again_only_with_more_time(tmp_path, monkeypatch):
    path, tried = tmp_path / "x.sqlite", []

    def slow(cell):
        tried.append(digest(cell))
        raise TimeoutError

    monkeypatch.setattr(fingerprints, "site_fingerprints", slow)
    for seconds, times in ((10.0, 1), (5.0, 1), (10.0, 1), (11.0, 2)):
        made = fingerprint_cells(
            known_cells()[:1], FingerprintSettings(timeout=seconds), work=Work(cache=path)
        )
        assert made.failures == ["timed_out"]
        assert len(tried) == times, seconds


def test_a_failure_independent_of_time_limits_is_kept(tmp_path, monkeypatch):
    path, tried = tmp_path / "x.sqlite", []

    def broken(cell):
        tried.append(digest(cell))
        raise ValueError

    monkeypatch.setattr(fingerprints, "site_fingerprints", broken)
    for seconds in (10.0, 11.0):
        made = fingerprint_cells(
            known_cells()[:1], FingerprintSettings(timeout=seconds), work=Work(cache=path)
        )
        assert made.failures == ["failed"]
    assert len(tried) == 1


def test_a_file_older_than_namespaces_is_used(tmp_path, quick):
    """Its table and its rows are written here as they were written then."""
    cell, path = known_cells()[0], tmp_path / "fingerprints.sqlite"
    values = np.random.default_rng(0).random(61)
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE entries (recipe TEXT, name TEXT, array BLOB, failure TEXT, seconds REAL, "
        "PRIMARY KEY (recipe, name)) WITHOUT ROWID"
    )
    row = (fingerprints._recipe(), digest(cell), values.tobytes(), "", 60.0)
    database.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", row)
    database.commit()
    database.close()
    made = fingerprint_cells([cell], work=Work(cache=path))
    np.testing.assert_array_equal(made.structure[0], values)
    assert not quick


def test_bad_input_is_reported_by_name(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, only a text\n" * 40)
    with pytest.raises(DataError, match=r"notes\.txt can't be used as a cache"):
        fingerprint_cells([box("Fe", [[0, 0, 0]])], work=Work(cache=path))
    with pytest.raises(NucleateError, match="time limit must be above 0"):
        FingerprintSettings(timeout=0)


@pytest.mark.slow
def test_real_crystals_have_fingerprints_and_two_processes_make_the_same(tmp_path):
    cells = real_cells("mp_20", "val", 40)
    one = fingerprint_cells(cells, work=Work(cache=tmp_path / "a.sqlite"))
    two = fingerprint_cells(cells, work=Work.local(2, cache=tmp_path / "b.sqlite"))
    assert one.made.all()
    np.testing.assert_array_equal(one.structure, two.structure)


def test_a_flat_cell_is_refused_before_its_neighbours_are_searched():
    flat = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])._replace(lattice=np.diag([200.0, 5.0, 0.02]))
    assert defect(flat, JUDGED) == "too_flat"
    assert fingerprint_cells([flat]).failures == ["too_flat"]
    assert defect(flat, COMPARED) == "too_flat"
    thin = flat._replace(lattice=np.diag([200.0, 5.0, 0.2]))
    assert defect(thin, JUDGED) is None
    assert defect(thin, COMPARED) is None
