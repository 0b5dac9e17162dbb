"""Refused rows: the file that lists them all, and their reasons in groups for people."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

REJECTED = "rejected.csv"
NAMED = 5
"""Number of ids that a group names."""


class Refusal(NamedTuple):
    """A row that is left out: its split, its place in the source, its id and the reason."""

    split: str
    row: int
    id: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without its numbers, so that rows refused for the same cause count together."""
        for words, kind in (
            (" Å apart", "atoms too close"),
            ("most allowed", "too many atoms"),
            ("no cell has the angles", "impossible angles"),
            ("cell lengths [", "impossible lengths or angles"),
        ):
            if words in self.reason:
                return kind
        return self.reason.split(":")[0]


def count_kinds(refusals: Iterable[Refusal], split: str) -> dict[str, int]:
    """Refused rows of a split by kind, the most frequent first."""
    return dict(Counter(one.kind for one in refusals if one.split == split).most_common())


def write_refusals(refusals: Iterable[Refusal], path: Path) -> None:
    """Write all refused rows, each with its full reason."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Refusal._fields)
        writer.writerows(refusals)


def read_refusals(path: Path) -> list[Refusal]:
    """Read what `write_refusals` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Refusal(row["split"], int(row["row"]), row["id"], row["reason"]) for row in csv.DictReader(file)
        ]


def group_lines(refusals: Iterable[Refusal]) -> list[str]:
    """A line for each split and kind: how many, the first few ids, the details of the first."""
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for one in refusals:
        groups.setdefault((one.split, one.kind), []).append(one)
    lines = []
    for (split, kind), members in sorted(groups.items(), key=lambda group: (group[0][0], -len(group[1]))):
        ids = ", ".join(one.id for one in members[:NAMED]) + (", ..." if len(members) > NAMED else "")
        first = members[0].reason.removeprefix(kind).lstrip(": ")
        lines.append(
            f"{split}: {len(members)} refused: {kind} ({ids})" + (f"; the first: {first}" if first else "")
        )
    return lines
