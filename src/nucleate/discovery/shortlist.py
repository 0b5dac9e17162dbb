"""A folder of predictions as a ranked list: clusters of agreeing samples, one file for each structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymatgen.core import Structure

from nucleate.data.cell_forms import CellForm
from nucleate.discovery.ranking_files import RankingRow, write_ranking
from nucleate.errors import DataError
from nucleate.metrics.ranking import Cluster, rank_by_agreement
from nucleate.records.crystal_files import Frame, crystal_name, prediction_files, read_prediction_files
from nucleate.records.job_folder import is_job
from nucleate.work import Work

NEEDED = ("formula", "sample", "seed", "nfe", "model")
NO_CLUSTER = Cluster((), 0.0, "-")


@dataclass(frozen=True)
class RankedRow(RankingRow):
    """One predicted structure in the ranked list.

    Attributes:
        formula: reduced formula.
        cell: formula of the cell.
        sample: its number among the samples of this cell formula.
        place: position in the list of its formula, from 1.
        rank: of its cluster, 1 for the one with most samples; 0 for a structure that can't be used or read.
        agree: samples in its cluster.
        samples: of its formula.
        representative: whether it represents its cluster.
        space_group: symbol at 0.1 Å of the cluster's representative.
        volume: Å^3 for each atom.
        seed, nfe, model: how it was made.
        file: name without ending.
    """

    formula: str
    place: int
    rank: int
    representative: bool
    agree: int
    samples: int
    cell: str
    sample: int
    space_group: str
    volume: float
    seed: int
    nfe: int
    model: str
    file: str

    @property
    def origin(self) -> str:
        """One line on where the structure comes from."""
        return (
            f"{self.cell} sample={self.sample} rank={self.rank} agree={self.agree}/{self.samples} "
            f"seed={self.seed} nfe={self.nfe} model={self.model} made with nucleate"
        )


def shortlist(
    folder: Path, order: Iterable[str] = (), work: Work = Work()
) -> tuple[list[RankedRow], list[Structure | None]]:
    """All predictions of a folder, ranked within each formula, and their structures in the same order. Reduced formulas
    come in the given order, unlisted ones last.

    Reads the files of all shards; a crystal that was drawn twice is one row. A frame whose numbers can't be read has a
    row of rank 0, and None for its structure. Raises DataError for a folder without a job of predictions, and for
    frames whose header does not say how they were made.
    """
    files = prediction_files(folder)
    if not files and not is_job(folder):
        raise DataError(
            f"no predictions in {folder}", "make some with 'nucleate predict FORMULA --out FOLDER'"
        )
    groups: dict[str, list[_Member]] = {formula: [] for formula in order}
    # other shards may be at work in the same folder
    for frame in read_prediction_files(files, unfinished=True)[0]:
        member = _member(frame)
        groups.setdefault(member.formula, []).append(member)
    ranked = []
    for done, members in enumerate(groups.values()):
        work.tell("ranking", done, len(groups))
        ranked += _rank_group(members)
    return [row for row, _ in ranked], [structure for _, structure in ranked]


@dataclass(frozen=True)
class _Member:
    formula: str
    cell: str
    sample: int
    seed: int
    nfe: int
    model: str
    name: str
    structure: Structure | None

    @property
    def order(self) -> tuple[int, str, int]:
        return len(self.structure) if self.structure is not None else 0, self.cell, self.sample

    def row(self, rank: int, place: int, first: bool, cluster: Cluster, samples: int) -> RankedRow:
        volume = self.structure.volume / len(self.structure) if self.structure is not None else float("nan")
        return RankedRow(
            formula=self.formula, place=place, rank=rank, representative=first, agree=len(cluster.members),
            samples=samples, cell=self.cell, sample=self.sample, space_group=cluster.space_group, volume=volume,
            seed=self.seed, nfe=self.nfe, model=self.model, file=self.name,
        )  # fmt: skip


def _member(frame: Frame) -> _Member:
    info = frame.info
    try:
        formula, sample, seed, nfe, model = (info[key] for key in NEEDED)
        cell = info.get("cell") or info.get("material_id") or formula
        structure = None if frame.cell is None else frame.cell.to_structure()
        name = crystal_name(info, frame.file)
        return _Member(formula, cell, int(sample), int(seed), int(nfe), model, name, structure)
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{frame.name}: its header does not say how it was made ({error})",
            f"headers of 'nucleate predict' hold {', '.join(NEEDED)}",
        ) from error


def _rank_group(members: list[_Member]) -> list[tuple[RankedRow, Structure | None]]:
    members = sorted(members, key=lambda member: member.order)
    readable = [(place, one.structure) for place, one in enumerate(members) if one.structure is not None]
    places, out, ranked = [place for place, _ in readable], [], set()
    for rank, cluster in enumerate(rank_by_agreement([structure for _, structure in readable]), 1):
        for index in cluster.members:
            member = members[places[index]]
            row = member.row(rank, len(out) + 1, index == cluster.members[0], cluster, len(members))
            out.append((row, member.structure))
            ranked.add(places[index])
    for place, member in enumerate(members):
        if place not in ranked:
            out.append((member.row(0, len(out) + 1, False, NO_CLUSTER, len(members)), member.structure))
    return out


def write_shortlist(
    folder: Path,
    rows: Sequence[RankedRow],
    structures: Sequence[Structure | None],
    kinds: Sequence[str],
    form: CellForm | None = None,
) -> None:
    """As `nucleate.discovery.ranking_files.write_ranking`."""
    write_ranking(folder, RankedRow, rows, structures, kinds, form)
