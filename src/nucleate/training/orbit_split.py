"""A split with the orbits of its crystals, for a training that orders atoms by them (`nucleate.model.order`).

Operations are found once, within SYMPREC, and orbits are kept in a file of the run's folder. A crystal whose operations
can't be found has an orbit for each atom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.data.conditions import told
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.files import beside, check_target
from nucleate.model.crystal_model import CrystalModel, by_processes
from nucleate.model.trainable import Trainable
from nucleate.symmetry.template import Template
from nucleate.training.symmetric_split import SYMPREC


@dataclass(frozen=True, eq=False)
class Found:
    """The symmetry of a split.

    Attributes:
        orbits: for each atom, crystal after crystal, the place in its crystal of the first atom of its orbit.
        groups: the number of the space group of each crystal, 0 where none was found.
    """

    orbits: np.ndarray
    groups: np.ndarray


class OrbitFeed(Feed):
    """A split on a device whose batches say of each atom which is the first of its orbit, and the space groups."""

    def __init__(
        self, table: CrystalTable, found: Found, device: torch.device, conditions: Sequence[str] = ()
    ) -> None:
        super().__init__(table, device, conditions)
        self.orbits = torch.from_numpy(found.orbits.astype(np.int64)).to(device)
        self.groups = torch.from_numpy(found.groups.astype(np.int64)).to(device)

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Tensor | None]:
        place = self.first[indices].unsqueeze(-1) + torch.arange(size, device=self.device)
        orbits = self.orbits[place.clamp(max=len(self.orbits) - 1)]
        return {**super().tensors(indices, size), "orbits": orbits, "group": self.groups[indices]}


def in_order(model: Trainable) -> CrystalModel:
    """The model, if atoms can be put in order for it. Raises RecipeError where they can't."""
    return by_processes(model, "training.order", "orbits")


def orbit_examples(model: CrystalModel, table: CrystalTable, found: Found, device: torch.device) -> OrbitFeed:
    """A split as a model learns from it, with the symmetry of its crystals."""
    return OrbitFeed(told(table, model.described), found, device, model.columns)


def orbits_of(table: CrystalTable, file: Path, write: bool = True) -> Found:
    """The symmetry of a split: read from a file that holds that of this table, else found.

    write: whether the file is then written, with NucleateError where it can't be.
    """
    found = _read(file, table) if file.exists() else None
    if found is None:
        each = [_symmetry(table, row) for row in range(len(table))]
        orbits = np.concatenate([one for one, _ in each])
        found = Found(orbits, np.array([group for _, group in each], dtype=np.int16))
        if write:
            check_target(file)
            with beside(file) as part, part.open("wb") as out:
                np.savez_compressed(out, orbits=found.orbits, groups=found.groups, ids=np.array(table.ids))
    return found


def _symmetry(table: CrystalTable, row: int) -> tuple[np.ndarray, int]:
    cell = table.cell(row)
    try:
        template = Template.of(cell, SYMPREC)
    except DataError:
        return np.arange(len(cell.species), dtype=np.int16), 0
    return template.orbits.astype(np.int16), template.number


def _read(file: Path, table: CrystalTable) -> Found | None:
    """What the file holds of this table; None where it belongs to another one, is broken, or lacks the groups."""
    try:
        with np.load(file) as held:
            same = held["ids"].tolist() == list(table.ids)
            return Found(held["orbits"], held["groups"]) if same else None
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
