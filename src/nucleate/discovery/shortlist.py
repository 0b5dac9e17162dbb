"""A folder of predictions as a ranked list: clusters of agreeing samples, one file for each structure."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pymatgen.core import Structure

from nucleate.data.structure_files import FORMATS, write_structure
from nucleate.metrics.extxyz import read_frames
from nucleate.metrics.ranking import Cluster, is_usable, rank_by_agreement


@dataclass(frozen=True)
class Row:
    """One predicted structure in the ranked list.

    Attributes:
        formula: reduced formula. cell: formula of the cell. sample: its number among the samples of this cell.
        rank: of its cluster, 1 for the one with most samples; 0 for a structure that can't be used.
        agree: samples in its cluster. samples: of its formula. representative: whether it stands for its cluster.
        space_group: symbol at 0.1 Å of the cluster's representative. volume: Å^3 for each atom.
        seed, nfe, model: how it was made. file: name without ending.
    """

    formula: str
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


def shortlist(folder: Path) -> tuple[list[Row], list[Structure]]:
    """All predictions of a folder, ranked within each formula, and their structures in the same order."""
    groups: dict[str, list[tuple[dict[str, str], Structure]]] = defaultdict(list)
    for path in sorted(folder.glob("predictions*.extxyz")):
        for info, cell in read_frames(path.read_text(), path.name):
            if cell is not None:
                groups[info["formula"]].append((info, cell.to_structure()))
    ranked = [pair for formula, members in groups.items() for pair in _rank_group(formula, members)]
    return [row for row, _ in ranked], [structure for _, structure in ranked]


def _rank_group(formula: str, members: list[tuple[dict[str, str], Structure]]) -> list[tuple[Row, Structure]]:
    members = sorted(members, key=lambda pair: (len(pair[1]), int(pair[0]["sample"])))
    structures = [structure for _, structure in members]
    out = []
    clusters = rank_by_agreement(structures)
    for rank, cluster in enumerate(clusters, 1):
        for place, index in enumerate(cluster.members):
            out.append(
                (_row(formula, members[index], rank, place == 0, cluster, len(members)), structures[index])
            )
    empty = Cluster((), 0.0, "-")
    for index, structure in enumerate(structures):
        if not is_usable(structure):
            out.append((_row(formula, members[index], 0, False, empty, len(members)), structure))
    return out


def _row(
    formula: str,
    member: tuple[dict[str, str], Structure],
    rank: int,
    first: bool,
    cluster: Cluster,
    samples: int,
) -> Row:
    info, structure = member
    cell, sample = info.get("cell", formula), int(info["sample"])
    return Row(
        formula=formula, rank=rank, representative=first, agree=len(cluster.members), samples=samples, cell=cell,
        sample=sample, space_group=cluster.space_group, volume=structure.volume / len(structure),
        seed=int(info["seed"]), nfe=int(info["nfe"]), model=info["model"], file=f"{cell}-{sample:03d}",
    )  # fmt: skip


def write_shortlist(
    folder: Path, rows: Sequence[Row], structures: Sequence[Structure], kinds: Sequence[str]
) -> None:
    """FOLDER/ranking.csv, and FOLDER/KIND/ with one file for each usable structure."""
    with (folder / "ranking.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    for kind in kinds:
        target = folder / kind
        target.mkdir(exist_ok=True)
        for row, structure in zip(rows, structures, strict=True):
            if row.rank:
                write_structure(structure, target / f"{row.file}{FORMATS[kind]}", kind, row.origin)
