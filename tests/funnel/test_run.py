"""Runs: idempotent, resumable, redone only as far as something changed, one bad crystal apart, loud where all fails."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest

from nucleate.errors import DataError, NucleateError
from nucleate.funnel import run as runs
from nucleate.funnel.plan import Plan, Step
from nucleate.funnel.stage import Stage, Verdict
from nucleate.records.ledger import Ledger
from nucleate.records.places import Places
from nucleate.records.tallies import dump, history, tallies
from tests.funnel.crystals import plan_of, rocksalt, some_crystals, write_crystals, zincblende

SEEN: Counter[str] = Counter()


@dataclass(frozen=True)
class Counting(Stage):
    """Passes all, and counts how often it is asked."""

    name = "counting"

    word: str = "a"
    needs: str = ""

    @property
    def reads(self):
        return (self.needs,) if self.needs else ()

    @property
    def writes(self):
        return (f"{self.word}.volume",)

    def judge(self, candidates, work):
        SEEN.update(f"{self.word} {one.id}" for one in candidates)
        return [Verdict.passed(values={f"{self.word}.volume": one.cell.volume}) for one in candidates]


@dataclass(frozen=True)
class Picky(Counting):
    """Can't take lithium, in one of several ways."""

    name = "picky"

    way: str = "raise"

    def judge(self, candidates, work):
        if any(3 in one.cell.species for one in candidates):
            if self.way == "raise":
                raise ValueError("lithium, of all things")
            if self.way == "hang":
                while True:
                    pass
        return super().judge(candidates, work)


def step(stage: Stage, **more) -> Step:
    return replace(Step(stage, stage.label, stage.timeout, 8, 0.5), **more)


def with_steps(plan: Plan, *steps: Step) -> Plan:
    return replace(plan, steps=(*plan.steps, *steps))


def content(folder) -> list:
    with Ledger.existing(folder) as ledger:
        return list(dump(ledger))


@pytest.fixture
def given(tmp_path):
    some_crystals(tmp_path / "given.extxyz", 60)
    SEEN.clear()
    return tmp_path


def test_a_run_again_changes_nothing(given):
    plan = with_steps(plan_of(given, 'kind = "sanitise"', 'kind = "duplicates"'), step(Counting()))
    runs.run(plan, given / "out")
    first, seen = content(given / "out"), dict(SEEN)
    assert set(seen.values()) == {1}
    runs.run(plan, given / "out")
    assert content(given / "out") == first
    assert seen == SEEN


def test_who_is_compared_is_told_before_anything_is(given):
    told = []
    plan = plan_of(given, 'kind = "duplicates"')
    runs.run(plan, given / "out", progress=lambda *one: told.append(one))
    names = [name for name, _, _ in told]
    assert list(dict.fromkeys(names))[-2:] == ["duplicates: who is compared", "duplicates"]
    assert ("duplicates: who is compared", 60, 60) in told
    told.clear()
    runs.run(plan, given / "out", progress=lambda *one: told.append(one))
    assert not told


def test_workers_change_nothing(given):
    stages = ('kind = "sanitise"\nbatch = 7', 'kind = "duplicates"\nbatch = 5')
    runs.run(plan_of(given, *stages), given / "one")
    runs.run(plan_of(given, *stages, workers=2), given / "two")
    assert content(given / "one") == content(given / "two")


def test_more_candidates_are_added(given):
    source = f'folder = "{given / "given.extxyz"}"\nname = "given"\nn = '
    stages = ('kind = "sanitise"', 'kind = "duplicates"')
    last = step(Counting())
    runs.run(with_steps(plan_of(given, *stages, source=f"{source}30"), last), given / "out")
    seen = dict(SEEN)
    runs.run(with_steps(plan_of(given, *stages, source=f"{source}60"), last), given / "out")
    runs.run(with_steps(plan_of(given, *stages, source=f"{source}60"), last), given / "whole")
    assert content(given / "out") == content(given / "whole")
    again = {name: count for name, count in seen.items() if SEEN[name] > 2}
    assert not again


