"""Crystals: a padded batch of crystal structures, exactly convertible to single cells, pymatgen and ASE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nucleate.arrays import Cells, Conditions, Mask, PerAtom3, Sizes, Species
from nucleate.cell import Cell
from nucleate.errors import StructureError
from nucleate.notebooks import DrawnInNotebooks

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure


def wrap(frac: torch.Tensor) -> torch.Tensor:
    """Fractional coordinates into [0, 1), whatever their shape."""
    # The remainder of a tiny negative number rounds to 1; the second one brings it to 0.
    return frac.remainder(1).remainder(1)


def mask_of(sizes: Sizes) -> Mask:
    """Which atoms are real, in a batch padded to the largest crystal."""
    return torch.arange(int(sizes.max()), device=sizes.device) < sizes.unsqueeze(-1)


@dataclass(frozen=True)
class Crystals(DrawnInNotebooks):
    """A padded batch of crystals.

    Attributes:
        species: atomic numbers, 0 in padding. [crystals, atoms]
        frac: fractional coordinates in [0, 1), 0 in padding. [crystals, atoms, 3]
        lattice: rows are the cell vectors a, b, c in Å. [crystals, 3, 3]
        mask: which atoms are real; real atoms come first. [crystals, atoms]
        condition: properties given to a model, NaN where unknown, in the order of the model's `conditions`;
            None without conditions. [crystals, conditions]
    """

    species: Species
    frac: PerAtom3
    lattice: Cells
    mask: Mask
    condition: Conditions | None = None

    def __len__(self) -> int:
        return self.species.shape[0]

    @property
    def sizes(self) -> Sizes:
        """Number of atoms in each crystal. [crystals]"""
        return self.mask.sum(1)

    def to(self, device: torch.device | str) -> Crystals:
        return self._each(lambda x: x.to(device))

    def __getitem__(self, index: slice | torch.Tensor) -> Crystals:
        return self._each(lambda x: x[index])

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Crystals:
        species, frac, lattice, mask = map(change, (self.species, self.frac, self.lattice, self.mask))
        condition = None if self.condition is None else change(self.condition)
        return Crystals(species, frac, lattice, mask, condition)

    @classmethod
    def pad(
        cls,
        species: Sequence[torch.Tensor],
        frac: Sequence[torch.Tensor],
        lattice: Sequence[torch.Tensor],
    ) -> Crystals:
        """Stack crystals of different sizes: species [n], frac [n, 3], lattice [3, 3] for each."""
        if not len(species):
            raise StructureError("no crystals were given", "pass at least one structure")
        sizes = torch.tensor([len(s) for s in species])
        mask = mask_of(sizes)
        padded_species = torch.zeros(mask.shape, dtype=torch.long)
        padded_frac = torch.zeros(*mask.shape, 3, dtype=frac[0].dtype)
        padded_species[mask] = torch.cat(list(species)).long()
        padded_frac[mask] = torch.cat(list(frac))
        return cls(padded_species, padded_frac, torch.stack(list(lattice)), mask)

    @classmethod
    def of_cells(cls, cells: Iterable[Cell], dtype: torch.dtype = torch.float64) -> Crystals:
        """From single cells, coordinates brought into [0, 1). Raises StructureError without any."""
        cells = list(cells)
        return cls.pad(
            [torch.tensor(cell.species) for cell in cells],
            [wrap(torch.tensor(cell.frac, dtype=dtype)) for cell in cells],
            [torch.tensor(cell.lattice, dtype=dtype) for cell in cells],
        )

    def cells(self) -> list[Cell]:
        """One cell for each crystal, without padding, in double precision."""
        arrays = (self.species, self.frac.double(), self.lattice.double())
        species, frac, lattice = (array.detach().cpu().numpy() for array in arrays)
        rows = zip(species, frac, lattice, self.sizes.tolist(), strict=True)
        return [Cell(one[:size], places[:size], vectors) for one, places, vectors, size in rows]

    @classmethod
    def from_structures(cls, structures: Iterable[Structure], dtype: torch.dtype = torch.float64) -> Crystals:
        """From ordered pymatgen structures. Raises StructureError on partial occupancy."""
        structures = list(structures)
        for structure in structures:
            if not structure.is_ordered:
                raise StructureError(
                    f"{structure.formula} has partially occupied sites",
                    "order it first, for example with pymatgen's OrderDisorderedStructureTransformation",
                )
        return cls.of_cells([Cell.of(structure) for structure in structures], dtype)

    def to_structures(self) -> list[Structure]:
        """As pymatgen structures, without padding."""
        return [cell.to_structure() for cell in self.cells()]

    @classmethod
    def from_atoms(cls, atoms: Iterable[Atoms], dtype: torch.dtype = torch.float64) -> Crystals:
        """From ASE atoms. Raises StructureError for atoms without a three-dimensional cell."""
        atoms = list(atoms)
        for one in atoms:
            if one.cell.rank < 3:
                raise StructureError(
                    f"{one.get_chemical_formula()} has no three-dimensional cell",
                    "set atoms.cell to three vectors",
                )
        return cls.of_cells([Cell.of_atoms(one) for one in atoms], dtype)

    def to_atoms(self) -> list[Atoms]:
        """As periodic ASE atoms, without padding."""
        return [cell.to_atoms() for cell in self.cells()]
