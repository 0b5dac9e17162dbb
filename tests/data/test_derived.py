"""Filter, sample, merge and export: rows are chosen as asked, none is lost, and the new set says where it is from."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Composition, Element, Lattice, Structure

from nucleate.data.choosing import Condition
from nucleate.data.dataset import Dataset
from nucleate.data.importing import ImportSettings, import_pool, import_splits
from nucleate.data.parse import CellSettings
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from tests.data.crystal_makers import cif, random_structure, write_csv
from tests.data.test_cli import nucleate_data

KEEP = ImportSettings(
    cells=CellSettings(reduce=False), fractions=(1.0, 0.0, 0.0), licence="CC0", note="made here"
)


def make(folder: Path, start: int, counts: dict[str, int], **columns: object) -> Path:
    sources, number = {}, start
    folder.mkdir()
    for split, count in counts.items():
        rows = []
        for _ in range(count):
            gap = "" if number % 4 == 3 else number / 2
            texts = {name: f"{text} {number}" for name, text in columns.items()}
            structure = random_structure(number, 1 + number % 5)
            rows.append({"material_id": f"m{number}", "cif": cif(structure), "gap": gap, **texts})
            number += 1
        sources[split] = [write_csv(folder / f"{split}.csv", rows)]
    import_splits(sources, folder / "set", KEEP)
    return folder / "set"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return make(tmp_path / "one", 0, {"train": 12, "val": 6}, note="kept")


def ids(folder: Path) -> dict[str, list[str]]:
    dataset = Dataset.open(folder)
    return {name: dataset.split(name).ids for name in dataset.splits}


def told(*arguments: object) -> DataError:
    done = nucleate_data(*arguments)
    assert isinstance(done.exception, DataError), done.output
    assert "\n" not in done.exception.message
    assert done.exception.hint
    return done.exception


def symbols(table: CrystalTable, row: int) -> set[int]:
    return set(table.species[table.atoms_of(row)].tolist())


def test_filter(first: Path, tmp_path: Path) -> None:
    options = (
        "--elements",
        "O",
        "--without",
        "Cs",
        "--atoms",
        "2:4",
        "--where",
        "gap>=1",
        "--where",
        "note!=kept 1",
    )
    done = nucleate_data("filter", first, "--out", tmp_path / "new", *options)
    assert done.exit_code == 0, done.output
    dataset, expected = Dataset.open(first), {}
    for name in dataset.splits:
        table = dataset.split(name)
        kept = [
            table.ids[i]
            for i in range(len(table))
            if 8 in symbols(table, i)
            and not symbols(table, i) & {55}
            and 2 <= table.sizes[i] <= 4
            and table.properties["gap"][i] >= 1
            and table.properties["note"][i] != "kept 1"
        ]
        if kept:
            expected[name] = kept
    assert expected
    assert ids(tmp_path / "new") == expected
    info = Dataset.open(tmp_path / "new").info
    assert info["source"]["made"]["by"] == "filter"
    assert info["source"]["made"]["conditions"] == {
        "contains": ["O"], "without": ["Cs"], "atoms": [2, 4], "where": ["gap>=1", "note!=kept 1"]
    }  # fmt: skip
    lost = {name: len(rows) - len(expected.get(name, [])) for name, rows in ids(first).items()}
    assert info["source"]["made"]["left_out"] == lost
    assert info["source"]["from"][0]["checksums"] == dataset.info["checksums"]
    assert info["licence"] == "CC0"
    assert nucleate_data("info", tmp_path / "new").exit_code == 0


def test_formulas_that_another_set_was_trained_on_are_left_out(first: Path, tmp_path: Path) -> None:
    """Of a set and itself the rows are left whose reduced formula its training split lacks."""
    table = Dataset.open(first).split("train")
    known = {Composition.from_dict(counts(table, row)).reduced_formula for row in range(len(table))}
    expected = {}
    for name in Dataset.open(first).splits:
        other = Dataset.open(first).split(name)
        kept = [
            other.ids[row]
            for row in range(len(other))
            if Composition.from_dict(counts(other, row)).reduced_formula not in known
        ]
        if kept:
            expected[name] = kept
    done = nucleate_data("filter", first, "--out", tmp_path / "new", "--new-to", first)
    assert expected, "the data of the test have new formulas"
    assert done.exit_code == 0, done.output
    assert ids(tmp_path / "new") == expected
    made = Dataset.open(tmp_path / "new").info["source"]["made"]
    assert made["conditions"]["new_to"]["name"] == first.name


def counts(table: CrystalTable, row: int) -> dict[str, int]:
    return dict(Counter(Element.from_Z(z).symbol for z in table.species[table.atoms_of(row)].tolist()))


def test_only_these_elements(first: Path, tmp_path: Path) -> None:
    nucleate_data("filter", first, "--out", tmp_path / "new", "--only", "Li,O,Fe")
    dataset = Dataset.open(tmp_path / "new")
    for name in dataset.splits:
        assert set(dataset.split(name).species.tolist()) <= {3, 8, 26}
    whole = Dataset.open(first).split("train")
    expected = [whole.ids[i] for i in range(len(whole)) if symbols(whole, i) <= {3, 8, 26}]
    assert ids(tmp_path / "new").get("train", []) == expected


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("gap>1", [3, 4]),
        ("gap >= 1.0", [2, 3, 4]),
        ("gap<1", [0, 1]),
        ("gap=1", [2]),
        ("gap!=1", [0, 1, 3, 4]),
    ],
)
def test_an_unknown_value_meets_no_condition(text: str, kept: list[int]) -> None:
    table = CrystalTable(
        [*"abcdef"], np.ones(6, dtype=np.int64), np.arange(7), np.zeros((6, 3)), np.tile(np.eye(3), (6, 1, 1)),
        {"gap": np.array([0, 0.5, 1, 1.5, 2, np.nan])},
    )  # fmt: skip
    assert np.flatnonzero(Condition.read(text).holds(table)).tolist() == kept


def test_sample(first: Path, tmp_path: Path) -> None:
    for name, options in {"a": (), "b": (), "c": ("--seed", 1), "d": ("--each",)}.items():
        assert nucleate_data("sample", first, "--out", tmp_path / name, "-n", 5, *options).exit_code == 0
    assert ids(tmp_path / "a") == ids(tmp_path / "b") != ids(tmp_path / "c")
    assert sum(map(len, ids(tmp_path / "a").values())) == 5
    assert {name: len(rows) for name, rows in ids(tmp_path / "d").items()} == {"train": 5, "val": 5}
    for split, rows in ids(tmp_path / "a").items():
        whole = ids(first)[split]
        assert [name for name in whole if name in rows] == rows
    table, whole = Dataset.open(tmp_path / "d").split("val"), Dataset.open(first).split("val")
    row = whole.ids.index(table.ids[2])
    np.testing.assert_array_equal(table.frac[table.atoms_of(2)], whole.frac[whole.atoms_of(row)])
    assert told("sample", first, "--out", tmp_path / "x", "-n", 19).message.startswith(
        "19 rows can't be drawn from the 18"
    )
    assert "6 of split 'val'" in told("sample", first, "--out", tmp_path / "x", "-n", 7, "--each").message


def test_merge_unites_columns_and_keeps_splits(first: Path, tmp_path: Path) -> None:
    second = make(tmp_path / "two", 100, {"val": 3, "test": 2}, gap="wide")
    assert nucleate_data("merge", first, second, "--out", tmp_path / "new").exit_code == 0
    assert ids(tmp_path / "new") == {
        "train": ids(first)["train"],
        "val": [*ids(first)["val"], *ids(second)["val"]],
        "test": ids(second)["test"],
    }
    val = Dataset.open(tmp_path / "new").split("val").properties
    assert val["gap"].tolist()[:4] == ["6", "6.5", "7", ""]
    assert val["gap"].tolist()[6] == "wide 100"
    assert val["note"].tolist()[5:7] == ["kept 17", ""]
    assert [one["name"] for one in Dataset.open(tmp_path / "new").info["source"]["from"]] == ["set", "set"]


def test_duplicate_ids_are_an_error_unless_allowed(first: Path, tmp_path: Path) -> None:
    second = make(tmp_path / "two", 10, {"train": 3, "test": 7})
    assert told("merge", first, second, "--out", tmp_path / "x").message.startswith(
        "id 'm10' is in train of "
    )
    assert not (tmp_path / "x").exists()
    nucleate_data("merge", first, second, "--out", tmp_path / "f", "--duplicates", "first")
    assert ids(tmp_path / "f") == {**ids(first), "test": ["m18", "m19"]}
    made = Dataset.open(tmp_path / "f").info["source"]["made"]
    assert made == {"by": "merge", "duplicates": "first", "left_out": {"train": 3, "test": 5}}
    nucleate_data("merge", first, second, "--out", tmp_path / "r", "--duplicates", "rename")
    assert ids(tmp_path / "r")["train"][-3:] == ["m10@set", "m11@set", "m12@set"]
    names = [name for rows in ids(tmp_path / "r").values() for name in rows]
    assert len(names) == len(set(names)) == 28


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.extxyz", "cifs", "poscars"])
def test_exported_files_are_read_back(first: Path, tmp_path: Path, name: str) -> None:
    options = ("--format", "poscar") if name == "poscars" else ()
    assert nucleate_data("export", first, tmp_path / "out" / name, *options).exit_code == 0
    import_pool([tmp_path / "out" / name], tmp_path / "again", KEEP)
    again, dataset = Dataset.open(tmp_path / "again").split("train"), Dataset.open(first)
    assert len(again) == 18
    volumes = [np.linalg.det(dataset.split(name).lattice) for name in dataset.splits]
    np.testing.assert_allclose(
        sorted(np.linalg.det(again.lattice)), sorted(np.concatenate(volumes)), rtol=1e-6
    )
    if name in ("cifs", "poscars"):
        with (tmp_path / "out" / name / "properties.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["material_id"] for row in rows] == [f"m{i}" for i in range(18)]
        assert rows[13]["gap"] == "6.5"
        assert rows[13]["split"] == "val"
        file = tmp_path / "out" / name / rows[13]["file"]
        assert Structure.from_file(file).composition == random_structure(13, 4).composition
    else:
        row = again.ids.index("m13") if "csv" in name else 13
        assert again.properties["split"][row] == "val"
        assert again.properties["gap"][row] == 6.5
        assert np.isnan(again.properties["gap"][3])
        assert again.properties["note"][row] == "kept 13"
        parts = again.frac[again.atoms_of(row)] - dataset.split("val").frac[dataset.split("val").atoms_of(1)]
        np.testing.assert_allclose(parts - np.rint(parts), 0, atol=1e-6)


@pytest.mark.parametrize("name", ["a.csv", "a.extxyz", "cifs"])
def test_export_in_conventional_cells(name: str, tmp_path: Path) -> None:
    """Rock salt kept in its primitive cell comes out with the eight atoms and the right angles of the textbook."""
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3])
    rows = [{"material_id": "salt", "cif": cif(salt.get_primitive_structure()), "gap": 5}]
    import_splits({"train": [write_csv(tmp_path / "in.csv", rows)]}, tmp_path / "set", ImportSettings())
    assert Dataset.open(tmp_path / "set").split("train").sizes.tolist() == [2]
    done = nucleate_data("export", tmp_path / "set", tmp_path / name, "--cell", "conventional")
    assert done.exit_code == 0, done.output
    import_splits({"train": [tmp_path / name]}, tmp_path / "back", KEEP)
    table = Dataset.open(tmp_path / "back").split("train")
    assert table.sizes.tolist() == [8]
    assert np.allclose(table.lattice[0], 5.64 * np.eye(3), atol=1e-5)
    told("export", tmp_path / "set", tmp_path / "b.csv", "--cell", "cubic")


def test_one_split_is_exported_without_a_column_for_it(first: Path, tmp_path: Path) -> None:
    assert nucleate_data("export", first, tmp_path / "a.csv", "--split", "val").exit_code == 0
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["material_id"] for row in rows] == ids(first)["val"]
    assert list(rows[0]) == ["material_id", "gap", "note", "cif"]


def test_names_that_map_to_one_file_name_stay_different(tmp_path: Path) -> None:
    rows = [{"material_id": name, "cif": cif(random_structure(1))} for name in ("a/b", "a b", "A_B", "..")]
    import_pool([write_csv(tmp_path / "a.csv", rows)], tmp_path / "set", KEEP)
    assert nucleate_data("export", tmp_path / "set", tmp_path / "out").exit_code == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(
        ["a_b.cif", "a_b-2.cif", "A_B-3.cif", "crystal.cif", "properties.csv"]
    )


def test_a_text_that_extended_xyz_can_not_hold_is_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    rows = [{"material_id": "a", "cif": cif(random_structure(1)), "note": 'the "first"'}]
    import_pool([write_csv(tmp_path / "a.csv", rows)], tmp_path / "set", KEEP)
    assert (
        "note of a holds a quotation mark" in told("export", tmp_path / "set", tmp_path / "a.extxyz").message
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "set"]


def test_errors(first: Path, tmp_path: Path) -> None:
    new, there = ("--out", tmp_path / "new"), tmp_path / "there"
    there.mkdir()
    (there / "thesis.tex").touch()
    for arguments, message in (
        (("filter", first, *new), "no condition was given"),
        (("filter", first, *new, "--where", "gap"), "'gap' is not a condition"),
        (("filter", first, *new, "--where", "bandgap>1"), "no property 'bandgap'"),
        (("filter", first, *new, "--where", "gap>wide"), "'gap' is a number, and 'wide' is not"),
        (("filter", first, *new, "--where", "note>1"), "'note' is text"),
        (("filter", first, *new, "--elements", "Li,Xx"), "no element 'Xx'"),
        (("filter", first, *new, "--atoms", "9:1"), "--atoms '9:1' is not a range"),
        (("filter", first, *new, "--atoms", "50:"), "none of the 18 rows"),
        (("filter", first, "--out", there, "--atoms", "2"), "exists"),
        (("filter", tmp_path / "nowhere", *new, "--atoms", "2"), "no data set"),
        (("sample", first, "--out", there, "-n", 3), "exists"),
        (("merge", first, *new), "one data set can't be merged"),
        (("merge", first, first, *new, "--duplicates", "last"), "duplicates can't be treated by 'last'"),
        (("merge", first, first, "--out", there), "exists"),
        (("export", first, there), "exists"),
        (("export", first, tmp_path / "a.csv", "--format", "cif"), "is not a name for the format 'cif'"),
        (("export", first, tmp_path / "new", "--format", "csv"), "is not a name for the format 'csv'"),
        (("export", first, tmp_path / "new", "--format", "pdb"), "no format 'pdb'"),
        (("export", first, tmp_path / "a.cif"), "would become a folder"),
        (("export", first, tmp_path / "a.csv", "--split", "test"), "has no split 'test'"),
    ):
        assert message in told(*arguments).message
        assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "there"]
    assert [path.name for path in there.iterdir()] == ["thesis.tex"]


def test_cells_of_two_kinds_are_not_mixed(first: Path, tmp_path: Path) -> None:
    info = json.loads((first / "dataset.json").read_text())
    info["settings"]["reduce"] = True
    other = tmp_path / "other"
    other.mkdir()
    for file in first.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "dataset.json").write_text(json.dumps(info))
    assert "Niggli-reduced" in told("merge", first, other, "--out", tmp_path / "x").message
