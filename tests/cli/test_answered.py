"""`nucleate predict --model answers`: files, table, JSON, doubts, resuming, and what can't be asked for."""

from __future__ import annotations

import csv
import itertools
import json

import numpy as np
import pytest
from ase.build import bulk
from pymatgen.core import Structure

import nucleate
from nucleate.cell import Cell
from nucleate.cli.answered import tell_budget
from nucleate.data.columns import make_tables
from nucleate.data.extxyz import frame_text
from nucleate.data.writing import write_dataset
from nucleate.discovery.answered import answers_in
from nucleate.energies.potentials import potential_named
from nucleate.energies.relax import relax
from nucleate.errors import DataError
from tests.cli.words import assert_one_line, run

QUICK = ("--model", "answers", "--propose", "prototypes", "--potential", "none")
HEADER = {
    "sample": 0, "formula": "Cu", "cell": "Cu", "seed": 0, "nfe": 0, "model": "answers", "key": "0",
    "probability": 0.25, "proposed_by": "prototypes:1",
}  # fmt: skip


def written(folder, **header) -> None:
    cell = Cell(np.array([29]), np.zeros((1, 3)), 1.8 * (np.ones((3, 3)) - np.eye(3)))
    folder.mkdir(exist_ok=True)
    with (folder / "predictions.extxyz").open("a") as file:
        file.write(frame_text(*cell, {**HEADER, **header}))


def test_files_table_and_ranking_hold_the_same_answers(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "predict", "KNiF3", "MgO", "-n", 3, *QUICK, "--out", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert "Pm-3m" in said.out
    assert "answers marked (known) are crystals of that composition" in said.err
    rows = list(csv.DictReader((tmp_path / "out" / "ranking.csv").open()))
    assert [(row["formula"], row["rank"]) for row in rows] == [
        (formula, str(rank)) for formula in ("KNiF3", "MgO") for rank in (1, 2, 3)
    ]
    assert all(
        float(one["probability"]) >= float(other["probability"])
        for one, other in itertools.pairwise(rows[:3])
    )
    perovskite = Structure.from_file(tmp_path / "out" / "cif" / f"{rows[0]['file']}.cif")
    assert perovskite.composition.reduced_formula == "KNiF3"
    assert perovskite.get_space_group_info(symprec=1e-3)[1] == 221
    # the same command again draws nothing, another setting is another job
    before = (tmp_path / "out" / "predictions.extxyz").read_bytes()
    assert run(monkeypatch, "predict", "KNiF3", "MgO", "-n", 3, *QUICK, "--out", tmp_path / "out") == 0
    assert (tmp_path / "out" / "predictions.extxyz").read_bytes() == before
    capsys.readouterr()
    assert run(
        monkeypatch, "predict", "KNiF3", "MgO", "-n", 3, *QUICK, "--rank", "prior", "--out", tmp_path / "out"
    )
    assert_one_line(capsys, "holds")


def test_json_has_structures_and_where_they_come_from(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "predict", "MgO", "-n", 2, "--json", "--top", 1, *QUICK, "--out", tmp_path) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["rank"], entry["known"], entry["prototype"]) == (1, True, "AB_cF8_225_a_b")
    assert Structure.from_dict(entry["structure"]).composition.reduced_formula == "MgO"
    assert (tmp_path / "cif" / f"{entry['file']}.cif").is_file()


def test_doubtful_first_answers_give_a_warning(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "predict", "LiFePO4", "-n", 1, *QUICK, "--out", tmp_path) == 0
    assert "the first answer is probably not right for LiFePO4" in capsys.readouterr().err


def test_a_budget_of_seconds_is_kept_with_the_answers_and_told(monkeypatch, tmp_path, capsys):
    words = ("predict", "NaCl", "-n", 2, *QUICK, "--out", tmp_path, "--seconds")
    assert run(monkeypatch, *words, 600) == 0
    assert "every formula was answered within 600 s" in capsys.readouterr().err
    assert run(monkeypatch, *words, 600) == 0
    capsys.readouterr()
    assert run(monkeypatch, *words, 5)
    assert_one_line(capsys, "holds crystals made with other sampler")


def test_formulas_that_ran_out_of_seconds_are_named(tmp_path, capsys):
    written(tmp_path, cut_short="free+relaxing")
    written(tmp_path, formula="CuO", key="1")
    tell_budget([row for row, _ in answers_in(tmp_path)], 2.0)
    said = capsys.readouterr().err
    assert "2 s were not enough for Cu: cut short were free, relaxing" in said


