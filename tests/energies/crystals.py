"""Small metals that ASE's toy potential EMT knows, and potentials that misbehave."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pymatgen.core import Composition, Lattice, Structure

from nucleate.cell import Cell
from nucleate.energies.potential import Potential
from nucleate.energies.potentials import AsePotential, potential_named

EMT = potential_named("emt")


@cache  # pymatgen takes a second to make the 192 operations of the group
def fcc(symbol: str, a: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [symbol], [[0, 0, 0]])


@cache
def copper_gold() -> dict[str, Structure]:
    """Copper, gold, and their ordered alloys."""
    l12 = [[0, 0, 0], [0, 0.5, 0.5]]
    return {
        "Cu": fcc("Cu", 3.61),
        "Au": fcc("Au", 4.06),
        "Cu3Au": Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.75), ["Au", "Cu"], l12),
        "CuAu3": Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.98), ["Cu", "Au"], l12),
        "CuAu": Structure(Lattice.tetragonal(2.77, 3.9), ["Cu", "Au"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    }


def rattled(structure: Structure, shift: float = 0.1, strain: float = 0.02, seed: int = 0) -> Cell:
    rng = np.random.default_rng(seed)
    lattice = structure.lattice.matrix @ (np.eye(3) + rng.normal(0, strain, (3, 3)))
    frac = structure.frac_coords + rng.normal(0, shift, (len(structure), 3)) @ np.linalg.inv(lattice)
    return Cell(np.array(structure.atomic_numbers), frac, lattice)


@dataclass(frozen=True)
class SlowPotential(AsePotential):
    """EMT that sleeps once for each structure it is asked about."""

    seconds: float = 0.0

    def calculator(self) -> Any:
        from ase.calculators import emt

        seconds = self.seconds

        class Slow(emt.EMT):
            def calculate(self, *arguments: Any, **options: Any) -> None:
                time.sleep(seconds)
                super().calculate(*arguments, **options)

        return Slow()


def slow(seconds: float) -> SlowPotential:
    return SlowPotential("slow", "ase", "", seconds=seconds)


class BrokenPotential(Potential):
    """Energies that are not numbers, or an exception."""

    name = "broken"

    def __init__(self, energy: float | Exception) -> None:
        self.energy_given = energy

    @property
    def identity(self) -> str:
        return "broken"

    def calculator(self) -> Any:
        from ase.calculators.calculator import Calculator, all_changes

        given = self.energy_given

        class Broken(Calculator):
            implemented_properties = ("energy", "forces", "stress")

            def calculate(
                self, atoms: Any = None, properties: Any = None, changes: Any = all_changes
            ) -> None:
                super().calculate(atoms, properties, changes)
                if isinstance(given, Exception):
                    raise given
                self.results = {"energy": given, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}

        return Broken()


class TablePotential(Potential):
    """Energies per atom by formula, without forces: every structure is relaxed as it is."""

    name = "table"

    def __init__(self, energies: dict[str, float], mp_corrected: bool = False) -> None:
        self.energies = {Composition(name).reduced_formula: value for name, value in energies.items()}
        self.mp_corrected = mp_corrected

    @property
    def identity(self) -> str:
        return f"table {sorted(self.energies.items())}"

    def calculator(self) -> Any:
        from ase.calculators.calculator import Calculator, all_changes

        energies = self.energies

        class Table(Calculator):
            implemented_properties = ("energy", "forces", "stress")

            def calculate(
                self, atoms: Any = None, properties: Any = None, changes: Any = all_changes
            ) -> None:
                super().calculate(atoms, properties, changes)
                formula = Composition(atoms.get_chemical_formula()).reduced_formula
                if formula not in energies:
                    raise ValueError(f"no energy of {formula}")
                energy = energies[formula] * len(atoms)
                self.results = {"energy": energy, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}

        return Table()