def test_a_changed_setting_redoes_only_what_it_touches(given):
    plan = plan_of(given, 'kind = "sanitise"')
    runs.run(with_steps(plan, step(Counting("a")), step(Counting("b"))), given / "out")
    assert set(SEEN.values()) == {1}
    looser = plan_of(given, 'kind = "sanitise"\ncharge = false')
    runs.run(with_steps(looser, step(Counting("a")), step(Counting("b"))), given / "out")
    assert set(SEEN.values()) == {1}
    runs.run(with_steps(plan, step(Counting("c")), step(Counting("b"))), given / "out")
    assert set(SEEN.values()) == {1}
    runs.run(with_steps(plan, step(Counting("a")), step(Counting("b", needs="a.volume"))), given / "out")
    assert {count for name, count in SEEN.items() if name.startswith("b")} == {2}
    assert {count for name, count in SEEN.items() if name.startswith("a")} == {1}


def test_a_stage_is_given_no_more_than_it_reads(given):
    @dataclass(frozen=True)
    class Looking(Counting):
        name = "looking"

        def judge(self, candidates, work):
            assert all(set(one.values) == {"a.volume"} for one in candidates)
            return super().judge(candidates, work)

    plan = with_steps(
        plan_of(given), step(Counting("a")), step(Counting("b")), step(Looking("c", "a.volume"))
    )
    runs.run(plan, given / "out")
    with Ledger.existing(given / "out") as ledger:
        assert tallies(ledger)[-1].passed == 60


@pytest.mark.parametrize(("way", "reason"), [("raise", "ValueError"), ("hang", "timeout")])
def test_one_bad_crystal_costs_only_itself(tmp_path, way, reason):
    write_crystals(tmp_path / "given.extxyz", [rocksalt(), rocksalt(3), zincblende(), rocksalt(19)])
    run = with_steps(plan_of(tmp_path), step(Picky(way=way), timeout=0.3))
    runs.run(run, tmp_path / "out")
    with Ledger.existing(tmp_path / "out") as ledger:
        last = tallies(ledger)[-1]
        assert (last.passed, last.failed) == (3, 1)
        event = history(ledger, ledger.number_of("given-0000001"))[-1]
        assert (event.outcome, event.reason) == ("failed", reason)
        assert event.trace


def test_failures_of_a_class_are_tried_again(tmp_path):
    write_crystals(tmp_path / "given.extxyz", [rocksalt(), rocksalt(3), zincblende(), rocksalt(19)])
    plan = with_steps(plan_of(tmp_path, 'kind = "duplicates"'), step(Picky()), step(Counting("after")))
    runs.run(plan, tmp_path / "out")
    with Ledger.existing(tmp_path / "out") as ledger:
        assert Places(ledger).retry("timeout") == 0
        assert Places(ledger).retry("ValueError") == 1
        assert tallies(ledger)[2].waiting == 1
    SEEN.clear()
    healed = replace(plan, steps=(plan.steps[0], step(_Healed()), plan.steps[2]))
    runs.run(healed, tmp_path / "out")
    assert SEEN["after given-0000001"] == 1
    assert SEEN["after given-0000000"] == 0


class _Healed(Picky):
    """The same stage, once the cause is mended."""

    def judge(self, candidates, work):
        return Counting.judge(self, candidates, work)

    @property
    def identity(self):
        return Picky().identity


def test_a_run_stops_loudly_where_too_many_fail(given):
    cells = [rocksalt(3)] * 60 + [rocksalt()] * 10
    write_crystals(given / "given.extxyz", cells)
    with pytest.raises(
        NucleateError, match=r"stage 1 \(picky\) fails for 56 of 56 candidates, 56 by 'ValueError'"
    ) as caught:
        runs.run(with_steps(plan_of(given), step(Picky()), step(Counting("after"))), given / "out")
    assert "retry" in caught.value.hint
    assert not any(name.startswith("after") for name in SEEN)
    runs.run(
        with_steps(plan_of(given), step(Picky(), most_failures=1.0), step(Counting("after"))), given / "out"
    )
    assert SEEN["after given-0000065"] == 1


def test_a_folder_of_another_plan_is_refused(given):
    runs.run(plan_of(given, 'kind = "sanitise"'), given / "out")
    other = f'folder = "{given / "given.extxyz"}"\nname = "given"\nsplit = "val"'
    with pytest.raises(DataError, match="holds candidates of another plan") as caught:
        runs.run(plan_of(given, 'kind = "sanitise"', source=other), given / "out")
    assert "--out" in caught.value.hint


def test_a_ledger_that_is_none_is_refused(tmp_path):
    with pytest.raises(DataError, match="no ledger of a funnel"):
        Ledger.existing(tmp_path)
    (tmp_path / "ledger.sqlite").write_text("no database at all, but long enough to be one" * 50)
    with pytest.raises(DataError, match="can't be used as a ledger"):
        Ledger.existing(tmp_path)
