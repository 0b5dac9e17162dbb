"""The ranked list of a folder: every frame has a row, each crystal once, and files only for what can be used."""

import csv
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.data.extxyz import frame_text
from nucleate.discovery.shortlist import shortlist, write_shortlist
from nucleate.errors import DataError

ROCK_SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0, 0]]
).get_primitive_structure()
CAESIUM = Structure(Lattice.cubic(3.4), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
COLLIDING = Structure(Lattice.cubic(3.4), ["Na", "Cl"], [[0, 0, 0], [0.01, 0, 0]])


def frame(structure: Structure, sample: int, **info: object) -> str:
    header = {"sample": sample, "formula": "NaCl", "cell": "NaCl", "seed": 3, "nfe": 12, "model": "tiny"}
    header |= {"key": f"{sample:016x}", **info}
    return frame_text(
        np.array(structure.atomic_numbers), structure.frac_coords, structure.lattice.matrix, header
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two shards: three of rock salt, one of another kind, and two that are broken; sample 2 is in both shards."""
    frames = [frame(one, i) for i, one in enumerate((CAESIUM, ROCK_SALT, ROCK_SALT, ROCK_SALT, COLLIDING))]
    not_finite = Structure(Lattice(np.diag([3.0, 3.0, np.nan])), ["Na", "Cl"], np.zeros((2, 3)))
    unreadable = frame(CAESIUM, 6).replace("\nCl", "\nQq")
    (tmp_path / "predictions.0-of-2.extxyz").write_text(frames[0] + frames[2] + frames[4])
    rest = frames[1] + frames[2] + frames[3] + frame(not_finite, 5) + unreadable
    (tmp_path / "predictions.1-of-2.extxyz").write_text(rest)
    (tmp_path / "trajectories").mkdir()
    (tmp_path / "trajectories" / "NaCl-000.extxyz").write_text(frame(CAESIUM, 77))
    return tmp_path


def test_every_crystal_has_one_row(folder):
    rows, structures = shortlist(folder)
    assert [(row.sample, row.rank, row.agree, row.representative) for row in rows] == [
        (1, 1, 3, True),
        (2, 1, 3, False),
        (3, 1, 3, False),
        (0, 2, 1, True),
        (6, 0, 0, False),
        (4, 0, 0, False),
        (5, 0, 0, False),
    ]
    assert {row.samples for row in rows} == {7}
    assert [row.space_group for row in rows[:4]] == ["Fm-3m"] * 3 + ["Pm-3m"]
    assert rows[3].volume == pytest.approx(3.4**3 / 2)
    assert structures[4] is None
    assert np.isnan(rows[4].volume)


def test_files_hold_the_usable_structures_and_the_table_holds_all(folder):
    rows, structures = shortlist(folder)
    write_shortlist(folder, rows, structures, ["cif", "json"])
    with (folder / "ranking.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["sample"] for row in table] == [str(row.sample) for row in rows]
    assert table[0]["model"] == "tiny"
    assert table[0]["seed"] == "3"
    expected = {f"NaCl-{sample:03d}" for sample in range(4)}
    assert {path.stem for path in (folder / "cif").iterdir()} == expected
    assert {path.stem for path in (folder / "json").iterdir()} == expected
    text = (folder / "cif" / "NaCl-000.cif").read_text()
    assert "rank=2 agree=1/7 seed=3 nfe=12 model=tiny" in text.splitlines()[0]
    read = Structure.from_str(text, fmt="cif")
    np.testing.assert_allclose(read.lattice.abc, CAESIUM.lattice.abc, atol=1e-4)


def test_formulas_are_ranked_separately_over_all_their_cells(tmp_path):
    double = ROCK_SALT.copy()
    double.make_supercell((1, 1, 2))
    other = Structure(Lattice.cubic(4.0), ["K", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    text = frame(double, 0, cell="Na2Cl2", key="a") + frame(ROCK_SALT, 0, key="b")
    (tmp_path / "predictions.extxyz").write_text(text + frame(other, 0, formula="KCl", cell="KCl", key="c"))
    rows, _ = shortlist(tmp_path)
    assert [(row.formula, row.file, row.rank, row.agree, row.samples) for row in rows] == [
        ("NaCl", "NaCl-000", 1, 2, 2),
        ("NaCl", "Na2Cl2-000", 1, 2, 2),
        ("KCl", "KCl-000", 1, 1, 1),
    ]


def test_formulas_come_in_the_requested_order(tmp_path):
    other = Structure(Lattice.cubic(4.0), ["K", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    text = frame(ROCK_SALT, 0) + frame(other, 0, formula="KCl", cell="KCl", key="c") + frame(COLLIDING, 1)
    (tmp_path / "predictions.extxyz").write_text(text)
    rows = shortlist(tmp_path, ["KCl", "SrO"])[0]
    assert [(row.formula, row.place, row.rank) for row in rows] == [
        ("KCl", 1, 1),
        ("NaCl", 1, 1),
        ("NaCl", 2, 0),
    ]


def test_an_unfinished_frame_is_left_out(tmp_path):
    text = frame(ROCK_SALT, 0) + frame(CAESIUM, 1)
    for cut in (-1, -5, -len(frame(CAESIUM, 1)) + 1):
        (tmp_path / "predictions.extxyz").write_text(text[:cut])
        assert [row.sample for row in shortlist(tmp_path)[0]] == [0]


def test_the_same_key_with_another_seed_is_another_crystal(tmp_path):
    (tmp_path / "predictions.extxyz").write_text(frame(ROCK_SALT, 0) + frame(ROCK_SALT, 0, seed=4))
    assert sorted(row.seed for row in shortlist(tmp_path)[0]) == [3, 4]


def test_a_job_that_has_drawn_nothing_yet_has_no_rows(tmp_path):
    (tmp_path / "job.json").write_text("{}")
    assert shortlist(tmp_path) == ([], [])
    write_shortlist(tmp_path, [], [], ["cif"])
    assert len((tmp_path / "ranking.csv").read_text().splitlines()) == 1


def test_foreign_folders_and_headers_are_errors(tmp_path):
    with pytest.raises(DataError, match="no predictions in"):
        shortlist(tmp_path)
    (tmp_path / "predictions.extxyz").write_text(frame(ROCK_SALT, 0, model=None))
    with pytest.raises(DataError, match=r"frame 0: its header does not say how it was made \('model'\)"):
        shortlist(tmp_path)
