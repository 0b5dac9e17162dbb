"""Predicted structures from files of any program, paired with the rows of a reference split."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.metrics.reading import Found, read_structures

PAIRINGS = ("material_id", "row number", "file name", "composition")


@dataclass(frozen=True)
class Prediction:
    """One predicted crystal.

    Attributes:
        row: the crystal of the reference split that it predicts.
        sample: number of the attempt at this row, from 0.
        cell: the structure, or None where it could not be made or read.
    """

    row: int
    sample: int
    cell: Cell | None


@dataclass(frozen=True)
class PredictionSet:
    """Predictions and how they were paired with rows.

    Attributes:
        pairing: how many predictions were paired by each of PAIRINGS.
        unpaired: names of files and frames that belong to no row.
        unreadable: how many could not be read, or hold partly occupied sites.
        repeated: frames of `nucleate predict` left out as repetitions of a crystal.
    """

    predictions: list[Prediction]
    pairing: Counter[str] = field(default_factory=Counter)
    unpaired: list[str] = field(default_factory=list)
    unreadable: int = 0
    repeated: int = 0


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
    pairs = _Pairing(reference)
    frames, repeated = read_structures(path)
    for frame in frames:
        pairs.add(frame)
    result = replace(pairs.finish(), repeated=repeated)
    if not result.predictions:
        raise DataError(
            f"none of the {len(result.unpaired)} structures in {path} belongs to a row of the reference",
            "check --reference and --split, or name files <material_id>_<sample>.cif",
        )
    return result


class _Pairing:
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

    def add(self, frame: Found) -> None:
        self.unreadable += frame.cell is None
        row, how, number = self._row(frame)
        if row is None:
            self.unpaired.append(frame.name)
            return
        self.pairing[how] += 1
        sample = frame.info.get("sample", number)
        if sample is None or not str(sample).isdecimal():
            self.unnumbered.append((row, frame.cell))
            return
        if int(sample) in self.rows[row]:
            raise DataError(
                f"{frame.name}: sample {sample} of {self.reference.ids[row]} is given twice",
                "give each prediction of a crystal its own sample number",
            )
        self.rows[row][int(sample)] = frame.cell

    def _row(self, frame: Found) -> tuple[int | None, str, str | None]:
        name, crystal = frame.info.get("material_id"), frame.info.get("crystal")
        if name in self.by_id:
            return self.by_id[name], PAIRINGS[0], None
        if crystal is not None and crystal.isdecimal():
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
                self.by_composition[_composition(self.reference.cell(row))].append(row)
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


def _composition(cell: Cell) -> tuple:
    return cell.formula, len(cell.species)
