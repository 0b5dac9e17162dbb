"""Predicted structures from files of any program, paired with the rows of a reference split."""

from __future__ import annotations

import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.metrics.extxyz import prediction_files, read_frames, read_prediction_files

PAIRINGS = ("material_id", "row number", "file name", "composition")


@dataclass(frozen=True)
class Prediction:
    """One predicted crystal.

    Attributes:
        row: which crystal of the reference split it is meant to be.
        sample: number of the attempt at this row, from 0.
        cell: the structure, or None where it could not be made or read.
    """

    row: int
    sample: int
    cell: Cell | None


@dataclass(frozen=True)
class PredictionSet:
    """Predictions and how they came by their rows.

    Attributes:
        pairing: how many predictions were paired by each of PAIRINGS.
        unpaired: names of files and frames that belong to no row.
        unreadable: how many could not be read, or hold partly occupied sites.
        repeated: frames of `nucleate predict` left out as they are a crystal that is there already.
    """

    predictions: list[Prediction]
    pairing: Counter[str] = field(default_factory=Counter)
    unpaired: list[str] = field(default_factory=list)
    unreadable: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class _Frame:
    name: str
    stem: str
    info: dict[str, str]
    cell: Cell | None


def read_predictions(path: Path, reference: CrystalTable) -> PredictionSet:
    """Read and pair the predictions in `path`.

    `path` is a file or folder of `nucleate predict --like`, or a file, folder or zip of CIF, extended XYZ or
    POSCAR files of any other program. Of a folder that holds predictions*.extxyz exactly these files are read,
    and a crystal that was drawn twice counts once. A prediction finds its row by the first of these that works:
    `material_id` in its header, `crystal` (a row number) in its header, a file name `<material_id>` or
    `<material_id>_<sample>`, its composition and number of atoms (dealt out in turn among the rows that share
    them).

    Raises DataError for a missing or empty path, for two predictions with the same row and sample, and where
    nothing can be paired.
    """
    pairs = _Pairs(reference)
    frames, repeated = _frames(path)
    for frame in frames:
        pairs.add(frame)
    result = replace(pairs.finish(), repeated=repeated)
    if not result.predictions:
        raise DataError(
            f"none of the {len(result.unpaired)} structures in {path} belongs to a row of the reference",
            "check --reference and --split, or name files <material_id>_<sample>.cif",
        )
    return result


class _Pairs:
    """Collects predictions by row and numbers the samples that carry no number."""

    def __init__(self, reference: CrystalTable) -> None:
        self.reference = reference
        counts = Counter(reference.ids)
        self.by_id = {name: row for row, name in enumerate(reference.ids) if counts[name] == 1}
        self.by_composition: dict[object, list[int]] | None = None
        self.dealt: Counter[object] = Counter()
        self.rows: dict[int, dict[int, Cell | None]] = defaultdict(dict)
        self.unnumbered: list[tuple[int, Cell | None]] = []
        self.pairing: Counter[str] = Counter()
        self.unpaired: list[str] = []
        self.unreadable = 0

    def add(self, frame: _Frame) -> None:
        self.unreadable += frame.cell is None
        row, how, number = self._row(frame)
        if row is None:
            self.unpaired.append(frame.name)
            return
        self.pairing[how] += 1
        sample = frame.info.get("sample", number)
        if sample is None or not str(sample).isdigit():
            self.unnumbered.append((row, frame.cell))
            return
        if int(sample) in self.rows[row]:
            raise DataError(
                f"{frame.name}: sample {sample} of {self.reference.ids[row]} is there twice",
                "give each prediction of a crystal its own sample number",
            )
        self.rows[row][int(sample)] = frame.cell

    def _row(self, frame: _Frame) -> tuple[int | None, str, str | None]:
        name, crystal = frame.info.get("material_id"), frame.info.get("crystal")
        if name in self.by_id:
            return self.by_id[name], PAIRINGS[0], None
        if crystal is not None and crystal.isdigit():
            row = int(crystal)
            known = row < len(self.reference) and name in (None, self.reference.ids[row])
            return (row if known else None), PAIRINGS[1], None
        if frame.stem in self.by_id:
            return self.by_id[frame.stem], PAIRINGS[2], None
        parts = re.fullmatch(r"(.+?)[_-]+(?:sample[_-]*)?(\d+)", frame.stem)
        if parts and parts[1] in self.by_id:
            return self.by_id[parts[1]], PAIRINGS[2], parts[2]
        return self._by_composition(frame.cell), PAIRINGS[3], None

    def _by_composition(self, cell: Cell | None) -> int | None:
        if cell is None:
            return None
        if self.by_composition is None:
            self.by_composition = defaultdict(list)
            for row in range(len(self.reference)):
                self.by_composition[_composition(reference_cell(self.reference, row))].append(row)
        key = _composition(cell)
        rows = self.by_composition.get(key)
        if not rows:
            return None
        self.dealt[key] += 1
        return rows[(self.dealt[key] - 1) % len(rows)]

    def finish(self) -> PredictionSet:
        for row, cell in self.unnumbered:
            self.rows[row][max(self.rows[row], default=-1) + 1] = cell
        predictions = [
            Prediction(row, sample, self.rows[row][sample])
            for row in sorted(self.rows)
            for sample in sorted(self.rows[row])
        ]
        return PredictionSet(predictions, self.pairing, self.unpaired, self.unreadable)


