"""Crystals of a folder or file as a generator: a request is answered by one of its composition, if there is one."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.parse import read
from nucleate.data.sources import read_source
from nucleate.defects import Rules, defect, has_atoms, is_finite, known_elements
from nucleate.errors import DataError, StructureError
from nucleate.sampling.formula import formula_text
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated, Generator
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request

BATCH = 64
SOUND = Rules(
    (
        has_atoms("no atoms"),
        known_elements("unknown element"),
        is_finite("coordinates or cell vectors are not finite"),
    )
)


class FolderGenerator(Generator):
    """Answers sample i of a composition with the i-th crystal of the folder whose cell holds these atoms.

    Nothing is drawn: the seed changes nothing.

    Attributes:
        name: its name in files.
        crystals: (id, cell) of all that can be used, in the order of the files.
        refused: (id, reason) of those that can't.
    """

    def __init__(
        self, name: str, crystals: Sequence[tuple[str, Cell]], refused: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.name, self.crystals, self.refused = name, tuple(crystals), tuple(refused)
        if not self.crystals:
            first = f"; the first: {self.refused[0][1]}" if self.refused else ""
            raise DataError(
                f"{name} holds no crystal that can be used{first}", "give CIF, POSCAR or extended XYZ"
            )
        self._places: dict[tuple[int, ...], list[int]] = {}
        for place, (_, cell) in enumerate(self.crystals):
            self._places.setdefault(_composition(cell.species.tolist()), []).append(place)

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> FolderGenerator:
        """From anything that `nucleate data import` reads. Raises DataError where no crystal is found."""
        crystals, refused = [], []
        for record in read_source(path):
            try:
                cell, _ = read(record)
            except StructureError as error:
                refused.append((record.id, error.message))
                continue
            if reason := defect(cell, SOUND):
                refused.append((record.id, reason))
            else:
                crystals.append((record.id, cell))
        return cls(name or path.resolve().name, crystals, refused)

    @cached_property
    def limits(self) -> Limits:
        return Limits.of_cells([cell for _, cell in self.crystals], self.name)

    @cached_property
    def identity(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of all crystals and their ids."""
        digest = hashlib.sha256()
        for name, cell in self.crystals:
            digest.update(repr(name).encode())
            for array, kind in ((cell.species, "<i8"), (cell.frac, "<f8"), (cell.lattice, "<f8")):
                digest.update(array.astype(kind).tobytes())
        return digest.hexdigest()[:16]

    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            batch = [self._answer(request) for request in requests[start : start + BATCH]]
            if options.on_step is not None:
                options.on_step(len(batch))
            yield batch

    def _answer(self, request: Request) -> Answer:
        cost = Cost(counts={"lookups": 1})
        found = self._places.get(_composition(request.species), [])
        if request.sample >= len(found):
            formula = formula_text(Counter(request.species))
            held = f"{len(found)} crystals with the cell {formula}"
            return Failure(
                request, f"{self.name} holds {held}, and sample {request.sample} is asked for", cost
            )
        name, cell = self.crystals[found[request.sample]]
        return Generated(request, Crystals.of_cells([cell]), cost, origin={"source": name})

    def facts(self) -> dict[str, str]:
        left_out = f"; {len(self.refused)} left out" if self.refused else ""
        return {"crystals": f"{len(self.crystals)}{left_out}"}


def _composition(species: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(species))
