"""Samples from every kind of source: the same crystals, names that stay, reasons for what can't be read."""

import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from ase.io import write
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from nucleate.cell import Cell
from nucleate.data.dataset import sha256
from nucleate.data.table import write_table
from nucleate.errors import DataError
from nucleate.metrics.dng.quantities import digest
from nucleate.metrics.dng.samples import Samples, read_samples
from tests.metrics.crystals_for_tests import known_crystals, table_of

CRYSTALS = known_crystals()


def atoms_of(index: int, **info):
    atoms = AseAtomsAdaptor.get_atoms(CRYSTALS[index])
    atoms.info = info
    return atoms


def assert_same(cell: Cell | None, index: int) -> None:
    expected = CRYSTALS[index]
    assert cell is not None
    assert cell.species.tolist() == list(expected.atomic_numbers)
    np.testing.assert_allclose(Lattice(cell.lattice).parameters, expected.lattice.parameters, atol=1e-4)
    apart = cell.frac - expected.frac_coords
    np.testing.assert_allclose(apart - np.round(apart), 0, atol=1e-4)


def write_files(folder) -> None:
    folder.mkdir(exist_ok=True)
    CRYSTALS[1].to(str(folder / "a.cif"))
    (folder / "deep").mkdir(exist_ok=True)
    CRYSTALS[4].to(str(folder / "deep" / "POSCAR"), fmt="poscar")
    write(folder / "two.extxyz", [atoms_of(2), atoms_of(3, material_id="mp-3")])
    (folder / "broken.cif").write_text("data_nothing\n")
    (folder / "notes.txt").write_text("no structure")


def test_a_folder_of_mixed_files(tmp_path):
    write_files(tmp_path / "in")
    samples = read_samples(tmp_path / "in")
    assert samples.ids == ["a", "broken", "deep/POSCAR", "two#0", "mp-3"]
    for place, index in ((0, 1), (2, 4), (3, 2), (4, 3)):
        assert_same(samples.cells[place], index)
        assert samples.problems[place] == ""
    assert samples.cells[1] is None
    assert samples.problems[1].startswith("unreadable cif: ")
    assert samples.source["kind"] == "files"
    assert samples.source["found"] == 5


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
def test_an_archive_holds_what_its_folder_holds(tmp_path, ending):
    write_files(tmp_path / "in")
    path = tmp_path / f"all.{ending}"
    files = [file for file in (tmp_path / "in").rglob("*") if file.is_file()]
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(tmp_path / "in"))
    else:
        with tarfile.open(path, "w:gz" if ending.endswith("gz") else "w") as archive:
            for file in files:
                archive.add(file, str(file.relative_to(tmp_path / "in")))
    packed, loose = read_samples(path), read_samples(tmp_path / "in")
    assert packed.ids == loose.ids
    assert packed.keys() == loose.keys()


