"""Every kind of source becomes a data set; bad rows are counted and listed; nothing is half-written."""

import csv
import gzip
import json
import tarfile
import zipfile
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.vasp import Poscar

from nucleate.data.dataset import Dataset
from nucleate.data.importing import ImportSettings, import_pool, import_splits, split_rows
from nucleate.data.parse import CellSettings
from nucleate.errors import DataError, NucleateError
from nucleate.work import Work
from tests.data.crystal_makers import cif, random_structure, rock_salt, same_crystal, write_csv

KEEP = ImportSettings(cells=CellSettings(reduce=False), fractions=(1.0, 0.0, 0.0))
STRUCTURES = [random_structure(seed) for seed in range(5)]


def imported(source: Path, out: Path, settings: ImportSettings = KEEP):
    import_pool([source], out, settings)
    return Dataset.open(out).split("train")


def assert_same(table, structures: list[Structure] = STRUCTURES, tolerance: float = 1e-4) -> None:
    assert len(table) == len(structures)
    for one, other in zip(table.batch(np.arange(len(table))).to_structures(), structures, strict=True):
        assert same_crystal(one, other, tolerance)


def rows() -> list[dict[str, object]]:
    return [{"material_id": f"m{i}", "cif": cif(s), "gap": i / 2} for i, s in enumerate(STRUCTURES)]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("reduce", [True, False])
def test_csv(tmp_path: Path, name: str, reduce: bool) -> None:
    settings = ImportSettings(cells=CellSettings(reduce=reduce), fractions=(1.0, 0.0, 0.0))
    table = imported(write_csv(tmp_path / name, rows()), tmp_path / "set", settings)
    assert table.ids == ["m0", "m1", "m2", "m3", "m4"]
    assert table.properties["gap"].tolist() == [0, 0.5, 1, 1.5, 2]
    assert_same(table)


def test_folder_of_cif_and_poscar(tmp_path: Path) -> None:
    fill(tmp_path / "in")
    table = imported(tmp_path / "in", tmp_path / "set")
    assert table.ids == ["POSCAR_4", "deep/x1", "deep/x2", "x0", "y3.vasp"]
    assert_same(table, [STRUCTURES[i] for i in (4, 1, 2, 0, 3)])


