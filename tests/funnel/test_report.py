"""What a run leaves for people, and the command line."""

from __future__ import annotations

import csv

import pytest
from typer.testing import CliRunner

from nucleate.cli.main import app
from nucleate.funnel import run as runs
from nucleate.funnel.report import write_report
from nucleate.records.ledger import Ledger
from nucleate.records.tallies import tallies
from nucleate.report.html.hull_plots import HullPoint, histogram, systems
from tests.funnel.crystals import caesium_chloride, plan_of, rocksalt, some_crystals, write_crystals

RUNNER = CliRunner()


@pytest.fixture
def folder(tmp_path):
    some_crystals(tmp_path / "given.extxyz", 40)
    runs.run(
        plan_of(tmp_path, 'kind = "sanitise"', 'kind = "duplicates"', 'kind = "shortlist"\nn = 3'),
        tmp_path / "out",
    )
    return tmp_path


def call(*words: object) -> str:
    result = RUNNER.invoke(app, ["discover", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_report_says_what_the_ledger_says(folder):
    assert write_report(folder / "out") == 3
    page = (folder / "out/report.html").read_text()
    with Ledger.existing(folder / "out") as ledger:
        found = tallies(ledger)
    assert "$" not in page.partition("<script")[0].partition("</style>")[2]
    for one in found:
        assert f'<td>{one.label}</td><td class="n">{one.passed}</td>' in page
        for _, reason, count, example in one.reasons:
            assert f"<td>{reason}</td><td>{count}</td>" in page
            assert example in page
    rows = list(csv.DictReader((folder / "out/shortlist.csv").open()))
    assert [row["shortlist.place"] for row in rows] == ["1", "2", "3"]
    assert sorted(path.stem for path in (folder / "out/shortlist").iterdir()) == sorted(
        row["id"] for row in rows
    )


def test_commands_of_a_run(folder):
    plan = folder / "plan.toml"
    plan.write_text(
        f'[[generate]]\nfolder = "{folder / "given.extxyz"}"\nname = "given"\n[[stage]]\nkind = "sanitise"\n'
        '[[stage]]\nkind = "duplicates"\n[[stage]]\nkind = "shortlist"\nn = 3\n[work]\nworkers = 1\n'
    )
    assert "3 came through all stages" in call(plan, "--out", folder / "out")
    status = call("status", folder / "out")
    assert "sanitise" in status
    assert "too dense" in status
    way = call("why", folder / "out", "given-0000001")
    assert "given-0000001: " in way
    assert "generate" in way
    assert "3 candidates written" in call("export", folder / "out", "--out", folder / "last.csv")
    call("export", folder / "out", "--out", folder / "all.extxyz", "--stage", "sanitise")
    with Ledger.existing(folder / "out") as ledger:
        passed = tallies(ledger)[1].passed
    assert (folder / "all.extxyz").read_text().count("Lattice=") == passed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.toml",), "no plan nothing.toml"),
        (("why", "OUT", "given-9999999"), "no candidate is called"),
        (("retry", "OUT", "--reason", "timeout"), "no candidate of"),
        (("status", "nowhere"), "no ledger of a funnel in nowhere"),
        (("export", "OUT", "--out", "x.csv", "--stage", "relax"), "is called 'relax'"),
        (("export", "OUT", "--out", "x.pdf"), "no table can be written as x.pdf"),
    ],
)
def test_mistakes_are_one_sentence_and_a_hint(folder, words, message):
    from nucleate.errors import NucleateError

    result = RUNNER.invoke(
        app, ["discover", *[str(folder / "out") if word == "OUT" else word for word in words]]
    )
    assert isinstance(result.exception, NucleateError)
    assert message in result.exception.message
    assert result.exception.hint


def test_hull_plots():
    points = [
        HullPoint(
            "a-0000000",
            "NaCl",
            {"Na": 0.5, "Cl": 0.5},
            0.02,
            True,
            True,
            {"NaCl (x)": {"Na": 0.5, "Cl": 0.5}},
        ),
        HullPoint("a-0000001", "Na2Cl", {"Na": 0.67, "Cl": 0.33}, 0.4, False),
        HullPoint("a-0000002", "LiFeO2", {"Li": 0.25, "Fe": 0.25, "O": 0.5}, 0.1, True),
    ]
    assert "All 3 that were placed" in histogram(points)
    first, second = systems(points)
    assert "<figcaption>Cl-Na" in first
    assert "<figcaption>Fe-Li-O" in second
    assert "NaCl (x): on the hull" in first
    assert first.count("<circle") == 2


def test_a_run_with_a_hull_is_shown_with_its_plots(tmp_path):
    cells = [rocksalt(29, 47, 5.0), caesium_chloride(28, 13, 2.9), caesium_chloride(46, 13, 3.0)]
    write_crystals(tmp_path / "given.extxyz", cells)
    hull = 'kind = "hull"\npotential = "emt"\nmost = 90\nleast = -90\nnear = 0.0'
    plan = plan_of(tmp_path, 'kind = "relax"\npotential = "emt"', hull)
    runs.run(plan, tmp_path / "out")
    write_report(tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text()
    assert "The MP-20 hull" in page
    assert "<figcaption>Ag-Cu" in page
    assert "eV/atom above the hull (emt)" in page
