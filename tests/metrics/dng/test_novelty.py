"""Novelty against brute force over all references, and the cache of reduced references."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset, sha256
from nucleate.data.table import CrystalTable, write_table
from nucleate.errors import DataError
from nucleate.metrics.dng import novelty, reference_index
from nucleate.metrics.dng.equivalence import ComparedSamples, EquivalenceSettings
from nucleate.metrics.dng.novelty import judge_novelty
from nucleate.metrics.dng.reference_index import ReferenceIndex, default_cache, formulas_of
from nucleate.metrics.dng.uniqueness import judge_uniqueness
from nucleate.metrics.matching import Matcher
from nucleate.work import Work
from tests.metrics.crystals_for_tests import known_crystals, perturbed, table_of
from tests.metrics.dng.polymorphs_for_tests import plain_novel, random_polymorphs, samples_with_copies

MP_20 = Path(__file__).parents[3] / "data" / "mp_20"


def value(family, name: str) -> float | None:
    return family.measures[name].estimate.value


def write_dataset(folder: Path, table: CrystalTable) -> Path:
    folder.mkdir(exist_ok=True)
    write_table(table, folder / "train.parquet")
    info = {"checksums": {"train.parquet": sha256(folder / "train.parquet")}}
    (folder / "dataset.json").write_text(json.dumps(info))
    return folder


def references(seed: int = 0) -> list:
    """Known crystals without the first two, and random polymorphs of carbon."""
    return known_crystals()[2:] + [cell.to_structure() for cell in random_polymorphs(12, seed)]


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_dataset(tmp_path / "set", table_of(references()))


@pytest.mark.parametrize("order_from", [2, 1000])
def test_verdicts_are_those_of_brute_force(order_from):
    index = ReferenceIndex(table_of(references()))
    cells = samples_with_copies(seed=1) + random_polymorphs(20, seed=2)
    family = judge_novelty(cells, index, EquivalenceSettings(order_from=order_from))
    expected = plain_novel(cells, [Cell.of(structure) for structure in references()])
    assert family.columns["novel"] == expected
    assert value(family, "novel") == pytest.approx(sum(expected) / len(cells))
    assert 10 < sum(expected) < len(cells) - 10


def test_the_named_reference_fits():
    from pymatgen.core.structure_matcher import StructureMatcher

    others, rng = references(), np.random.default_rng(3)
    samples = [perturbed(structure, rng, 0.1, 0.02) for structure in others]
    family = judge_novelty([Cell.of(s) for s in samples], ReferenceIndex(table_of(others)))
    named = family.columns["matched_id"]
    assert sum(name is not None for name in named) > 15
    for name, sample, novel in zip(named, samples, family.columns["novel"], strict=True):
        assert (name is None) == novel
        if name is not None:
            assert StructureMatcher().fit(sample, others[int(name.removeprefix("x-"))])


def test_order_processes_and_ordering_change_nothing():
    cells = [*samples_with_copies(seed=4), None, *random_polymorphs(30, seed=5)]
    index = ReferenceIndex(table_of(references()))
    one = judge_novelty(cells, index, EquivalenceSettings(order_from=2))
    two = judge_novelty(cells, index, EquivalenceSettings(order_from=2), work=Work.local(2))
    assert one.columns == two.columns
    order = np.random.default_rng(6).permutation(len(cells))
    again = judge_novelty([cells[i] for i in order], index, EquivalenceSettings(order_from=2))
    for name, column in one.columns.items():
        assert [column[i] for i in order] == again.columns[name], name
    assert one.measures == again.measures


def test_compositions_and_systems():
    index = ReferenceIndex(table_of([known_crystals()[3]]))
    lattice, frac = 4.0 * np.eye(3), np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.1], [0.1, 0.5, 0.5]])
    cells = [
        Cell(np.array([38, 22, 8, 8]), frac, lattice),
        Cell(np.array([38, 22, 8]), frac[:3], lattice),
        Cell(np.array([38, 22]), frac[:2], lattice),
    ]
    cells += [Cell.of(known_crystals()[3])]
    family = judge_novelty(cells, index)
    assert family.columns["novel"] == [True, True, True, False]
    assert family.columns["novel_composition"] == [True, True, True, False]
    assert family.columns["novel_system"] == [False, False, True, False]
    assert [value(family, name) for name in ("novel_compositions", "novel_systems")] == [0.75, 0.25]


def test_samples_that_cannot_be_judged_are_not_novel():
    salt = Cell.of(known_crystals()[1])
    bad = [None, Cell(salt.species, salt.frac * np.nan, salt.lattice)]
    family = judge_novelty(
        [salt, *bad], ReferenceIndex(table_of([known_crystals()[0]])), valid=[True, True, False]
    )
    assert family.columns["novel"] == [True, False, False]
    assert family.columns["novelty_problem"] == ["", "unreadable", "not_finite"]
    assert value(family, "novel") == pytest.approx(1 / 3)
    assert value(family, "novel_valid") == pytest.approx(1 / 2)
    assert any("2 of 3 samples" in note for note in family.notes)
    with pytest.raises(DataError, match="no samples"):
        judge_novelty([], ReferenceIndex(table_of([known_crystals()[0]])))


def test_failures_are_counted(monkeypatch):
    salt = known_crystals()[1]

    def stuck(*_):
        raise TimeoutError("too long")

    with monkeypatch.context() as patch:
        patch.setattr(Matcher, "fits", stuck)
        family = judge_novelty([Cell.of(salt)], ReferenceIndex(table_of([salt])))
    assert family.columns["novelty_undecided"] == [1]
    assert any("1 samples count as novel although 1 comparisons" in note for note in family.notes)
    samples, index = ComparedSamples([Cell.of(salt)]), ReferenceIndex(table_of([salt]))
    samples.reduce([0])
    monkeypatch.setattr("nucleate.metrics.dng.equivalence.reduce_cell", stuck)
    family = judge_novelty(samples, index)
    assert index.failures == {0: "timed_out"}
    assert family.columns["novelty_undecided"] == [1]
    assert any("could not be reduced" in note for note in family.notes)


def test_search_ends_with_the_first_match_and_tries_the_likeliest_first(monkeypatch):
    cells = random_polymorphs(40, seed=8)
    index = ReferenceIndex(table_of([cell.to_structure() for cell in cells]))
    compared = []
    fits = Matcher.fits
    monkeypatch.setattr(Matcher, "fits", lambda *args: compared.append(1) or fits(*args))
    family = judge_novelty(cells, index, EquivalenceSettings(order_from=2))
    assert not any(family.columns["novel"])
    assert len(compared) == len(cells)
    assert family.columns["matched_id"] == index.ids


def test_work_on_samples_is_shared(monkeypatch):
    samples = ComparedSamples(samples_with_copies(seed=9))
    judge_uniqueness(samples)
    index = ReferenceIndex(table_of(references()))
    index.reduce(range(len(index)), samples.settings)

    def forbidden(*_):
        raise AssertionError("reduced again")

    monkeypatch.setattr("nucleate.metrics.dng.equivalence.reduce_cell", forbidden)
    assert value(judge_novelty(samples, index), "not_judged") == 0


def test_formulas_of_a_table_are_those_of_its_cells():
    table = table_of(known_crystals())
    assert formulas_of(table) == [Cell.of(structure).formula for structure in known_crystals()]


def test_reduced_references_are_kept_and_used(folder, monkeypatch):
    cells = samples_with_copies(seed=10)[:15]
    index = ReferenceIndex.open(folder)
    first = judge_novelty(cells, index)
    kept = index.reductions
    assert (folder / ".cache" / "reduced-train.npz").exists()
    again = ReferenceIndex.open(folder)
    assert again.reductions == kept < len(again)
    monkeypatch.setattr(CrystalTable, "cell", lambda *_: pytest.fail("reduced again"))
    assert judge_novelty(cells, again) == first
    for row in range(len(index)):
        one, other = (x._reduced.get(row) for x in (index, again))
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            for name in ("species", "frac", "lattice", "minima"):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            assert (one.composition, one.volume) == (other.composition, other.volume)


def test_an_interrupted_build_resumes(folder, monkeypatch):
    monkeypatch.setattr(reference_index, "SAVE_EVERY", 4)
    cell, made = CrystalTable.cell, []

    def stopped(table, row):
        if len(made) == 6:
            raise KeyboardInterrupt
        made.append(row)
        return cell(table, row)

    monkeypatch.setattr("nucleate.metrics.dng.equivalence.REDUCTIONS_PER_JOB", 1)
    monkeypatch.setattr(CrystalTable, "cell", stopped)
    with pytest.raises(KeyboardInterrupt):
        ReferenceIndex.build(folder)
    assert ReferenceIndex.open(folder).reductions == 4
    monkeypatch.setattr(CrystalTable, "cell", cell)
    assert ReferenceIndex.build(folder).reductions == len(references())
    assert not list((folder / ".cache").glob("*.part"))


def test_a_foreign_or_damaged_cache_is_replaced(folder):
    cells = samples_with_copies(seed=11)
    expected = judge_novelty(cells, ReferenceIndex.build(folder))
    path = folder / ".cache" / "reduced-train.npz"
    other = known_crystals()[:1] + references()
    stale = ReferenceIndex.open(write_dataset(folder, table_of(other)))
    assert stale.reductions == 0
    family = judge_novelty(cells, stale)
    assert any("other data" in note for note in family.notes)
    assert value(family, "novel") != value(expected, "novel")
    path.write_bytes(path.read_bytes()[:100])
    damaged = ReferenceIndex.open(folder)
    assert any("damaged" in note for note in damaged.notes)
    assert judge_novelty(cells, damaged).columns == family.columns
    assert not ReferenceIndex.open(folder).notes


def test_caches_are_stored_beside_the_data_or_in_the_user_folder(folder, tmp_path, monkeypatch):
    assert default_cache(folder, "train", "abc") == folder / ".cache" / "reduced-train.npz"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    expected = tmp_path / "user" / "nucleate" / f"reduced-train-{'a' * 16}.npz"
    assert default_cache(folder, "train", "a" * 64) == expected


def test_a_cache_that_cannot_be_written_is_no_failure(folder, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    index = ReferenceIndex.build(folder, work=Work(cache=blocker / "reduced.npz"))
    assert index.reductions == len(index)
    assert any("could not be kept" in note for note in index.notes)


def test_bad_references_are_refused(folder):
    with pytest.raises(DataError, match="no split 'test'"):
        ReferenceIndex.open(folder, "test")
    with pytest.raises(DataError, match="no crystals"):
        ReferenceIndex(table_of(known_crystals()).select([]), "empty")


@pytest.mark.slow
@pytest.mark.skipif(not MP_20.exists(), reason="needs data/mp_20")
def test_verdicts_of_1000_real_crystals_are_those_of_brute_force():
    """Validation crystals whose formula the training split has, with that split as the reference."""

    train, val = (Dataset.open(MP_20).split(name) for name in ("train", "val"))
    index = ReferenceIndex(train)
    known = [row for row, formula in enumerate(formulas_of(val)) if formula in index.formulas][:1000]
    cells = [val.cell(row) for row in known]
    family = judge_novelty(cells, index)
    expected = [
        plain_novel([cell], [train.cell(row) for row in index.formulas[cell.formula]])[0] for cell in cells
    ]
    assert len(cells) == 1000
    assert family.columns["novel"] == expected
    assert 100 < sum(expected) < 990
    assert novelty.SAMPLES_PER_JOB < 1000
