"""The index: every crystal comes back, exactly symmetric; files; sources."""

from __future__ import annotations

from dataclasses import fields, replace

import moyopy
import numpy as np
import pytest
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.data.columns import make_tables
from nucleate.errors import DataError
from nucleate.prototypes.entry import describe
from nucleate.prototypes.files import read_index, write_index
from nucleate.prototypes.index import Index, index_of, merged
from nucleate.prototypes.shipped import INDEX, SOURCES
from nucleate.symmetry.operations import operations_of_number
from nucleate.work import Work
from tests.prototypes.test_labels import KNOWN, known


def table_of(labels, shake: float = 0.01):
    random = np.random.default_rng(1)
    rows = []
    for label in labels:
        cell = known(label)
        frac = cell.frac + shake * (random.random(cell.frac.shape) - 0.5) / 5
        rows.append((label, Cell(cell.species, frac, cell.lattice), {"e_above_hull": 0.02}))
    return make_tables({"train": rows})["train"]


@pytest.fixture(scope="module")
def index():
    return index_of(table_of(KNOWN), "known")


def test_labels_energies_and_sources(index):
    assert index.label.tolist() == list(KNOWN)
    assert index.names == list(KNOWN)
    assert index.energy == pytest.approx(0.02)
    assert set(index.source) == {"known"}


def test_cells_are_the_crystals_and_exactly_symmetric(index):
    for i, label in enumerate(KNOWN):
        cell = index.cell(i)
        assert StructureMatcher().fit(cell.to_structure(), known(label).to_structure())
        found = moyopy.MoyoDataset(
            moyopy.Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist()), symprec=1e-5
        )
        assert found.number == index.number[i]
        _, rotations, translations = operations_of_number(int(index.number[i]))
        for rotation, shift in zip(rotations, translations, strict=True):
            gap = (cell.frac @ rotation.T + shift)[:, None] - cell.frac
            gap -= np.rint(gap)
            assert np.abs(gap).sum(-1).min(1).max() < 1e-12


def test_orbits_come_in_the_order_of_the_atoms(index):
    perovskite = list(KNOWN).index("ABC3_cP5_221_a_b_c")
    letters, sizes = index.orbits(perovskite)
    assert sorted(letters[:2]) == ["a", "b"]
    assert sizes.tolist() == [1, 1, 3]
    assert index.cell(perovskite).species.tolist()[2:] == [8, 8, 8]


def test_a_file_gives_back_what_was_written(index, tmp_path):
    write_index(index, tmp_path / "i.parquet")
    again = read_index(tmp_path / "i.parquet")
    assert again.names == index.names
    assert again.letters == index.letters
    for name in (field.name for field in fields(Index)):
        np.testing.assert_array_equal(getattr(again, name), getattr(index, name))


def test_two_workers_give_the_same_index_as_one(index):
    both = index_of(table_of(KNOWN), "known", Work.local(2))
    assert both.label.tolist() == index.label.tolist()
    np.testing.assert_array_equal(both.frac, index.frac)


def test_merged_indices_and_their_sources(index):
    other = index_of(table_of([*KNOWN][:2]), "other")
    both = merged([index, other])
    assert len(both) == len(index) + 2
    again = both.of_sources({"other"})
    assert again.names == other.names
    for i in range(2):
        np.testing.assert_array_equal(again.cell(i).frac, other.cell(i).frac)
    with pytest.raises(DataError, match="no source 'mp_99'") as caught:
        both.of_sources({"mp_99"})
    assert caught.value.hint == "it has known, other"


def test_impossible_crystals_are_no_entries():
    assert describe(Cell(np.array([11, 11]), np.zeros((2, 3)), 4 * np.eye(3))) is None
    assert describe(Cell(np.array([11]), np.full((1, 3), np.nan), 4 * np.eye(3))) is None


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet"])
def test_broken_files(tmp_path, content):
    path = tmp_path / "i.parquet"
    with pytest.raises(DataError, match="no index of prototypes"):
        read_index(path)
    path.write_bytes(content)
    with pytest.raises(DataError, match="no index that can be read"):
        read_index(path)


def test_other_parquet_files_are_refused(tmp_path):
    from nucleate.data.table import write_table

    write_table(table_of(KNOWN), tmp_path / "train.parquet")
    with pytest.raises(DataError, match="is no index of prototypes, and format 1 is needed"):
        read_index(tmp_path / "train.parquet")


def test_the_shipped_index():
    shipped = read_index(INDEX)
    assert set(shipped.source) == set(SOURCES)
    assert INDEX.stat().st_size < 7e6
    assert "ABC3_cP5_221_a_b_c" in set(shipped.label.tolist())
    card = (INDEX.parent / "README.md").read_text()
    for source in SOURCES:
        count = int((shipped.source == source).sum())
        assert f"| `{source}` | {count:,} |" in card


def test_an_index_without_the_column_of_reports_can_be_read(tmp_path):
    """Files from before the column was there."""
    import pyarrow.parquet as pq

    index = replace(index_of(table_of(KNOWN), "known"), reported=np.arange(len(KNOWN)))
    write_index(index, tmp_path / "new.parquet")
    assert read_index(tmp_path / "new.parquet").reported.tolist() == list(range(len(KNOWN)))
    pq.write_table(pq.read_table(tmp_path / "new.parquet").drop(["reported"]), tmp_path / "old.parquet")
    old = read_index(tmp_path / "old.parquet")
    assert old.names == index.names
    assert not old.reported.any()


@pytest.mark.parametrize(
    ("symbol", "place"),
    [("A4", 5), ("B8_1", 9), ("C11_b", 12), ("D5_1", 2), ("D0_11", 12), ("L1_0", 1), ("A3'", 4), ("E3", 4)],
)
def test_strukturbericht_symbols_are_ordered_by_their_numbers(symbol, place):
    from benchmarks.ship_prototypes import OF_LETTER, strukturbericht

    assert strukturbericht(symbol) == place
    assert [strukturbericht(one) for one in ("A_b", "D0_a", "None", '"40"', None)] == [OF_LETTER] * 2 + [
        0
    ] * 3


def test_entries_with_wrong_coordinates_are_reported_of_nothing():
    """Titanium and oxygen of anatase are 1.93 and 1.98 Å apart, 2.05 Å at the least in the library."""
    shipped = read_index(INDEX)
    reported = dict(zip(shipped.names, shipped.reported.tolist(), strict=True))
    assert reported["A2B_tP6_136_f_a Rutile"] == 5
    assert reported["A2B_tI12_141_e_a Anatase"] == reported["A2B_oP24_61_2c_c Brookite"] == 0
