"""The report: funnel, numbers as JSON, the table as CSV and parquet, the text."""

import csv
import json
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest

from nucleate.cell import Cell
from nucleate.errors import NucleateError
from nucleate.metrics.dng.family import Family, Measure
from nucleate.metrics.dng.protocols import PROTOCOLS, protocol_named
from nucleate.metrics.intervals import Estimate, wilson
from nucleate.records.tables import write_rows
from nucleate.report.dng_table import rows as table_of
from nucleate.report.dng_text import summary
from nucleate.report.number_texts import named_measures, number_texts, text_of
from tests.metrics.crystals_for_tests import known_crystals
from tests.report.made_report import made_report

CELLS = [Cell.of(crystal) for crystal in known_crystals()]


@pytest.fixture
def report():
    return made_report([*CELLS, None, CELLS[0]])


def test_the_funnel_counts_what_passed_every_step_so_far(report):
    steps = report.funnel
    assert [(step.name, step.count) for step in steps] == [
        ("generated", 12), ("parsed", 11), ("valid", 11), ("stable", 10), ("unique", 5), ("novel", 2),
    ]  # fmt: skip
    assert steps[0].kept is None
    for before, step in pairwise(steps):
        assert step.share.estimate == wilson(step.count, 12)
        assert step.share.of == "generated"
        assert step.kept is not None
        assert step.kept.estimate == wilson(step.count, before.count)
        assert step.kept.of == before.title


def test_a_step_after_nothing_has_no_share_of_it():
    steps = made_report([None, None]).funnel
    assert steps[2].kept is not None
    assert steps[2].kept.estimate == Estimate(None, None, None, 0)
    assert steps[2].share.estimate == wilson(0, 2)


def test_every_number_of_the_json_carries_interval_denominator_and_meaning(report):
    content = json.loads(json.dumps(report.to_dict()))
    sun = content["headline"]["stability.sun"]
    assert sun == content["families"]["stability"]["measures"]["sun"]
    assert sun["value"] == pytest.approx(2 / 12)
    assert sun["low"] < sun["value"] < sun["high"]
    assert (sun["n"], sun["of"], sun["unit"], sun["share"]) == (12, "generated", "", True)
    assert sun["description"] == "Stable, unique and novel."
    assert content["families"]["stability"]["measures"]["energy_above_hull"]["value"] is None
    assert content["funnel"][0]["of_previous"] is None
    assert content["funnel"][-1]["of_generated"]["value"] == pytest.approx(2 / 12)
    assert content["protocol"]["matcher"] == {"stol": 0.3, "angle_tol": 5.0, "ltol": 0.2}


def test_an_unmeasured_headline_is_null(report):
    del report.families["stability"]
    assert report.to_dict()["headline"]["stability.sun"] is None
    assert "not measured" in summary(report)


def test_the_table_has_one_row_for_each_sample(report):
    rows = table_of(report)
    assert [row["id"] for row in rows] == [str(i) for i in range(12)]
    assert rows[10]["problem"] == "not given"
    assert rows[10]["energy_above_hull"] is None
    assert rows[3] == {
        "id": "3", "problem": "", "valid": True, "unique": False, "novel": True,
        "energy_above_hull": 0.03, "stable": True,
    }  # fmt: skip


def test_columns_of_two_families_with_one_name_are_told_apart(report):
    report.families["other"] = Family("other", "Other", columns={"valid": [1] * 12, "id": [2] * 12})
    row = table_of(report)[0]
    assert (row["validity_valid"], row["other_valid"], row["other_id"], row["id"]) == (True, 1, 2, "0")
    assert "valid" not in row


def test_csv_and_parquet_hold_the_same(report, tmp_path):
    rows = table_of(report)
    rows[0]["mixed"], rows[1]["mixed"], rows[2]["mixed"] = 1, "two", np.float64(0.5)
    for row in rows[3:]:
        row["mixed"] = None
    write_rows(rows, tmp_path / "a.csv")
    write_rows(rows, tmp_path / "a.parquet")
    with (tmp_path / "a.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == 12
    assert read[3]["energy_above_hull"] == "0.03"
    table = pq.ParquetFile(tmp_path / "a.parquet").read().to_pydict()
    assert table["energy_above_hull"] == [row["energy_above_hull"] for row in rows]
    assert table["unique"] == [row["unique"] for row in rows]
    assert table["mixed"] == ["1", "two", "0.5", *[None] * 9]
    with pytest.raises(NucleateError, match="no table can be written as"):
        write_rows(rows, tmp_path / "a.xlsx")


def test_the_summary_shows_where_each_number_comes_from(report):
    text = summary(report)
    assert text.splitlines()[0] == "12 samples, 11 readable, judged against mp_20 (val); novel against train"
    assert "S.U.N. (0.1 eV/atom)           17 [5, 45] %                   of 12 generated" in text
    assert "generated                                12   100 [76, 100] %" in text
    assert "Wasserstein" in text
    assert "note: Energies are CHGNet's." in text
    full = summary(report, full=True)
    assert full.startswith(text.partition("note:")[0].rstrip())
    assert "  energy above hull              -                              of 0 supported" in full
    assert max(map(len, full.splitlines())) <= 120


def test_floor_and_reference_stand_beside_their_number():
    def measure(value: float) -> Measure:
        return Measure(Estimate(value, value - 0.1, value + 0.1, 5), "samples", "x")

    names = {"w1": 0.5, "w1_floor": 0.3, "p1": 0.2, "p1_reference": 0.1, "of_reference": 0.7}
    family = Family("f", "F", {name: measure(value) for name, value in names.items()})
    found = {
        entry.name: [(word, one.estimate.value) for word, one in entry.beside]
        for entry in named_measures(family)
    }
    assert found == {"w1": [("chance", 0.3)], "p1": [("reference", 0.1)], "of_reference": []}
    assert [entry.title for entry in named_measures(family)] == ["w1", "p1", "of reference"]


@pytest.mark.parametrize(
    ("estimate", "share", "text"),
    [
        (Estimate(0.12345, 0.10001, 0.15, 9), True, "12.3 [10.0, 15.0] %"),
        (Estimate(0.5, 0.2, 0.8, 9), True, "50 [20, 80] %"),
        (Estimate(1.23456, 1.2, 1.3, 9), False, "1.23 [1.20, 1.30] eV"),
        (Estimate(3.0, 3.0, 3.0, 9), False, "3.00 [3.00, 3.00] eV"),
        (Estimate(0.0, 0.0, 0.0, 9), False, "0 [0, 0] eV"),
        (Estimate(2.0, None, None, 9), False, "2.00 eV"),
        (Estimate(None, None, None, 0), False, "-"),
    ],
)
def test_numbers_are_rounded_to_their_interval(estimate, share, text):
    measure = Measure(estimate, "valid", "x", "eV", share)
    assert text_of(measure) == text
    assert (number_texts(measure)[0] == "-") == (text == "-")


def test_protocols_are_named_and_complete():
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert {0.0, 0.1} == set(protocol.thresholds)
        assert protocol.to_dict()["matcher"]["ltol"] == 0.2
        assert len(protocol.headline) >= 4
    assert protocol_named("mattergen").thresholds[0] == 0.1
    assert protocol_named("lemat").thresholds[0] == 0.0
    with pytest.raises(NucleateError, match="no protocol is called 'sun'") as error:
        protocol_named("sun")
    assert "classic, mattergen, lemat" in str(error.value)
