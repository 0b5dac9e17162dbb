"""A split with the orbits of its crystals, for a training that orders atoms by them (`nucleate.model.order`).

Operations are found once, within SYMPREC, and orbits are kept in a file of the run's folder. A crystal whose operations
can't be found has an orbit for each atom.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.data.conditions import told
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError, RecipeError
from nucleate.files import beside, check_target
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.trainable import Trainable
from nucleate.symmetry.template import Template
from nucleate.training.symmetric_split import SYMPREC


class OrbitFeed(Feed):
    """A split on a device whose batches say of each atom which is the first of its orbit."""

    def __init__(
        self, table: CrystalTable, orbits: np.ndarray, device: torch.device, conditions: Sequence[str] = ()
    ) -> None:
        super().__init__(table, device, conditions)
        self.orbits = torch.from_numpy(orbits.astype(np.int64)).to(device)

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Tensor | None]:
        place = self.first[indices].unsqueeze(-1) + torch.arange(size, device=self.device)
        orbits = self.orbits[place.clamp(max=len(self.orbits) - 1)]
        return {**super().tensors(indices, size), "orbits": orbits}


def in_order(model: Trainable) -> CrystalModel:
    """The model, if atoms can be put in order for it. Raises RecipeError where they can't."""
    if not isinstance(model, CrystalModel):
        raise RecipeError(
            f"training.order = orbits is for models of crystals by processes, and {type(model).__name__} is none",
            "leave training.order out",
        )
    return model


def orbit_examples(
    model: CrystalModel, table: CrystalTable, orbits: np.ndarray, device: torch.device
) -> OrbitFeed:
    """A split as a model learns from it, with the orbits of its atoms. [all atoms]"""
    return OrbitFeed(told(table, model.described), orbits, device, model.columns)


def orbits_of(table: CrystalTable, file: Path, write: bool = True) -> np.ndarray:
    """For each atom of a split, crystal after crystal, the place in its crystal of the first atom of its orbit: read
    from a file that holds those of this table, else found.

    write: whether the file is then written, with NucleateError where it can't be.
    """
    found = _read(file, table) if file.exists() else None
    if found is None:
        found = np.concatenate([_orbits(table, row) for row in range(len(table))])
        if write:
            check_target(file)
            with beside(file) as part, part.open("wb") as out:
                np.savez_compressed(out, orbits=found, ids=np.array(table.ids))
    return found


def _orbits(table: CrystalTable, row: int) -> np.ndarray:
    cell = table.cell(row)
    try:
        return Template.of(cell, SYMPREC).orbits.astype(np.int16)
    except DataError:
        return np.arange(len(cell.species), dtype=np.int16)


def _read(file: Path, table: CrystalTable) -> np.ndarray | None:
    """What the file holds of this table; None where it belongs to another one or is broken."""
    try:
        with np.load(file) as held:
            return held["orbits"] if held["ids"].tolist() == list(table.ids) else None
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
