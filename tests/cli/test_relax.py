"""nucleate relax: files of any kind in, relaxed files, a table and JSON out; what it says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pymatgen.core import Structure

from tests.cli.words import assert_one_line, run
from tests.energies.crystals import copper_gold, fcc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CIF, a POSCAR and a file that is none."""
    (tmp_path / "in").mkdir()
    copper_gold()["CuAu"].to(tmp_path / "in/alloy.cif")
    fcc("Cu", 3.7).to(str(tmp_path / "in/POSCAR_copper"), fmt="poscar")
    (tmp_path / "in/broken.cif").write_text("data_broken\n")
    return tmp_path / "in"


def test_files_are_relaxed_and_the_broken_one_is_named(folder, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "out"
    words = [
        "relax",
        folder,
        "--potential",
        "emt",
        "--out",
        out,
        "--workers",
        "1",
        "--fmax",
        "0.1",
        "--keep-symmetry",
    ]
    assert run(monkeypatch, *words, "--cell", "conventional", "--format", "cif,poscar") == 0
    said = capsys.readouterr()
    assert "2 of 3 relaxed; 1 failed (1 unreadable)" in said.err
    assert {"alloy", "POSCAR_copper", "broken"} <= set(said.out.split())
    assert {path.name for path in (out / "cif").iterdir()} == {"alloy.cif", "POSCAR_copper.cif"}
    assert {path.name for path in (out / "poscar").iterdir()} == {"alloy.vasp", "POSCAR_copper.vasp"}
    assert len(Structure.from_file(out / "cif/POSCAR_copper.cif")) == 4
    assert "relaxed with emt" in (out / "cif/alloy.cif").read_text().splitlines()[0]
    assert run(monkeypatch, *words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["keep_symmetry"] == 0.1
    by_name = {row["name"]: row for row in found["crystals"]}
    assert by_name["broken"]["status"] == "unreadable"
    assert by_name["POSCAR_copper"]["space_group"] == "Fm-3m"
    assert by_name["POSCAR_copper"]["energy"] < by_name["POSCAR_copper"]["energy_before"]
    assert run(monkeypatch, *words[:-1], "--free") == 2
    assert_one_line(capsys, "holds crystals relaxed with other settings (keep_symmetry 0.1, now None)")


def test_the_exit_status_is_1_where_nothing_could_be_relaxed(folder, tmp_path, monkeypatch, capsys) -> None:
    fcc("Na", 5.3).to(tmp_path / "sodium.cif")
    words = [
        "relax",
        folder / "broken.cif",
        tmp_path / "sodium.cif",
        "--potential",
        "emt",
        "--out",
        tmp_path / "out",
    ]
    assert run(monkeypatch, *words, "--workers", "1") == 1
    assert "0 of 2 relaxed; 2 failed (1 unreadable, 1 failed)" in capsys.readouterr().err
    assert "No EMT-potential for Na" in (tmp_path / "out/relaxed.csv").read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nowhere.cif"], "no file or folder nowhere.cif"),
        (["IN", "--potential", "magic"], "no potential is called 'magic'"),
        (["IN", "--potential", "mattersim"], "needs the package mattersim, which is not installed"),
        (["IN", "--fmax", "0"], "fmax = 0.0 eV/Å"),
        (["IN", "--cell", "cubic"], "no form of a cell is called 'cubic'"),
        (["IN", "--format", "pdf"], "no format 'pdf'"),
    ],
)
def test_wrong_input_is_one_sentence_with_a_hint(words, part, folder, tmp_path, monkeypatch, capsys) -> None:
    potential = [] if "--potential" in words else ["--potential", "emt"]
    words = [folder if word == "IN" else word for word in words]
    assert run(monkeypatch, "relax", *words, *potential, "--out", tmp_path / "out") == 2
    assert_one_line(capsys, part)
    assert not (tmp_path / "out").exists()
