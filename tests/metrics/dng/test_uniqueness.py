"""Uniqueness against brute force over all pairs, in any order of the samples, and samples that can't be judged."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.errors import DataError
from nucleate.metrics.dng import equivalence, pair_verdicts
from nucleate.metrics.dng.equivalence import COMPARED, ComparedSamples, EquivalenceSettings, formula_text
from nucleate.metrics.dng.uniqueness import judge_uniqueness
from nucleate.metrics.matching import Matcher
from nucleate.work import Work
from tests.metrics.crystals_for_tests import known_crystals
from tests.metrics.dng.polymorphs_for_tests import (
    partition,
    plain_clusters,
    random_polymorphs,
    samples_with_copies,
)

MP_20 = Path(__file__).parents[3] / "data" / "mp_20"


def value(family, name: str) -> float | None:
    return family.measures[name].estimate.value


@pytest.mark.parametrize("order_from", [2, 1000])
def test_clusters_are_those_of_brute_force(order_from):
    cells = samples_with_copies(seed=1) + random_polymorphs(12, seed=2)
    family = judge_uniqueness(cells, EquivalenceSettings(order_from=order_from))
    expected = plain_clusters(cells)
    assert partition(family.columns["cluster"]) == expected
    assert value(family, "unique") == pytest.approx(len(expected) / len(cells))
    assert sum(family.columns["unique"]) == len(expected)
    assert 10 < len(expected) < len(cells) - 5


def test_nothing_depends_on_the_order_of_the_samples(monkeypatch):
    monkeypatch.setattr(pair_verdicts, "PAIRS_PER_ROUND", 7)
    cells = samples_with_copies(seed=3) + random_polymorphs(10, seed=4) + [None]
    first = judge_uniqueness(cells, EquivalenceSettings(order_from=4))
    order = np.random.default_rng(5).permutation(len(cells))
    second = judge_uniqueness([cells[i] for i in order], EquivalenceSettings(order_from=4))
    assert [first.columns["unique"][i] for i in order] == second.columns["unique"]
    for name in ("unique", "not_judged"):
        assert first.measures[name] == second.measures[name]
    clusters = [None if c is None else order[c] for c in second.columns["cluster"]]
    assert [first.columns["cluster"][i] for i in order] == clusters


def test_rounds_and_processes_change_nothing(monkeypatch):
    cells = samples_with_copies(seed=6, copies=3)
    one = judge_uniqueness(cells)
    two = judge_uniqueness(cells, work=Work.local(2))
    monkeypatch.setattr(pair_verdicts, "PAIRS_PER_ROUND", 3)
    seen = []
    rounds = judge_uniqueness(cells, work=Work(progress=lambda *call: seen.append(call)))
    assert one.columns == two.columns == rounds.columns
    assert ("comparing samples", seen[-1][2], seen[-1][2]) == seen[-1]


def test_chains_are_one_cluster_but_first_come_counts_them_by_order(monkeypatch):
    """a fits b, b fits c, a doesn't fit c."""
    cells = random_polymorphs(3, seed=7)
    volumes = [abs(np.linalg.det(cell.lattice)) for cell in cells]
    a, b, c = (cells[i] for i in np.argsort(volumes))
    ends = {tuple(sorted((round(abs(np.linalg.det(x.lattice)), 6)) for x in (a, c)))}
    monkeypatch.setattr(
        Matcher, "fits", lambda _, x, y: tuple(sorted((round(x.volume, 6), round(y.volume, 6)))) not in ends
    )
    monkeypatch.setattr(Matcher, "may_match", lambda _, x, y: np.ones(len(x.volume), dtype=bool))
    for order, kept in (([a, b, c], 2), ([a, c, b], 2), ([b, a, c], 1), ([b, c, a], 1)):
        family = judge_uniqueness(order)
        assert value(family, "unique") == pytest.approx(1 / 3)
        assert value(family, "unique_first_come") == pytest.approx(kept / 3)


def test_first_come_is_pymatgens_grouping():
    cells = samples_with_copies(seed=8)
    groups = StructureMatcher().group_structures([cell.to_structure() for cell in cells])
    assert value(judge_uniqueness(cells), "unique_first_come") == pytest.approx(len(groups) / len(cells))


