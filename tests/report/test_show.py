"""A report is read back from its JSON file and drawn again: text, table and page are equal to the first ones."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nucleate.cell import Cell
from nucleate.cli.evaluate import app
from nucleate.data.table import write_table
from nucleate.errors import DataError, NucleateError
from nucleate.metrics.csp.evaluate import evaluate as evaluate_csp
from nucleate.metrics.dng import record
from nucleate.records.reports import Report, read_report, write_report
from nucleate.report import files
from nucleate.report.csp_text import summary as csp_summary
from nucleate.report.dng_table import rows
from nucleate.report.dng_text import summary
from nucleate.report.html.page import page
from tests.metrics.crystals_for_tests import known_crystals, table_of
from tests.metrics.dng.small_data import data_set, write_samples
from tests.report.made_report import made_report

CRYSTALS = known_crystals()
CELLS = [Cell.of(crystal) for crystal in CRYSTALS]


def invoke(*words: object):
    result = CliRunner().invoke(app, list(map(str, words)))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_written_report_is_read_back(tmp_path: Path) -> None:
    lost = CELLS[2]._replace(frac=CELLS[2].frac * np.nan, lattice=np.full((3, 3), -np.inf))
    report = made_report([*CELLS, None, lost], [f"<{i}>" for i in range(12)])
    report = replace(report, samples=replace(report.samples, hashes=[f"k{i}" for i in range(12)]))
    report.relaxed[1] = CELLS[1]
    column = report.families["stability"].columns["energy_above_hull"]
    column[2], column[3], column[4] = np.float64(1 / 3), float("nan"), float("-inf")
    files.save_dng(report, tmp_path / "a.json", None, None)
    again = files.load(tmp_path / "a.json")
    assert page(again) == page(report)
    assert summary(again, full=True) == summary(report, full=True)
    assert json.dumps(rows(again)) == json.dumps(rows(report))
    assert again.samples.keys() == report.samples.keys()
    assert again.protocol == report.protocol
    assert again.to_dict() == report.to_dict()
    files.save_dng(again, tmp_path / "b.json", None, None)
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_the_file_is_json_for_everyone_and_begins_with_the_numbers(tmp_path: Path) -> None:
    lost = CELLS[2]._replace(frac=CELLS[2].frac * np.nan)
    report = made_report([CELLS[0], lost])
    files.save_dng(report, tmp_path / "a.json", None, None)
    text = (tmp_path / "a.json").read_text()
    numbers = json.dumps(report.to_dict(), indent=2, default=str)
    assert text.startswith(
        numbers.removesuffix("\n}") + ',\n  "report": "dng",\n  "format": 1,\n  "record": {'
    )
    _, _, own = text.partition('"record": ')
    json.loads(own.removesuffix("\n}\n"), parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Path:
    """An evaluation of generated crystals from files to files."""
    folder = tmp_path_factory.mktemp("dng")
    data_set(folder / "data")
    write_samples(folder / "cifs")
    first = invoke(
        "dng", folder / "cifs", "--reference", folder / "data", "--relax", "emt", "--no-coverage", "--workers", 1,
        "--json", folder / "a.json", "--html", folder / "a.html", "--table", folder / "a.csv", "--full",
    )  # fmt: skip
    (folder / "a.txt").write_text(first.stdout)
    return folder


def test_generated_crystals_are_drawn_again(judged: Path, tmp_path: Path) -> None:
    again = invoke(
        "show",
        judged / "a.json",
        "--html",
        tmp_path / "new" / "a.html",
        "--table",
        tmp_path / "a.csv",
        "--full",
    )
    assert again.stdout == (judged / "a.txt").read_text()
    assert (tmp_path / "new" / "a.html").read_bytes() == (judged / "a.html").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (judged / "a.csv").read_bytes()


def test_predictions_are_drawn_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_table(table_of(CRYSTALS[:4]), tmp_path / "data" / "val.parquet")
    (tmp_path / "pred").mkdir()
    for row, crystal in enumerate(CRYSTALS[:4]):
        crystal.to(str(tmp_path / "pred" / f"x-{row}.cif"))
    (tmp_path / "pred" / "x-0.cif").write_text("data_nothing\n")
    first = invoke(
        "csp", tmp_path / "pred", "--reference", tmp_path / "data", "--workers", 1,
        "--json", tmp_path / "a.json", "--table", tmp_path / "a.parquet",
    )  # fmt: skip
    again = invoke("show", tmp_path / "a.json", "--table", tmp_path / "b.parquet")
    assert again.stdout == first.stdout
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "a.parquet").read_bytes()
    for words, what in ((["--html", tmp_path / "a.html"], "page"), (["--full"], "longer text")):
        with pytest.raises(NucleateError, match=f"a report on predictions has no {what}"):
            invoke("show", tmp_path / "a.json", *words)
    assert not (tmp_path / "a.html").exists()


def test_a_csp_report_from_python(tmp_path: Path) -> None:
    report = evaluate_csp([(0, 0, CELLS[0]), (1, 0, None)], table_of(CRYSTALS[:3]))
    files.save_csp(report, tmp_path / "a.json", None)
    again = files.load(tmp_path / "a.json")
    assert again.to_dict() == report.to_dict()
    assert again.rows == report.rows
    assert csp_summary(again) == csp_summary(report)


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match="no file"):
        read_report(path)
    whole = record.to_record(made_report(CELLS[:1]))
    write_report(path, whole)
    assert read_report(path).record.keys() == whole.record.keys()
    content = json.loads(path.read_text())
    for change, message in (
        ("{", "is not a report"),
        ("[1, 2]", "is not a report"),
        (json.dumps(whole.numbers), "holds only numbers, not a record that a report can be made from"),
        (json.dumps(content | {"format": 2}), "has format 2, and this version reads up to 1"),
        (json.dumps(content | {"report": "xyz"}), "a report of an unknown kind, 'xyz'"),
        (json.dumps(content | {"record": {}}), "an incomplete record of a report"),
    ):
        path.write_text(change)
        with pytest.raises(DataError, match=message) as error:
            files.load(path)
        assert error.value.hint


def test_a_report_can_go_into_a_pipe(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write_report(pipe, Report("dng", {"a": 1}, {"b": 2}))
    reader.join(10)
    assert json.loads(got[0]) == {"a": 1, "report": "dng", "format": 1, "record": {"b": 2}}
    assert pipe.is_fifo()