def test_python_relaxes_answers_as_the_command_line_does(monkeypatch):
    monkeypatch.setattr("nucleate.answers.answerer.installed_potential", lambda: "emt")
    model = nucleate.load()
    (relaxed,) = model.predict("Cu")
    assert "energy_per_atom" in relaxed.properties
    (plain,) = model.predict("Cu", sampler=model.sampler())
    assert "energy_per_atom" not in plain.properties


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--propose", "oracle"), "there is no proposer 'oracle'"),
        (("--rank", "energy"), "can't be ranked by energy without a potential"),
        (("--nfe", "20"), "nfe 20 means nothing to answers"),
        (("--space-group", "225"), "answers can't be asked for space group 225"),
        (("--set", 'sources=["mp_99"]'), "no source 'mp_99'"),
        (("--trajectory",), "has no trajectories"),
    ],
)
def test_impossible_options_of_answers_are_refused(monkeypatch, tmp_path, capsys, words, part):
    options = (
        [word for word in QUICK if word not in ("--propose", "prototypes")] if "--propose" in words else QUICK
    )
    assert run(monkeypatch, "predict", "MgO", *options, *words, "--out", tmp_path / "out") == 2
    assert_one_line(capsys, part)


def test_options_of_answers_are_refused_with_a_model(monkeypatch, tmp_path, capsys):
    words = ("predict", "MgO", "--model", "kldm-perov5-csp", "--rank", "prior", "--out", tmp_path / "out")
    assert run(monkeypatch, *words) == 2
    assert_one_line(capsys, "--rank prior has no effect")


def test_options_of_a_single_model_choose_one_where_none_is_named(monkeypatch, tmp_path, capsys):
    words = ("predict", "MgO", "-n", 1, "--formula-units", 1, "--out", tmp_path / "a")
    assert run(monkeypatch, *words, "--nfe", 4) == 0
    assert "kldm-mp20-csp draws, since --nfe is for a single model" in capsys.readouterr().err
    assert json.loads((tmp_path / "a" / "job.json").read_text())["model"] == "kldm-mp20-csp"
    words = ("predict", "MgO", "-n", 1, *QUICK[2:], "--out", tmp_path / "b")
    assert run(monkeypatch, *words) == 0
    assert json.loads((tmp_path / "b" / "job.json").read_text())["model"] == "answers"


def test_answers_with_energies_stand_above_the_hull_of_a_reference(monkeypatch, tmp_path, capsys):
    names = ("Cu", "Au")
    metals = relax([Cell.of_atoms(bulk(name)) for name in names], potential_named("emt"))
    rows = [(name, one.cell, {}) for name, one in zip(names, metals, strict=True) if one.cell]
    tables = make_tables({"train": rows})
    write_dataset(tables, tmp_path / "metals", {"name": "metals", "licence": "none"})
    asked = ("predict", "Cu3Au", "-n", 3, "--propose", "prototypes", "--potential", "emt")
    words = (*asked, "--reference", tmp_path / "metals", "--out", tmp_path / "out")
    assert run(monkeypatch, *words) == 0
    assert "above hull" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "out" / "ranking.csv").open()))
    placed = [(float(row["above_hull"]), float(row["energy"])) for row in rows if row["energy"]]
    assert len(placed) == 3
    copper, gold = (one.energy_per_atom or 0.0 for one in metals)
    for above, energy in placed:
        assert above == pytest.approx(1000 * (energy - 0.75 * copper - 0.25 * gold), abs=0.1)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--reference", "nowhere", "--potential", "none"), "a hull needs energies"),
        (("--hull", "dft", "--potential", "emt"), "the hull 'dft' needs a data set"),
        (("--hull", "emt", "--potential", "emt"), "--hull emt needs a data set"),
        (("--reference", "nowhere", "--potential", "emt"), "no data set nowhere"),
        (("--hull", "nothing.json", "--potential", "emt"), "no hull is called 'nothing.json'"),
    ],
)
def test_hulls_that_can_not_be_had_are_refused(monkeypatch, tmp_path, capsys, words, part):
    asked = ("predict", "Cu3Au", "-n", 1, "--propose", "prototypes", *words, "--out", tmp_path / "out")
    assert run(monkeypatch, *asked) == 2
    assert_one_line(capsys, part)
    assert not (tmp_path / "out").exists()


def test_a_composition_without_proposals_is_reported(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "predict", "Na7Cl3KBr11", "-n", 2, *QUICK, "--out", tmp_path / "out") == 2
    assert_one_line(capsys, "nothing was proposed for Na7Cl3KBr11: no known crystal has its stoichiometry")


def test_rows_come_by_formula_and_rank_with_energies_in_mev(tmp_path):
    written(tmp_path, sample=1, key="1", above_lowest=0.012, energy_per_atom=-3.5, relaxation="stopped")
    written(tmp_path)
    (first, _), (second, cell) = answers_in(tmp_path)
    assert (first.rank, second.rank) == (1, 2)
    assert (first.above_lowest, second.above_lowest) == (None, pytest.approx(12))
    assert (second.energy, second.relaxation) == (-3.5, "stopped")
    assert second.volume == pytest.approx(cell.volume)


def test_a_frame_of_another_program_is_named(tmp_path):
    written(tmp_path, probability="much")
    with pytest.raises(DataError, match=r"predictions.extxyz, frame 0: its header is not that of an answer"):
        answers_in(tmp_path)
