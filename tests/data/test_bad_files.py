"""Of every kind of source: one bad file, frame or row is refused with its reason, and all others are imported."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.vasp import Poscar

from nucleate.data.dataset import Dataset
from nucleate.data.frames import split_frames, split_lines
from nucleate.data.importing import ImportSettings, import_pool
from nucleate.data.parse import CellSettings
from nucleate.data.refusals import group_lines, read_refusals
from nucleate.errors import DataError
from nucleate.metrics.reading import read_structures
from tests.data.crystal_makers import cif, random_structure, write_csv

STRUCTURES = [random_structure(seed) for seed in range(5)]


def imported(
    tmp_path: Path, *sources: Path, cells: CellSettings = CellSettings(reduce=False)
) -> dict[str, str]:
    """Refused ids with their reasons; all five crystals have to be there."""
    settings = ImportSettings(cells=cells, fractions=(1.0, 0.0, 0.0))
    import_pool([*sources], tmp_path / "set", settings)
    table = Dataset.open(tmp_path / "set").split("train")
    assert sorted(table.lattice.sum((1, 2)).round(3)) == expected_lattices()
    return {one.id: one.reason for one in read_refusals(tmp_path / "set" / "rejected.csv")}


def expected_lattices() -> list[float]:
    return sorted(
        np.round(s.lattice.__class__.from_parameters(*s.lattice.parameters).matrix.sum(), 3)
        for s in STRUCTURES
    )


def frames() -> list[str]:
    return [frame(one) for one in STRUCTURES]


def frame(structure) -> str:
    from io import StringIO

    text = StringIO()
    atoms = AseAtomsAdaptor.get_atoms(structure)
    ase.io.write(text, Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True), format="extxyz")
    return text.getvalue()


HEAD = 'Properties=species:S:1:pos:R:3 pbc="T T T"\nLi 0 0 0\n'
BAD_FRAMES = {
    "singular": (f'1\nLattice="3 0 0 3 0 0 0 0 3" {HEAD}', "no three-dimensional cell: its vectors lie in one plane"),
    "infinite": (f'1\nLattice="inf 0 0 0 3 0 0 0 3" {HEAD}', "not finite"),
    "huge": (f'1\nLattice="1e12 0 0 0 3 0 0 0 3" {HEAD}', "volume per atom out of limits: 9e+12 Å³ (from 0.5 to 2000)"),
    "flat": (f'1\nLattice="600 0 0 0 1 0 0 0 1" {HEAD}', "cell vector too long: 600 Å (at most 500)"),
    "thin": (f'1\nLattice="12 0 0 0 12 0 0 0 12" {HEAD}', "density out of limits: 0.00667 g/cm³ (from 0.01 to 50)"),
    "tiny": (f'1\nLattice="1e-9 0 0 0 3 0 0 0 3" {HEAD}', "volume per atom out of limits: 9e-09"),
    "overflow": (f'1\nLattice="1e200 0 0 0 1e200 0 0 0 3" {HEAD}', "volume per atom out of limits: inf"),
    "nan": (f'1\nLattice="3 0 0 0 3 0 0 0 3" {HEAD}'.replace("Li 0", "Li nan"), "not finite"),
    "no cell": ('1\nProperties=species:S:1:pos:R:3\nLi 0 0 0\n', "no three-dimensional cell"),
    "symbol": (f'1\nLattice="3 0 0 0 3 0 0 0 3" {HEAD}'.replace("Li", "Qq"), "unreadable extxyz"),
    "count": (f'x\nLattice="3 0 0 0 3 0 0 0 3" {HEAD}', "'x' is not a number of atoms"),
    "huge count": (f'{10**25}\nLattice="3 0 0 0 3 0 0 0 3" {HEAD}', "is not a number of atoms"),
    "too many announced": (f'3\nLattice="3 0 0 0 3 0 0 0 3" {HEAD}', "3 atoms are announced and 1 lines of atoms"),
    "too few announced": (f'1\nLattice="3 0 0 0 3 0 0 0 3" {HEAD}Li 0 0 1.5\n', "1 atoms are announced and 2 lines"),
    "bytes": (f'1\nLattice="3 0 0 0 3 0 0 0 3" note=\udce9 {HEAD}', "not UTF-8 text"),
    "energy": (f'1\nenergy="1 2" Lattice="3 0 0 0 3 0 0 0 3" {HEAD}', "unreadable extxyz"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_one_bad_frame_costs_only_itself(tmp_path: Path, name: str) -> None:
    text, reason = BAD_FRAMES[name]
    whole = frames()
    joined = "".join([*whole[:2], text, *whole[2:]])
    (tmp_path / "a.extxyz").write_bytes(joined.encode(errors="surrogateescape"))
    refused = imported(
        tmp_path, tmp_path / "a.extxyz", cells=CellSettings(reduce=False, volume_per_atom=(0.5, 2000))
    )
    assert list(refused) == ["a-3"]
    assert reason in refused["a-3"]


@pytest.mark.parametrize(
    "name", ["singular", "infinite", "count", "too many announced", "too few announced", "no cell"]
)
def test_judges_count_a_bad_frame_as_unreadable(tmp_path: Path, name: str) -> None:
    whole = frames()
    for file in ("a.extxyz", "predictions.extxyz"):
        (tmp_path / file).write_text("".join([*whole[:2], BAD_FRAMES[name][0], *whole[2:]]))
        found, _ = read_structures(tmp_path / file)
        assert len(found) == 6
        unsound = [
            one.number
            for one in found
            if one.cell is None or not np.isfinite([*one.cell.frac, *one.cell.lattice]).all()
        ]
        assert unsound == [2]


def test_a_judge_skips_a_file_it_can_not_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, one in enumerate(STRUCTURES):
        (tmp_path / "in" / f"x{number}.cif").write_text(cif(one))
    (tmp_path / "in" / "x2.cif").unlink()
    (tmp_path / "in" / "x2.cif").symlink_to("nowhere")
    found, _ = read_structures(tmp_path / "in")
    assert [one.problem[:15] for one in found] == ["", "", "unreadable file", "", ""]


def test_a_cut_last_frame(tmp_path: Path) -> None:
    (tmp_path / "a.extxyz").write_text("".join(frames()) + frames()[0].rstrip().rpartition("\n")[0])
    assert "4 atoms are announced" in imported(tmp_path, tmp_path / "a.extxyz")["a-6"]


def test_every_line_is_in_one_span() -> None:
    lines = split_lines(
        "\n".join(["2", "a=1", "H 0", "H 1", "", "junk", "3", "b=2", "H 0", "1", "c=3", "H 1", "tail"])
    )
    spans = list(split_frames(lines))
    assert [(span.start, span.end, bool(span.problem)) for span in spans] == [
        (0, 6, True),
        (6, 9, True),
        (9, 13, True),
    ]
    assert [span.problem for span in split_frames(split_lines("1\n\nH 0\r\n\n1\nx\nH 0\n\n"))] == ["", ""]


def bad_folder(folder: Path) -> Path:
    folder.mkdir()
    for number, one in enumerate(STRUCTURES[:3]):
        (folder / f"x{number}.cif").write_text(cif(one))
    (folder / "POSCAR_3").write_text(str(Poscar(STRUCTURES[3])))
    (folder / "y4.cif.gz").write_bytes(gzip.compress(cif(STRUCTURES[4]).encode()))
    (folder / "binary.cif").write_bytes(bytes(range(256)))
    (folder / "empty.cif").write_text("")
    (folder / "packed.cif.gz").write_bytes(gzip.compress(cif(STRUCTURES[0]).encode())[:-20])
    (folder / "POSCAR_cut").write_text(str(Poscar(STRUCTURES[3]))[:-90])
    (folder / "POSCAR_flat").write_text("x\n1.0\n3 0 0\n3 0 0\n0 0 3\nLi\n1\ndirect\n0 0 0\n")
    (folder / "POSCAR_inf").write_text("x\n1.0\ninf 0 0\n0 3 0\n0 0 3\nLi\n1\ndirect\n0 0 0\n")
    return folder


BAD_NAMES = {"binary", "empty", "packed", "POSCAR_cut", "POSCAR_flat", "POSCAR_inf"}


def test_folder_of_files(tmp_path: Path) -> None:
    folder = bad_folder(tmp_path / "in")
    (folder / "gone.cif").symlink_to("nowhere.cif")
    refused = imported(tmp_path, folder)
    assert refused.keys() == {*BAD_NAMES, "gone"}
    assert "No such file" in refused["gone"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_archives(tmp_path: Path, name: str) -> None:
    folder = bad_folder(tmp_path / "in")
    files = sorted(folder.iterdir())
    if name == "a.tar":
        with tarfile.open(tmp_path / name, "w") as archive:
            for file in files:
                archive.add(file, file.name)
        assert imported(tmp_path, tmp_path / name).keys() == BAD_NAMES
        return
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        for file in files:
            archive.write(file, file.name)
        archive.writestr("damaged.cif", "data_damaged, to be spoilt")
    content = (
        (tmp_path / name).read_bytes().replace(b"data_damaged, to be spoilt", b"data_damaged, it is spoilt")
    )
    (tmp_path / name).write_bytes(content)
    refused = imported(tmp_path, tmp_path / name)
    assert refused.keys() == {*BAD_NAMES, "damaged"}
    assert "CRC" in refused["damaged"]


def test_csv_rows(tmp_path: Path) -> None:
    rows = [{"material_id": f"m{i}", "cif": cif(one), "note": "good"} for i, one in enumerate(STRUCTURES)]
    file = write_csv(tmp_path / "a.csv", rows)
    header, first, rest = (
        file.read_bytes().partition(b'm0,"')[0],
        b'm0,"',
        file.read_bytes().partition(b'm0,"')[2],
    )
    bad = b'short,"x"\nlong,"x",1,2\nlatin,"x",caf\xe9\nbare,"data_\n",x\n'
    file.write_bytes(header + bad + b"\n" + first + rest)
    refused = imported(tmp_path, file)
    assert list(refused) == ["short", "long", "latin", "bare"]
    assert refused["short"] == "unreadable row: 2 fields for 3 columns, lines 2 to 2"
    assert refused["long"] == "unreadable row: 4 fields for 3 columns, lines 3 to 3"
    assert refused["latin"] == "unreadable row: not UTF-8 text"
    assert refused["bare"].startswith("unreadable cif")


def test_ase_database(tmp_path: Path) -> None:
    with ase.db.connect(tmp_path / "a.db") as database:
        for one in STRUCTURES[:4]:
            database.write(AseAtomsAdaptor.get_atoms(one))
        database.write(Atoms("Li", cell=[[3, 0, 0], [3, 0, 0], [0, 0, 3]], pbc=True))
        database.write(Atoms("Li", cell=[[np.inf, 0, 0], [0, 3, 0], [0, 0, 3]], pbc=True))
        database.write(Atoms("Li", cell=[3, 3, 3], pbc=True), note="to be damaged")
        database.write(AseAtomsAdaptor.get_atoms(STRUCTURES[4]))
    with sqlite3.connect(tmp_path / "a.db") as raw:
        raw.execute("UPDATE systems SET positions = ?, numbers = ? WHERE id = 7", (b"12345", b"x"))
    raw.close()
    refused = imported(tmp_path, tmp_path / "a.db")
    assert list(refused) == ["a-5", "a-6", "a-7"]
    assert refused["a-7"].startswith("unreadable row: ")


def test_json(tmp_path: Path) -> None:
    good = [one.as_dict() for one in STRUCTURES]
    flat = random_structure(0).as_dict()
    flat["lattice"]["matrix"] = [[3, 0, 0], [3, 0, 0], [0, 0, 3]]
    infinite = random_structure(0).as_dict()
    infinite["lattice"]["matrix"][0][0] = float("inf")
    odd = {"structure": good[0], "data": [1, 2]}
    bad = [
        flat,
        infinite,
        odd,
        7,
        None,
        {},
        {"structure": None},
        {"lattice": 3, "sites": []},
        {"structure": {"sites": 3}},
    ]
    (tmp_path / "a.json").write_text(json.dumps([*bad, *good]))
    assert list(imported(tmp_path, tmp_path / "a.json")) == [f"a-{i}" for i in range(1, 1 + len(bad))]


def test_deeply_nested_json_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(100_000 * "[")
    with pytest.raises(DataError, match="is not JSON that can be read"):
        import_pool([tmp_path / "a.json"], tmp_path / "set", ImportSettings())


def test_of_several_sources_one_that_can_not_be_read_is_a_refused_row(tmp_path: Path) -> None:
    good = write_csv(tmp_path / "a.csv", [{"cif": cif(one)} for one in STRUCTURES])
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(good.read_bytes())[:-9])
    (tmp_path / "c.db").write_text("no database")
    (tmp_path / "d.json").write_text("{")
    (tmp_path / "e.zip").write_bytes(b"PK no zip")
    (tmp_path / "f.csv").write_text("x,y\n1,2\n")
    others = [tmp_path / name for name in ("b.csv.gz", "c.db", "d.json", "e.zip", "f.csv")]
    refused = imported(tmp_path, good, *others)
    assert list(refused) == ["b", "c", "d", "e", "f"]
    assert all(reason.startswith("unreadable file: ") for reason in refused.values())


def test_refused_rows_are_reported_in_groups(tmp_path: Path) -> None:
    texts = [BAD_FRAMES["infinite"][0]] * 7 + [BAD_FRAMES["huge"][0]]
    (tmp_path / "a.extxyz").write_text("".join([*texts, *frames()]))
    imported(tmp_path, tmp_path / "a.extxyz")
    refusals = read_refusals(tmp_path / "set" / "rejected.csv")
    assert len(refusals) == 8
    assert group_lines(refusals) == [
        "train: 7 refused: coordinates or cell vectors are not finite (a-1, a-2, a-3, a-4, a-5, ...)",
        "train: 1 refused: volume per atom out of limits (a-8); the first: 9e+12 Å³ (from 0.5 to 2000)",
    ]


def test_limits_are_settings(tmp_path: Path) -> None:
    (tmp_path / "a.extxyz").write_text(BAD_FRAMES["thin"][0])
    wide = CellSettings(density=(0.0, 50.0))
    info = import_pool(
        [tmp_path / "a.extxyz"], tmp_path / "set", ImportSettings(cells=wide, fractions=(1.0, 0.0, 0.0))
    )
    assert info["counts"] == {"train": 1}
    assert info["settings"]["density"] == (0.0, 50.0)
