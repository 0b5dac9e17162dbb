"""Crystals to relax from several sources, and the record of a folder that may only grow."""

import json
from pathlib import Path

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.discovery.candidates import Candidate, claim, contents, file_names, formula_of, read_candidates
from nucleate.errors import DataError
from tests.data.crystal_makers import cif, random_structure

SALT = Cell(np.array([11, 17]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 3.4 * np.eye(3))
OTHER = Cell(np.array([55, 17]), SALT.frac, 4.1 * np.eye(3))


def test_formulas_name_elements_as_they_come():
    titanate = Cell(np.array([38, 8, 22, 8, 8]), np.zeros((5, 3)), 4.0 * np.eye(3))
    assert (formula_of(titanate), formula_of(SALT)) == ("SrO3Ti", "NaCl")


def structure_file(path: Path, seed: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(cif(random_structure(seed)))
    return path


def test_crystals_of_one_name_are_numbered(tmp_path):
    files = [structure_file(tmp_path / folder / "x.cif", seed) for seed, folder in enumerate(("a", "b", "c"))]
    found = read_candidates(files)
    assert [one.name for one in found] == ["x", "x (2)", "x (3)"]
    assert all(one.cell is not None for one in found)


def test_an_unreadable_source_is_an_error_only_alone(tmp_path):
    good, bad = structure_file(tmp_path / "good.cif", 0), tmp_path / "bad.txt"
    bad.write_text("nothing")
    found = read_candidates([good, bad])
    assert [one.cell is None for one in found] == [False, True]
    assert "unknown kind" in found[1].problem
    with pytest.raises(DataError, match="unknown kind"):
        read_candidates([bad])


@pytest.mark.parametrize("paths", [[], ["nowhere.cif"]])
def test_missing_paths_are_an_error(tmp_path, paths):
    with pytest.raises(DataError, match="no file or folder"):
        read_candidates([tmp_path / path for path in paths])


def test_file_names_are_safe_and_differ_without_regard_to_case():
    names = file_names([Candidate(name, SALT) for name in ("a/b", "A_b", ".hidden", "", "x" * 300)])
    assert names == ["a_b", "A_b-2", "hidden", "_", "x" * 200]


def test_a_folder_may_grow_but_not_lose_or_change_crystals(tmp_path):
    first = [Candidate("salt", SALT), Candidate("broken", None, "unreadable")]
    claim(tmp_path, {"potential": "p"}, contents(first))
    repaired = [Candidate("salt", SALT), Candidate("broken", OTHER), Candidate("new", OTHER)]
    claim(tmp_path, {"potential": "p"}, contents(repaired))
    assert set(json.loads((tmp_path / "relax.json").read_text())["crystals"]) == {"salt", "broken", "new"}
    with pytest.raises(DataError, match=r"1 crystals that are missing here or have changed; the first: salt"):
        claim(tmp_path, {"potential": "p"}, contents([Candidate("salt", OTHER), *repaired[1:]]))
    with pytest.raises(DataError, match="the first: new"):
        claim(tmp_path, {"potential": "p"}, contents(repaired[:2]))


def test_other_settings_are_refused_but_defaults_may_be_left_out(tmp_path):
    claim(tmp_path, {"potential": "p"}, {})
    claim(tmp_path, {"potential": "p", "max_steps": 200}, {})
    with pytest.raises(DataError, match=r"other settings \(potential p, now q\)"):
        claim(tmp_path, {"potential": "q"}, {})
