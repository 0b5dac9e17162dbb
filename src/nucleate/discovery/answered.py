"""A folder of answers as a ranked list: a row for each structure, and one file for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nucleate.cell import Cell
from nucleate.data.cell_forms import CellForm, space_group
from nucleate.discovery.ranking_files import RankingRow, write_ranking
from nucleate.energies.hull import Hull
from nucleate.energies.placing import above_hull
from nucleate.energies.potential import Potential
from nucleate.errors import DataError
from nucleate.records.crystal_files import Frame, crystal_name, prediction_files, read_prediction_files
from nucleate.work import Work


@dataclass(frozen=True)
class AnswerRow(RankingRow):
    """One answer.

    Attributes:
        formula: reduced formula.
        rank: among the answers to its formula, from 1.
        probability: that it is the structure in question.
        above_lowest: energy above the lowest of the answers, meV/atom, None where nothing was relaxed.
        above_hull: energy above the hull of a reference, meV/atom, None where it is not known or none was given.
        space_group: symbol at 0.1 Å.
        cell: formula of the cell.
        volume: Å^3 for each atom.
        proposed_by: proposers with the number of their offers, such as prototypes:1+free:4.
        prototype: structure type it was made from, or that it has where it was drawn; "" for none.
        source: the known crystal it was made from.
        known: whether that crystal has this composition.
        energy: after relaxation, eV/atom.
        relaxation: how it ended, "" for none; unless it is "relaxed" energies are upper bounds.
        cut_short: what the budget of seconds cut short, such as free+relaxing, "" for nothing.
        seed, model: how it was made.
        file: name without ending.
    """

    formula: str
    rank: int
    probability: float
    above_lowest: float | None
    above_hull: float | None
    space_group: str
    cell: str
    volume: float
    proposed_by: str
    prototype: str
    source: str
    known: bool
    energy: float | None
    relaxation: str
    cut_short: str
    seed: int
    model: str
    file: str

    @property
    def origin(self) -> str:
        """One line on where the structure comes from."""
        made = f" of {self.prototype} from {self.source}" if self.prototype else ""
        return (
            f"{self.cell} rank={self.rank} probability={self.probability:.3f} proposed by {self.proposed_by}{made} "
            f"seed={self.seed} model={self.model} made with nucleate"
        )


def answers_in(folder: Path, order: Iterable[str] = ()) -> list[tuple[AnswerRow, Cell]]:
    """All answers of a folder by formula and rank. Formulas come in the given order, those that it does not name last.

    Reads the files of all shards. Raises DataError for a frame whose header is not that of an answer.
    """
    groups: dict[str, list[tuple[AnswerRow, Cell]]] = {formula: [] for formula in order}
    for frame in read_prediction_files(prediction_files(folder), unfinished=True)[0]:
        if frame.cell is not None:
            row = _row(frame, frame.cell)
            groups.setdefault(row.formula, []).append((row, frame.cell))
    return [one for group in groups.values() for one in sorted(group, key=lambda one: one[0].rank)]


def _row(frame: Frame, cell: Cell) -> AnswerRow:
    info = frame.info
    try:
        above = info.get("above_lowest")
        energy = info.get("energy_per_atom")
        return AnswerRow(
            formula=info["formula"],
            rank=int(info["sample"]) + 1,
            probability=float(info["probability"]),
            above_lowest=None if above is None else 1000 * float(above),
            above_hull=None,
            space_group=space_group(cell),
            cell=info.get("cell") or info.get("material_id") or info["formula"],
            volume=cell.volume / len(cell.species),
            proposed_by=info["proposed_by"],
            prototype=info.get("prototype", ""),
            source=info.get("source", ""),
            known=info.get("known") == "1",
            energy=None if energy is None else float(energy),
            relaxation=info.get("relaxation", ""),
            cut_short=info.get("cut_short", ""),
            seed=int(info["seed"]),
            model=info["model"],
            file=crystal_name(info, frame.file),
        )
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{frame.name}: its header is not that of an answer ({error})",
            "name another --out, or make answers with 'nucleate predict FORMULA --out FOLDER'",
        ) from error


def against_hull(
    found: Sequence[tuple[AnswerRow, Cell]], potential: Potential, hull: Hull, work: Work = Work()
) -> list[tuple[AnswerRow, Cell]]:
    """The same answers, those with an energy placed against a hull on the scale of their potential."""
    hull.prepare((cell.species for row, cell in found if row.energy is not None), work)
    return [(replace(row, above_hull=_above(row, cell, potential, hull)), cell) for row, cell in found]


def _above(row: AnswerRow, cell: Cell, potential: Potential, hull: Hull) -> float | None:
    if row.energy is None:
        return None
    energy = above_hull(cell, row.energy * len(cell.species), potential, hull).energy
    return None if energy is None else 1000 * energy


def write_answers(
    folder: Path, found: Sequence[tuple[AnswerRow, Cell]], kinds: Sequence[str], form: CellForm | None = None
) -> None:
    """As `nucleate.discovery.ranking_files.write_ranking`."""
    structures = [cell.to_structure() for _, cell in found]
    write_ranking(folder, AnswerRow, [row for row, _ in found], structures, kinds, form)