def fill(folder: Path) -> None:
    (folder / "deep").mkdir(parents=True)
    (folder / "x0.cif").write_text(cif(STRUCTURES[0]))
    (folder / "deep" / "x1.cif").write_text(cif(STRUCTURES[1]))
    (folder / "deep" / "x2.cif.gz").write_bytes(gzip.compress(cif(STRUCTURES[2]).encode()))
    (folder / "y3.vasp").write_text(str(Poscar(STRUCTURES[3])))
    (folder / "POSCAR_4").write_text(str(Poscar(STRUCTURES[4])))
    (folder / "notes.txt").write_text("not a structure")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_archives(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "in")
    files = sorted(file for file in (tmp_path / "in").rglob("*") if file.is_file())
    if name.endswith("zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(tmp_path / "in"))
    else:
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            for file in files:
                archive.add(file, file.relative_to(tmp_path / "in"))
    table = imported(tmp_path / name, tmp_path / "set")
    assert_same(table, [STRUCTURES[i] for i in (4, 1, 2, 0, 3)])


def as_atoms():
    found = [AseAtomsAdaptor.get_atoms(s) for s in STRUCTURES]
    for i, atoms in enumerate(found):
        atoms.info.clear()
        atoms.calc = SinglePointCalculator(atoms, energy=-float(i))
    return found


def test_extxyz(tmp_path: Path) -> None:
    found = as_atoms()
    for i, atoms in enumerate(found):
        atoms.info["label"] = f"phase {i}"
    ase.io.write(tmp_path / "a.extxyz", found)
    table = imported(tmp_path / "a.extxyz", tmp_path / "set")
    assert table.properties["energy"].tolist() == [0, -1, -2, -3, -4]
    assert table.properties["label"].tolist()[3] == "phase 3"
    assert_same(table)


def test_ase_db(tmp_path: Path) -> None:
    with ase.db.connect(tmp_path / "a.db") as database:
        for i, atoms in enumerate(as_atoms()):
            database.write(atoms, material_id=f"m-{i}", gap=i / 4)
        database.write(ase.Atoms("H"))
    table = imported(tmp_path / "a.db", tmp_path / "set")
    assert table.ids[1] == "m-1"
    assert table.properties["gap"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert table.properties["energy"].tolist() == [0, -1, -2, -3, -4]
    assert_same(table)
    assert rejected(tmp_path / "set")[0]["reason"] == "no three-dimensional cell"


@pytest.mark.parametrize("layout", ["list", "dictionary", "entries", "single"])
def test_pymatgen_json(tmp_path: Path, layout: str) -> None:
    plain = [s.as_dict() for s in STRUCTURES]
    found = {
        "list": plain,
        "dictionary": {f"m{i}": one for i, one in enumerate(plain)},
        "entries": [
            {"@class": "ComputedStructureEntry", "structure": one, "energy": -i, "entry_id": f"m{i}"}
            for i, one in enumerate(plain)
        ],
        "single": plain[0],
    }[layout]
    (tmp_path / "a.json").write_text(json.dumps(found))
    table = imported(tmp_path / "a.json", tmp_path / "set")
    assert_same(table, STRUCTURES[: len(table)])
    assert len(table) == (1 if layout == "single" else 5)
    if layout in ("dictionary", "entries"):
        assert table.ids[2] == "m2"
    if layout == "entries":
        assert table.properties["energy"].tolist() == [0, -1, -2, -3, -4]


def test_properties_have_one_type_in_all_splits(tmp_path: Path) -> None:
    first = [{"cif": cif(STRUCTURES[0]), "gap": "", "note": "7", "year": 1999, "species": "x"}]
    second = [{"cif": cif(STRUCTURES[1]), "gap": "1.5", "note": "poor", "year": "", "species": "y"}]
    files = {"train": [write_csv(tmp_path / "a.csv", first)], "val": [write_csv(tmp_path / "b.csv", second)]}
    import_splits(files, tmp_path / "set", KEEP)
    train, val = (Dataset.open(tmp_path / "set").split(name) for name in ("train", "val"))
    assert train.ids == ["a-1"]
    assert np.isnan(train.properties["gap"][0])
    assert val.properties["gap"][0] == 1.5
    assert np.isnan(val.properties["year"][0])
    assert train.properties["note"].tolist() == ["7"]
    assert train.properties["species_"].tolist() == ["x"]
    assert train.properties["gap"].dtype == np.float64


BAD = {
    "unreadable cif": "no cif",
    "partial occupancy": cif(Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])),
    "unreadable cif ": cif(STRUCTURES[0]).replace("0.", "nan."),
    "atoms 0.300 Å apart": cif(Structure(Lattice.cubic(4), ["Na", "K"], [[0, 0, 0.02], [0, 0, 0.945]])),
    "atoms 0.400 Å apart": cif(Structure(Lattice.tetragonal(0.4, 5), ["Na"], [[0, 0, 0]])),
    "7 atoms": cif(random_structure(0, 7)),
    "unknown element": cif(Structure(Lattice.cubic(4), ["Lr"], [[0, 0, 0]])),
    "no cell has": cif(STRUCTURES[0]).replace(f"{STRUCTURES[0].lattice.alpha:.8f}", "179.0"),
}


