"""`nucleate evaluate csp` from files to files."""

import csv
import json

import pyarrow.parquet as pq
import pytest
from ase.io import write
from pymatgen.io.ase import AseAtomsAdaptor
from typer.testing import CliRunner

from nucleate.cli.evaluate import app
from nucleate.data.table import write_table
from nucleate.errors import DataError, NucleateError
from tests.metrics.crystals_for_tests import known_crystals, table_of


@pytest.fixture
def folders(tmp_path):
    crystals = known_crystals()[:4]
    (tmp_path / "data").mkdir()
    write_table(table_of(crystals), tmp_path / "data" / "val.parquet")
    (tmp_path / "pred").mkdir()
    frames = []
    for row, crystal in enumerate(crystals):
        for sample in range(2):
            atoms = AseAtomsAdaptor.get_atoms(crystal)
            atoms.info = {"crystal": row, "sample": sample, "material_id": f"x-{row}"}
            frames.append(atoms)
    write(tmp_path / "pred" / "predictions.extxyz", frames)
    return tmp_path


def run(folders, *options: str):
    arguments = [
        "csp",
        str(folders / "pred"),
        "--reference",
        str(folders / "data"),
        "--workers",
        "1",
        *options,
    ]
    return CliRunner().invoke(app, arguments)


def test_summary_json_and_table(folders):
    result = run(
        folders, "--json", str(folders / "out" / "a.json"), "--table", str(folders / "a.csv"), "-k", "1,2"
    )
    assert result.exit_code == 0, result.output
    assert "4 crystals, 2 samples each, 8 predictions" in result.stdout
    assert "100.00 [51.01, 100.00] %" in result.stdout
    assert "matching" not in result.stdout
    content = json.loads((folders / "out" / "a.json").read_text())
    assert content["geometry"]["match_rate@2"]["value"] == 1.0
    assert content["settings"]["split"] == "val"
    with (folders / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["material_id"], row["sample"]) for row in rows[:3]] == [
        ("x-0", "0"),
        ("x-0", "1"),
        ("x-1", "0"),
    ]
    assert all(row["matched"] == "True" for row in rows)


def test_one_protocol(folders):
    result = run(folders, "--protocol", "geometry", "--no-metre")
    assert result.exit_code == 0, result.output
    assert "smact" not in result.stdout
    assert "metre" not in result.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "test"], "has no split 'test'"),
        (["--table", "a.txt"], "no table can be written as a.txt"),
        (["-k", "1,20"], "k = 20 needs 20 samples"),
        (["-k", "one"], "not a list of whole numbers"),
        (["--protocol", "diffcsp"], "no protocol is called 'diffcsp'"),
    ],
)
def test_wrong_options_are_errors_of_the_user(folders, options, message):
    error = run(folders, *options).exception
    assert isinstance(error, NucleateError)
    with pytest.raises(NucleateError, match=message):
        raise error


def test_wrong_options_are_found_before_the_predictions_are_read(folders):
    (folders / "pred" / "predictions.extxyz").write_text("no crystals")
    for options, hint in (
        (["--split", "nope"], "it has val"),
        (["--table", "new/a.txt"], ".csv or .parquet"),
    ):
        error = run(folders, *options).exception
        assert isinstance(error, NucleateError)
        assert hint in error.hint
    assert not (folders / "new").exists()


def test_a_table_as_parquet(folders):
    result = run(folders, "--table", str(folders / "a.parquet"), "--protocol", "geometry", "--no-metre")
    assert result.exit_code == 0, result.output
    rows = pq.ParquetFile(folders / "a.parquet").read().to_pylist()
    assert [row["material_id"] for row in rows] == [f"x-{i}" for i in range(4) for _ in range(2)]


def test_missing_predictions(folders):
    result = CliRunner().invoke(app, ["csp", str(folders / "none"), "--reference", str(folders / "data")])
    assert isinstance(result.exception, DataError)
