"""Dataset opens what import wrote, and says what is wrong with what it did not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.data.dataset import Dataset
from nucleate.data.importing import ImportSettings, import_pool
from nucleate.errors import DataError
from tests.data.crystal_makers import cif, random_structure, write_csv


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"material_id": f"m{i}", "cif": cif(random_structure(i, 1 + i % 4)), "gap": i} for i in range(10)]
    source = write_csv(tmp_path / "a.csv", rows)
    settings = ImportSettings(fractions=(0.8, 0.2, 0.0), licence="CC BY 4.0", note="made here")
    import_pool([source], tmp_path / "set", settings)
    return tmp_path / "set"


def test_info_counts_what_the_splits_hold(folder: Path) -> None:
    dataset = Dataset.open(folder)
    assert dataset.splits == ["train", "val"]
    assert dataset.info["counts"] == {"train": 8, "val": 2}
    assert dataset.info["licence"] == "CC BY 4.0"
    assert dataset.info["source"]["note"] == "made here"
    for name in dataset.splits:
        table, found = dataset.split(name), dataset.info["statistics"][name]
        assert len(table) == found["crystals"]
        assert len(table.species) == found["atoms"]
        assert sum(found["sizes"].values()) == len(table)
        assert found["volume"]["max"] == pytest.approx(np.linalg.det(table.lattice).max())
        lithium = sum(3 in table.species[table.atoms_of(i)] for i in range(len(table)))
        assert found["elements"].get("Li", 0) == lithium
        assert found["properties"]["gap"]["range"]["max"] == table.properties["gap"].max()


def test_a_batch_is_padded_with_coordinates_below_one(folder: Path) -> None:
    table = Dataset.open(folder).split("train")
    table = replace(table, frac=np.where(table.frac == table.frac[0], 1 - 1e-12, table.frac))
    batch = table.batch([0, 3, 5], torch.float32)
    assert batch.frac.dtype == torch.float32
    assert ((batch.frac >= 0) & (batch.frac < 1)).all()
    assert batch.sizes.tolist() == table.sizes[[0, 3, 5]].tolist()
    assert (batch.species[~batch.mask] == 0).all()
    part = table.select([5, 0])
    assert part.ids == [table.ids[5], table.ids[0]]
    np.testing.assert_array_equal(part.frac[part.atoms_of(0)], table.frac[table.atoms_of(5)])


def test_cells_of_a_table_are_those_of_its_batch(folder: Path) -> None:
    table = Dataset.open(folder).split("train")
    batch = table.batch(np.arange(len(table)), torch.float64).cells()
    for place, (cell, other) in enumerate(zip(table.cells(), batch, strict=True)):
        for ours, theirs, again in zip(cell, other, table.cell(place), strict=True):
            np.testing.assert_array_equal(ours, theirs)
            np.testing.assert_array_equal(ours, again)


def test_unknown_split_names_those_that_exist(folder: Path) -> None:
    with pytest.raises(DataError, match="no split 'test'") as caught:
        Dataset.open(folder).split("test")
    assert caught.value.hint == "it has train, val"


def test_missing_and_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set"):
        Dataset.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no dataset\.json"):
        Dataset.open(tmp_path)
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(DataError, match="not readable"):
        Dataset.open(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"name": "other"}))
    with pytest.raises(DataError, match="no checksums"):
        Dataset.open(tmp_path)


def test_damaged_and_lost_files(folder: Path) -> None:
    dataset = Dataset.open(folder)
    content = bytearray((folder / "train.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "train.parquet").write_bytes(content)
    with pytest.raises(DataError, match="changed or damaged"):
        dataset.split("train")
    (folder / "val.parquet").unlink()
    with pytest.raises(DataError, match="no file"):
        dataset.split("val")


def test_reading_needs_neither_pymatgen_nor_pandas(folder: Path) -> None:
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('pymatgen', 'pandas', 'ase', 'scipy', 'spglib'):\n"
        "            sys.exit(f'{name} is imported')\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from nucleate.data.dataset import Dataset\n"
        f"print(len(Dataset.open({str(folder)!r}).split('train').batch([0, 1])))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2\n"