def test_connected_pairs_are_not_compared(monkeypatch):
    salt = Cell.of(known_crystals()[1])
    compared = []
    fits = Matcher.fits
    monkeypatch.setattr(Matcher, "fits", lambda *args: compared.append(1) or fits(*args))
    monkeypatch.setattr(pair_verdicts, "PAIRS_PER_ROUND", 20)
    family = judge_uniqueness([salt] * 30)
    assert value(family, "unique") == pytest.approx(1 / 30)
    assert len(compared) < 30 * 29 / 2 / 4


def test_samples_that_cannot_be_judged_are_counted():
    salt = Cell.of(known_crystals()[1])
    bad = [
        None,
        Cell(np.zeros(0, dtype=int), np.zeros((0, 3)), np.eye(3)),
        Cell(salt.species, np.full_like(salt.frac, np.nan), salt.lattice),
        Cell(salt.species, salt.frac, np.zeros((3, 3))),
        Cell(salt.species * 0, salt.frac, salt.lattice),
    ]
    family = judge_uniqueness([salt, *bad])
    assert family.columns["uniqueness_problem"] == [
        "", "unreadable", "unreadable", "not_finite", "volume_too_small", "unknown_element",
    ]  # fmt: skip
    assert family.columns["unique"] == [True, *[False] * 5]
    assert family.columns["cluster"] == [0, *[None] * 5]
    assert value(family, "unique") == pytest.approx(1 / 6)
    assert family.measures["not_judged"].estimate.n == 6
    assert any("5 of 6 samples can't be compared" in note for note in family.notes)


def test_failures_are_counted_and_never_hidden(monkeypatch):
    salt = Cell.of(known_crystals()[1])

    def stuck(*_):
        raise TimeoutError("too long")

    with monkeypatch.context() as patch:
        patch.setattr(Matcher, "fits", stuck)
        family = judge_uniqueness([salt, salt])
    assert value(family, "unique") == 1
    assert family.columns["uniqueness_undecided"] == [1, 1]
    assert any(note.startswith("1 comparisons were not decided") for note in family.notes)
    monkeypatch.setattr(equivalence, "reduce_cell", stuck)
    family = judge_uniqueness([salt, salt])
    assert family.columns["uniqueness_problem"] == ["timed_out"] * 2
    assert value(family, "unique") == 0


def test_representative_and_share_of_valid_samples():
    cells = [Cell.of(known_crystals()[1])] * 3 + [Cell.of(known_crystals()[2])]
    family = judge_uniqueness(cells, valid=[False, True, False, False])
    assert family.columns["unique"] == [False, True, False, True]
    assert (value(family, "unique_valid"), family.measures["unique_valid"].estimate.n) == (1.0, 1)
    assert family.measures["unique_valid"].of == "valid"


def test_tolerances_are_used():
    cells = samples_with_copies(seed=9)
    strict = judge_uniqueness(
        cells, EquivalenceSettings(matcher=Matcher(stol=0.01, angle_tol=1.0, ltol=0.01))
    )
    loose = judge_uniqueness(cells)
    assert (value(strict, "unique") or 0) > (value(loose, "unique") or 0)
    assert strict.settings["matcher"]["stol"] == 0.01


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="no samples"):
        judge_uniqueness([])
    with pytest.raises(DataError, match="other settings"):
        judge_uniqueness(ComparedSamples([None]), EquivalenceSettings(timeout=1.0))
    with pytest.raises(DataError, match="time limit must be above 0"):
        EquivalenceSettings(timeout=0.0)
    with pytest.raises(DataError, match="order_from = 1"):
        EquivalenceSettings(order_from=1)


def test_formulas_are_written_for_people():
    cell = Cell.of(known_crystals()[3])
    assert formula_text(cell.formula) == "O3-Ti1-Sr1"
    assert defect(cell, COMPARED) is None


@pytest.mark.slow
@pytest.mark.skipif(not MP_20.exists(), reason="needs data/mp_20")
def test_clusters_of_1000_real_crystals_are_those_of_brute_force():
    from nucleate.data.dataset import Dataset
    from nucleate.metrics.dng.reference_index import formulas_of

    table = Dataset.open(MP_20).split("train")
    formulas = formulas_of(table)
    counts = Counter(formulas)
    many = [row for row, formula in enumerate(formulas) if counts[formula] > 3][:1000]
    cells = [table.cell(row) for row in many]
    assert len(cells) == 1000
    family = judge_uniqueness(cells)
    expected = plain_clusters(cells)
    assert partition(family.columns["cluster"]) == expected
    assert 500 < len(expected) < 1000
