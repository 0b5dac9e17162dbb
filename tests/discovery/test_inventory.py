"""The table of generated crystals: each has a row, usable ones have files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.data.extxyz import frame_text
from nucleate.discovery.inventory import inventory, write_inventory
from nucleate.errors import DataError

CAESIUM = Structure(Lattice.cubic(4.1), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
COLLIDING = Structure(Lattice.cubic(4.1), ["Cs", "Cl"], [[0, 0, 0], [0.01, 0, 0]])


def frame(structure: Structure, sample: int) -> str:
    header = {"sample": sample, "formula": "CsCl", "cell": "CsCl", "seed": 3, "nfe": 12, "model": "tiny"}
    numbers, lattice = np.array(structure.atomic_numbers), structure.lattice.matrix
    return frame_text(numbers, structure.frac_coords, lattice, header | {"key": f"{sample:016x}"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = [frame(CAESIUM, 10), frame(COLLIDING, 2), frame(CAESIUM, 1).replace("\nCl", "\nQq")]
    (tmp_path / "generated.extxyz").write_text("".join(frames))
    return tmp_path


def test_every_crystal_has_an_entry_in_the_order_of_numbers(folder):
    entries = [entry for entry, _ in inventory(folder)]
    assert [entry.usable for entry in entries] == [False, False, True]
    assert [entry.atoms for entry in entries] == [0, 2, 2]
    assert [entry.space_group for entry in entries] == ["-", "-", "Pm-3m"]
    assert entries[2].volume == pytest.approx(4.1**3 / 2)
    assert entries[2].origin.startswith("CsCl ")
    assert entries[2].origin.endswith("seed=3 nfe=12 model=tiny made with nucleate")


def test_only_usable_crystals_have_files_and_all_have_rows(folder):
    entries = write_inventory(folder, ["cif", "poscar"])
    with (folder / "generated.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [entry.name for entry in entries]
    assert [path.stem for path in (folder / "cif").iterdir()] == [entries[2].name]
    assert len(list((folder / "poscar").iterdir())) == 1
    written = Structure.from_file(next((folder / "cif").iterdir()))
    assert written.composition == CAESIUM.composition


def test_a_folder_without_crystals_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no crystals in"):
        list(inventory(tmp_path))