def rejected(folder: Path) -> list[dict[str, str]]:
    with (folder / "rejected.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def bad_source(folder: Path) -> Path:
    bad = [{"material_id": f"bad{i}", "cif": text, "gap": 0} for i, text in enumerate(BAD.values())]
    return write_csv(folder / "bad.csv", [*rows()[:2], *bad, *rows()[2:]])


def test_bad_rows_are_left_out_and_listed(tmp_path: Path) -> None:
    settings = ImportSettings(cells=CellSettings(max_atoms=6), fractions=(1.0, 0.0, 0.0))
    source = bad_source(tmp_path)
    info = import_pool([source], tmp_path / "set", settings)
    assert_same(Dataset.open(tmp_path / "set").split("train"))
    found = rejected(tmp_path / "set")
    assert [one["id"] for one in found] == [f"bad{i}" for i in range(len(BAD))]
    assert [int(one["row"]) for one in found] == list(range(3, 3 + len(BAD)))
    for reason, one in zip(BAD, found, strict=True):
        assert one["reason"].startswith(reason.strip()), one
        assert one["split"] == "train"
    assert sum(info["rejected"]["train"].values()) == len(BAD)
    assert info["rejected"]["train"]["atoms too close"] == 2


def test_strict_makes_them_an_error_and_writes_nothing(tmp_path: Path) -> None:
    source = bad_source(tmp_path)
    with pytest.raises(DataError, match=r"of 13 rows are refused; the first is train row 3 \(bad0\)"):
        import_pool([source], tmp_path / "set", ImportSettings(fractions=(1.0, 0.0, 0.0), strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_an_existing_folder_is_kept_unless_overwritten(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", rows())
    import_pool([source], tmp_path / "set", KEEP)
    before = (tmp_path / "set" / "train.parquet").read_bytes()
    with pytest.raises(DataError, match="exists"):
        import_pool([source], tmp_path / "set", KEEP)
    assert (tmp_path / "set" / "train.parquet").read_bytes() == before
    write_csv(source, rows()[:2])
    import_pool([source], tmp_path / "set", ImportSettings(fractions=(1.0, 0.0, 0.0), overwrite=True))
    assert len(Dataset.open(tmp_path / "set").split("train")) == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("do not delete")
    with pytest.raises(DataError, match="not a data set"):
        import_pool([source], tmp_path / "mine", ImportSettings(overwrite=True))
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_a_crash_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("nucleate.data.table.write_table", crash)
    source = write_csv(tmp_path / "a.csv", rows())
    with pytest.raises(NucleateError, match=r"can't be written \(disk full\)"):
        import_pool([source], tmp_path / "set", KEEP)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_worker_processes_give_the_same(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv.gz", 130 * rows())
    seen = []
    for workers in (1, 2):
        settings = ImportSettings(fractions=(1.0, 0.0, 0.0))
        import_pool(
            [source], tmp_path / str(workers), settings, Work.local(workers, lambda *step: seen.append(step))
        )
    one, two = (Dataset.open(tmp_path / str(workers)) for workers in (1, 2))
    assert one.info["checksums"] == two.info["checksums"]
    assert seen[-1] == ("crystals", 650, 650)


def test_split_is_a_partition_fixed_by_the_seed() -> None:
    first, again, other = (split_rows(103, (0.8, 0.1, 0.1), seed) for seed in (0, 0, 1))
    assert [len(part) for part in first.values()] == [82, 11, 10]
    assert sorted(np.concatenate(list(first.values()))) == list(range(103))
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["val"][:5] != other["val"][:5]).any()


@pytest.mark.parametrize("fractions", [(0.5, 0.1, 0.1), (1.2, -0.1, -0.1), (np.nan, 0.5, 0.5)])
def test_wrong_fractions(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(DataError, match="three shares"):
        split_rows(10, fractions, 0)


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    def refused(name: str, content: bytes, message: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            import_pool([tmp_path / name], tmp_path / "set", KEEP)
        assert caught.value.hint
        assert not (tmp_path / "set").exists()

    refused("a.csv", b"x,y\n1,2\n", "no column 'cif', only x, y")
    refused("b.csv", b"material_id,cif\n", "holds no structures")
    refused("c.csv", b"material_id,cif\n1,nothing\n", "all 1 rows are refused")
    refused("d.csv.gz", gzip.compress(500 * b"material_id,cif\n")[:-9], "can't be read")
    refused("e.zip", b"PK not a zip", "can't be read")
    refused("f.json", b"{", "not JSON")
    refused("g.xyz", b"3\ncomment\nH 0 0 0\n", "3 atoms are announced and 1 lines of atoms follow")
    refused("h.docx", b"", "unknown kind")
    refused("i.db", b"not a database at all", "can't be read")
    with pytest.raises(DataError, match="no file or folder"):
        import_pool([tmp_path / "missing.csv"], tmp_path / "set", KEEP)


def test_primitive_cells_by_default(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "a.csv", [{"cif": cif(rock_salt())}])
    assert imported(source, tmp_path / "kept").sizes.tolist() == [8]
    assert imported(source, tmp_path / "set", ImportSettings(fractions=(1.0, 0.0, 0.0))).sizes.tolist() == [2]
