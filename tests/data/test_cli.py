"""The commands of `nucleate data`, run as a user runs them."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from nucleate.cli.data import app
from nucleate.errors import DataError
from tests.data.crystal_makers import cif, random_structure, write_csv


def nucleate_data(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def source(path: Path) -> Path:
    rows = [{"material_id": f"m{i}", "cif": cif(random_structure(i)), "gap": i} for i in range(4)]
    return write_csv(path, [*rows, {"material_id": "bad", "cif": "?", "gap": 1}])


def test_import_then_info(tmp_path: Path) -> None:
    file, other = source(tmp_path / "a.csv"), source(tmp_path / "b.csv")
    options = ("--licence", "CC0", "--workers", 1)
    done = nucleate_data("import", "--train", file, "--val", other, "--out", tmp_path / "set", *options)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "train 4, val 4" in done.stderr
    assert "1 refused: unreadable cif" in done.stderr
    told = nucleate_data("info", tmp_path / "set")
    assert "train: 4 crystals, 16 atoms, 1 rows refused" in told.stdout
    assert "licence   CC0" in told.stdout
    assert "property  gap: number, known for 4, 0 to 3" in told.stdout
    as_json = json.loads(nucleate_data("info", tmp_path / "set", "--json").stdout)
    assert as_json["counts"] == {"train": 4, "val": 4}


def test_errors_say_one_line_and_a_hint(tmp_path: Path) -> None:
    file = source(tmp_path / "a.csv")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "dataset.json").write_text('{"checksums": {}}')
    for arguments, message in (
        (("import", "--out", tmp_path / "set"), "give either sources or"),
        (("import", file, "--train", file, "--out", tmp_path / "set"), "not both"),
        (("import", file, "--split", "1,2", "--out", tmp_path / "set"), "split '1,2' is not three numbers"),
        (("import", file, "--strict", "--out", tmp_path / "set"), "1 of 5 rows are refused"),
        (("import", file, "--out", file / "set", "--workers", 1), "can't be made in"),
        (("download", "perov_5", "--out", file / "set"), "can't be made in"),
        (("info", file), "is a file, and a data set is a folder"),
        (("info", tmp_path / "bare"), "lacks rejected, settings, statistics"),
        (("info", tmp_path / "nowhere"), "no data set"),
        (("download", "mp20", "--out", tmp_path / "set"), "no benchmark 'mp20'"),
    ):
        done = nucleate_data(*arguments)
        assert isinstance(done.exception, DataError), arguments
        assert message in done.exception.message
        assert "\n" not in done.exception.message
        assert done.exception.hint
        assert not (tmp_path / "set").exists()
