"""A split under symmetry: each crystal exactly symmetric, with what its own operations leave free.

Operations are found once, within SYMPREC, and kept in a file of the run's folder. Crystals whose operations can't be
found, and those that have none, stay unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from nucleate.arrays import Mask
from nucleate.data.conditions import told
from nucleate.data.feed import Examples, Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError, RecipeError
from nucleate.files import beside, check_target
from nucleate.model.crystal_model import CrystalModel
from nucleate.model.symmetric import Symmetric
from nucleate.model.trainable import Trainable
from nucleate.symmetry.free import Freedom
from nucleate.symmetry.projection import Projection
from nucleate.symmetry.template import Template

SYMPREC = 0.1
"""Tolerance, Å; that of MP-20 in DiffCSP++ (arXiv 2402.03992)."""
PARTS: tuple[str, ...] = (
    "origin",
    "orbits",
    "lattice",
    "basis",
    "read",
    "mean",
    "multiplicity",
    "metric",
    "metrics",
)


class SymmetricSplit:
    """A split whose crystals obey their own space groups.

    Attributes:
        table: the crystals, made exactly symmetric.
        freedoms: what is left free in each, None for those without a template.
    """

    def __init__(self, table: CrystalTable, freedoms: Sequence[Freedom | None]) -> None:
        self.freedoms = freedoms
        frac, lattice = table.frac.copy(), table.lattice.copy()
        for row, one in enumerate(freedoms):
            if one is not None:
                frac[table.atoms_of(row)], lattice[row] = one.origin, one.lattice
        self.table = replace(table, frac=frac, lattice=lattice)

    @classmethod
    def of(cls, table: CrystalTable, file: Path | None = None, write: bool = True) -> SymmetricSplit:
        """By the operations of each crystal: read from a file that holds those of this table, else found.

        write: whether the file is then written, with NucleateError where it can't be.
        """
        freedoms = _read(file, table) if file is not None and file.exists() else None
        if freedoms is None:
            freedoms = [_freedom(table, row) for row in range(len(table))]
            if file is not None and write:
                _write(file, table, freedoms)
        return cls(table, freedoms)

    def rules(self, rows: np.ndarray, model: CrystalModel, mask: Mask) -> Symmetric:
        """The constraint on these rows, on the device of mask [crystals, atoms]."""
        chosen = [self.freedoms[int(row)] for row in rows]
        return Symmetric(model, Projection.of_freedoms(chosen, mask.shape[1]).to(mask.device), mask)


def _freedom(table: CrystalTable, row: int) -> Freedom | None:
    try:
        template = Template.of(table.cell(row), SYMPREC)
    except DataError:
        return None
    return None if len(template.rotations) == 1 else Freedom.of(template)


def _shapes(atoms: int, free: int, metrics: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the parts of a Freedom."""
    return {
        "origin": (atoms, 3), "orbits": (atoms,), "lattice": (3, 3), "basis": (3 * atoms, free),
        "read": (free, 3 * atoms), "mean": (free, 3 * atoms), "multiplicity": (free,), "metric": (9, 9),
        "metrics": (metrics, 3, 3),
    }  # fmt: skip


def _write(file: Path, table: CrystalTable, freedoms: Sequence[Freedom | None]) -> None:
    known = [one for one in freedoms if one is not None]
    flat: dict[str, Any] = {
        part: np.concatenate([np.zeros(0), *(getattr(one, part).ravel() for one in known)]) for part in PARTS
    }
    sizes = [
        (len(one.origin), one.basis.shape[1], len(one.metrics)) if one else (0, 0, 0) for one in freedoms
    ]
    flat |= {"sizes": np.array(sizes), "ids": np.array(table.ids)}
    check_target(file)
    with beside(file) as part, part.open("wb") as out:
        np.savez_compressed(out, **flat)


def _read(file: Path, table: CrystalTable) -> list[Freedom | None] | None:
    """What the file holds of this table; None where it belongs to another one or is broken."""
    try:
        with np.load(file) as held:
            if held["ids"].tolist() != list(table.ids):
                return None
            return list(_cut(held["sizes"].tolist(), {part: held[part] for part in PARTS}))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def _cut(sizes: list[list[int]], flat: dict[str, np.ndarray]) -> Iterator[Freedom | None]:
    whole, starts = ("orbits", "basis", "read", "multiplicity"), dict.fromkeys(PARTS, 0)
    for atoms, free, metrics in sizes:
        if not atoms:
            yield None
            continue
        parts: dict[str, np.ndarray] = {}
        for part, shape in _shapes(atoms, free, metrics).items():
            stop = starts[part] + int(np.prod(shape))
            values = flat[part][starts[part] : stop].reshape(shape)
            parts[part], starts[part] = values.astype(np.int64 if part in whole else float), stop
        yield Freedom(**parts)


class SymmetricFeed(Feed):
    """A split on a device whose crystals are trained under their own symmetry. Free parameters stay on the host: each
    batch waits for its rows, and uploads theirs."""

    def __init__(
        self, split: SymmetricSplit, device: torch.device, model: CrystalModel, conditions: Sequence[str] = ()
    ) -> None:
        super().__init__(told(split.table, model.described), device, conditions)
        self.split, self.model = split, model

    def tensors(self, indices: Int[Tensor, " examples"], size: int) -> dict[str, Any]:
        found = super().tensors(indices, size)
        mask = found["mask"]
        assert mask is not None
        return {**found, "constraint": self.split.rules(indices.cpu().numpy(), self.model, mask)}


def obeying(model: Trainable) -> CrystalModel:
    """The model, if it can be trained under symmetry. Raises RecipeError where it can't."""
    if not isinstance(model, CrystalModel):
        raise RecipeError(
            f"{type(model).__name__} can't be trained under symmetry", "leave training.symmetry out"
        )
    return model


def symmetric_examples(model: Trainable, split: SymmetricSplit, device: torch.device) -> Examples:
    """A split under the symmetry of its crystals. Raises RecipeError for a model that is no diffusion or flow of
    crystals."""
    model = obeying(model)
    return SymmetricFeed(split, device, model, model.columns)
