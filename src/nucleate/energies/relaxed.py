"""Settings and result of the relaxation of one structure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import NucleateError
from nucleate.identity import later
from nucleate.settings import MOST_SECONDS, within

REASONS = (
    "not_finite", "too_dense", "too_thin", "unknown_element", "isolated_atom", "no_symmetry", "timed_out", "diverged",
    "failed", "not_converged",
)  # fmt: skip
"""Why a structure was not relaxed; "not_converged" alone leaves a structure and an energy."""

OPTIMISERS = ("fire", "lbfgs")


@dataclass(frozen=True)
class RelaxSettings:
    """How to relax.

    Attributes:
        fmax: largest force on an atom or on the cell at which a structure counts as relaxed, eV/Å.
        max_steps: steps after which it is given up as not converged.
        optimiser: "fire" or "lbfgs".
        cell: whether the cell moves too.
        timeout: seconds for one structure; None for no limit.
        keep_symmetry: tolerance in Å of the space group that is kept; None for free atoms.
    """

    fmax: float = 0.05
    max_steps: int = 200
    optimiser: str = "fire"
    cell: bool = True
    timeout: float | None = 300.0
    keep_symmetry: float | None = None

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise NucleateError(
                f"no optimiser is called {self.optimiser!r}", f"choose among {', '.join(OPTIMISERS)}"
            )
        within(self, 0, MOST_SECONDS, "timeout", error=NucleateError)
        if not (1e-6 <= self.fmax <= 1e3 and 1 <= self.max_steps <= 10**7):
            raise NucleateError(
                f"fmax = {self.fmax} eV/Å or max_steps = {self.max_steps} is out of range",
                "give fmax from 1e-6 to 1000 eV/Å and max_steps from 1 to 10000000",
            )
        if self.keep_symmetry is not None and not 0 < self.keep_symmetry <= 10:
            raise NucleateError(
                f"the tolerance of the symmetry must be above 0 and at most 10 Å; got {self.keep_symmetry}",
                "0.1 Å is usual",
            )

    @property
    def identity(self) -> str:
        """Everything a result depends on, except the time limit: results that ran out of time are not kept."""
        kept = "" if self.keep_symmetry is None else f" symmetry={self.keep_symmetry}"
        more = later(self, known="fmax max_steps optimiser cell timeout keep_symmetry")
        return f"{self.optimiser} fmax={self.fmax} max_steps={self.max_steps} cell={self.cell}{kept}{more}"


@dataclass(frozen=True)
class Relaxed:
    """The result of relaxing one structure.

    Attributes:
        cell: relaxed, None where there is none.
        energy, initial_energy: total, eV; None where there is none. Initial is the energy of the crystal as given.
        steps: of the optimiser.
        converged: whether forces and stress fell below fmax.
        reason: "" or one of REASONS.
        detail: the potential's message, if it failed.
        fmax: largest force at the end on an atom or on the cell, eV/Å.
        seconds: spent on this structure.
    """

    cell: Cell | None = None
    energy: float | None = None
    initial_energy: float | None = None
    steps: int = 0
    converged: bool = False
    reason: str = ""
    detail: str = ""
    fmax: float | None = None
    seconds: float = 0.0

    @property
    def energy_per_atom(self) -> float | None:
        """eV/atom."""
        return None if self.energy is None or self.cell is None else self.energy / len(self.cell.species)

    @property
    def energy_drop_per_atom(self) -> float | None:
        """Energy lost in the relaxation, eV/atom."""
        if self.energy is None or self.initial_energy is None or self.cell is None:
            return None
        return (self.initial_energy - self.energy) / len(self.cell.species)


def encode(result: Relaxed) -> dict[str, Any]:
    """As JSON can hold it."""
    fields = asdict(replace(result, cell=None))
    if result.cell:
        fields["cell"] = [part.tolist() for part in result.cell]
    return fields


def decode(fields: dict[str, Any]) -> Relaxed:
    """What `encode` was given."""
    parts = fields.pop("cell")
    cell = Cell(*(np.array(part) for part in parts)) if parts else None
    return Relaxed(cell=cell, **fields)
