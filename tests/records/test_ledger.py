"""Ledgers of many candidates: a question about a few reads those alone."""

from __future__ import annotations

import pytest

from nucleate.records.ledger import SPAN, Ledger
from nucleate.records.places import Places
from nucleate.records.verdicts import Verdict
from tests.funnel.crystals import rocksalt


@pytest.fixture
def ledger(tmp_path):
    """Candidates that have passed two positions, the second of which found their number."""
    with Ledger(tmp_path) as ledger:
        places, source = Places(ledger), ledger.add_source("some", "made up")
        judges = [places.judge(name) for name in ("first", "second")]
        numbers = [source * SPAN + place for place in range(30)]
        with ledger.transaction():
            for number in numbers:
                ledger.add(number, rocksalt())
            places.put(0, judges[0], [(n, b"", Verdict.passed()) for n in numbers])
            places.put(1, judges[1], [(n, b"", Verdict.passed(values={"n": n % SPAN})) for n in numbers])
        yield ledger


def few(ledger: Ledger) -> list[int]:
    (source, _) = ledger.sources()["some"]
    return [source * SPAN + 5, source * SPAN + 29]


def test_candidates_come_with_the_values_of_earlier_positions(ledger):
    assert [one.values for one in ledger.candidates(few(ledger), 2)] == [{"n": 5}, {"n": 29}]
    assert [one.values for one in ledger.candidates(few(ledger), 1)] == [{}, {}]
    assert [one.values for one in ledger.candidates(few(ledger), 2, reads=())] == [{}, {}]


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_to_find_a_few_takes_no_look_at_the_others(ledger, stage):
    numbers, asked = few(ledger), []
    ledger.base.set_trace_callback(asked.append)
    ledger.candidates(numbers, stage)
    ledger.base.set_trace_callback(None)
    selects = [text for text in asked if "FROM sources" not in text]
    plans = [how for text in selects for *_, how in ledger.base.execute(f"EXPLAIN QUERY PLAN {text}")]
    assert any("places" in how or "p USING" in how for how in plans)
    assert not [how for how in plans if "SCAN" in how or "(stage<?)" in how]