def test_a_cut_archive_is_an_error(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        text = str(CRYSTALS[1].to(fmt="cif")).encode() + np.random.default_rng(0).bytes(50_000)
        member = tarfile.TarInfo("a.cif")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    (tmp_path / "a.tar.gz").write_bytes(buffer.getvalue()[:20_000])
    with pytest.raises(DataError, match="can't be read"):
        read_samples(tmp_path / "a.tar.gz")


def test_a_run_is_read_from_all_its_shards_each_crystal_once(tmp_path):
    def frame(index: int, key: str):
        return atoms_of(index, key=key, sample=index, seed=0, nfe=9, model="m")

    write(tmp_path / "generated.0-of-2.extxyz", [frame(0, "k0"), frame(1, "k1")])
    write(tmp_path / "generated.1-of-2.extxyz", [frame(1, "k1"), frame(2, "k2")])
    CRYSTALS[5].to(str(tmp_path / "copy.cif"))
    samples = read_samples(tmp_path)
    assert samples.ids == ["generated-000000", "generated-000001", "generated-000002"]
    assert samples.hashes == ["k0", "k1", "k2"]
    assert samples.select([2, 0]).hashes == ["k2", "k0"]
    assert samples.source["repeated"] == 1
    assert samples.source["kind"] == "run"
    assert read_samples(tmp_path / "generated.1-of-2.extxyz").hashes == ["k1", "k2"]


def test_predictions_have_the_names_of_their_ranking(tmp_path):
    frames = [
        atoms_of(1, key="k1", sample=0, cell="Na2 Cl2"),
        atoms_of(2, key="k2", sample=1, material_id="mp/1", formula="NaCl"),
        atoms_of(3, key="k3", formula="NaCl"),
    ]
    write(tmp_path / "predictions.extxyz", frames)
    assert read_samples(tmp_path).ids == ["Na2_Cl2-000", "mp_1-001", "k3"]


def test_names_of_files_and_frames_stay_whole(tmp_path):
    (tmp_path / "v1.2").mkdir()
    CRYSTALS[4].to(str(tmp_path / "v1.2" / "POSCAR"), fmt="poscar")
    CRYSTALS[1].to(str(tmp_path / "a.b.CIF"), fmt="cif")
    write(tmp_path / "c.extxyz", [atoms_of(2, name="salt"), atoms_of(3, id="7-b"), atoms_of(3)])
    assert read_samples(tmp_path).ids == ["a.b", "salt", "7-b", "c#2", "v1.2/POSCAR"]
    assert read_samples(tmp_path).hashes == []


def test_frames_whose_numbers_are_broken_are_kept_with_the_reason(tmp_path):
    head = 'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3'
    (tmp_path / "a.extxyz").write_text(f"1\n{head}\nLi 0 0 0\n1\n{head}\nQq 0 0 0\n1\n{head}\nLi nan 0 0\n")
    samples = read_samples(tmp_path / "a.extxyz")
    assert samples.ids == ["a#0", "a#1", "a#2"]
    assert [bool(problem) for problem in samples.problems] == [False, True, False]
    broken = samples.cells[2]
    assert broken is not None
    assert np.isnan(broken.frac).any()


def test_pymatgen_json(tmp_path):
    disordered = Structure(Lattice.cubic(3), [{"Fe": 0.5, "Co": 0.5}], [[0, 0, 0]])
    content = [CRYSTALS[1].as_dict(), disordered.as_dict(), {"no": "structure"}, 7]
    path = tmp_path / "all.json"
    path.write_text(json.dumps(content))
    samples = read_samples(path)
    assert samples.ids == ["all-1", "all-2", "all-3", "all-4"]
    assert_same(samples.cells[0], 1)
    assert samples.problems[1] == "partial occupancy"
    assert samples.problems[2].startswith("unreadable structure")
    assert samples.problems[3] == "not a structure"
    path.write_text(json.dumps({"x": CRYSTALS[1].as_dict(), "y": CRYSTALS[2].as_dict()}))
    assert read_samples(path).ids == ["x", "y"]


def test_a_data_set_needs_a_split_and_its_parquet_does_not(tmp_path):
    write_table(table_of(CRYSTALS[:4]), tmp_path / "val.parquet")
    checksums = {"val.parquet": sha256(tmp_path / "val.parquet")}
    (tmp_path / "dataset.json").write_text(json.dumps({"checksums": checksums}))
    samples = read_samples(tmp_path, split="val")
    assert samples.ids == ["x-0", "x-1", "x-2", "x-3"]
    assert_same(samples.cells[3], 3)
    assert read_samples(tmp_path / "val.parquet").keys() == samples.keys()
    with pytest.raises(DataError, match="several splits") as error:
        read_samples(tmp_path)
    assert error.value.hint == "choose with --sample-split: val"
    with pytest.raises(DataError, match="has no split 'test'"):
        read_samples(tmp_path, split="test")


def test_bad_places(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.docx").write_text("x")
    CRYSTALS[1].to(str(tmp_path / "a.cif"))
    for path, split, message in (
        ("nowhere", "", "no file or folder"),
        ("empty", "", "no structures in"),
        ("a.docx", "", "unknown kind"),
        ("a.cif", "val", "is not a data set, so it has no split 'val'"),
    ):
        with pytest.raises(DataError, match=message):
            read_samples(tmp_path / path, split=split)
    with pytest.raises(DataError, match="--limit must be at least 1; got 0"):
        read_samples(tmp_path / "a.cif", limit=0)


def test_names_are_made_unique_and_none_is_lost():
    samples = Samples.of([CRYSTALS[0]] * 4, ["a", "a", "a (2)", "a"])
    assert len(set(samples.ids)) == 4
    assert samples.ids[0] == "a"
    assert samples.ids[2] == "a (2)"


def test_crystals_in_memory():
    disordered = Structure(Lattice.cubic(3), [{"Fe": 0.5, "Co": 0.5}], [[0, 0, 0]])
    empty = Cell(np.zeros(0, dtype=int), np.zeros((0, 3)), np.eye(3))
    samples = Samples.of([CRYSTALS[1], Cell.of(CRYSTALS[2]), None, disordered, empty])
    assert samples.problems == ["", "", "not given", "partial occupancy", "no atoms"]
    assert [cell is None for cell in samples.cells] == [False, False, True, True, True]


def test_keys_depend_only_on_content():
    first = Samples.of([CRYSTALS[1], CRYSTALS[2], None, CRYSTALS[1]])
    second = Samples.of([None, CRYSTALS[1], CRYSTALS[1], CRYSTALS[2]])
    assert sorted(first.keys()) == sorted(second.keys())
    assert len(set(first.keys())) == 4
    moved = Cell.of(CRYSTALS[1])
    assert digest(moved) != digest(moved._replace(frac=moved.frac + 1e-9))


def test_a_limit_draws_the_same_crystals_from_any_order():
    crystals = CRYSTALS * 3
    shuffled = [crystals[i] for i in np.random.default_rng(1).permutation(len(crystals))]
    first, second = (Samples.of(some).limit(8, seed=3) for some in (crystals, shuffled))
    assert len(first) == 8
    assert sorted(first.keys()) == sorted(second.keys())
    assert sorted(first.keys()) != sorted(Samples.of(crystals).limit(8, seed=4).keys())
    assert first.source["of"] == 30
    assert Samples.of(crystals).limit(100, seed=0).ids == Samples.of(crystals).ids