def reference_cell(reference: CrystalTable, row: int) -> Cell:
    """One row of a table as arrays."""
    atoms = reference.atoms_of(row)
    return Cell(reference.species[atoms], reference.frac[atoms], reference.lattice[row])


def _composition(cell: Cell) -> tuple:
    return cell.formula, len(cell.numbers)


def _frames(path: Path) -> tuple[list[_Frame], int]:
    """All frames, and how many more were repetitions."""
    if not path.exists():
        raise DataError(
            f"no predictions at {path}", "give the folder that 'nucleate predict --out' wrote, or a file"
        )
    repeated = 0
    if files := prediction_files(path):
        own, repeated = read_prediction_files(files)
        frames = [_Frame(frame.name, Path(frame.file).stem, frame.info, frame.cell) for frame in own]
    else:
        frames = [frame for name, text in _texts(path) for frame in _read(name, text)]
    if not frames:
        raise DataError(
            f"no structures in {path}", "give CIF, extended XYZ or POSCAR files, a folder or zip of them"
        )
    return frames, repeated


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """(name, content) of each structure file."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and _kind(file.name):
                yield str(file.relative_to(path)), file.read_text(errors="replace")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if _kind(Path(name).name):
                    yield name, archive.read(name).decode(errors="replace")
    else:
        yield path.name, path.read_text(errors="replace")


def _kind(name: str) -> str:
    lower = name.lower()
    if lower.endswith((".xyz", ".extxyz")):
        return "xyz"
    if lower.endswith(".cif"):
        return "cif"
    if lower.endswith((".vasp", ".poscar")) or lower.startswith(("poscar", "contcar")):
        return "poscar"
    return ""


def _read(name: str, text: str) -> Iterator[_Frame]:
    stem, kind = Path(name).stem, _kind(Path(name).name)
    if stem.upper() in ("POSCAR", "CONTCAR"):
        stem = Path(name).parent.name
    stem = re.sub(r"^(POSCAR|CONTCAR)[_-]", "", stem, flags=re.IGNORECASE)
    if kind == "xyz":
        for number, (info, cell) in enumerate(read_frames(text, name)):
            yield _Frame(f"{name}, frame {number}", stem, info, cell)
    else:
        yield _Frame(name, stem, {}, _read_one(text, kind))


def _read_one(text: str, kind: str) -> Cell | None:
    import warnings

    from pymatgen.core import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            structure = Structure.from_str(text, fmt="poscar" if kind == "poscar" else "cif")
        # pymatgen's parsers raise whatever their helpers raise; the caller counts the file as unreadable
        except Exception:
            return None
    return Cell.of(structure) if structure.is_ordered else None
