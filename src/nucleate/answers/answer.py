"""One answer: a structure with its probability and, where a potential was used, its energy."""

from __future__ import annotations

from dataclasses import dataclass

from nucleate.answers.merge import Structure
from nucleate.cell import Cell
from nucleate.prototypes.entry import describe


@dataclass(frozen=True)
class Ranked:
    """One answer.

    Attributes:
        cell: the structure, relaxed where there is an energy.
        structure: the merged structure with all its offers.
        probability: that it is the right structure.
        energy: after relaxation, eV/atom, None without.
        above: energy above the lowest that was found for the composition, eV/atom, None without.
        relaxation: how the relaxation ended (`nucleate.energies.raced.Raced`), "" without; unless it is "relaxed" the
            energy is an upper bound.
        log_odds: from the energies, None without.
    """

    cell: Cell
    structure: Structure
    probability: float = 0.0
    energy: float | None = None
    above: float | None = None
    relaxation: str = ""
    log_odds: float | None = None

    def origin(self) -> dict[str, str | int | float]:
        """Its origin as files record it."""
        first, votes = self.structure.first, self.structure.votes
        found: dict[str, str | int | float] = {
            "probability": round(self.probability, 4),
            "proposed_by": "+".join(f"{name}:{number}" for name, number in votes.items()),
        }
        if first.prototype:
            found |= {"prototype": first.prototype, "source": first.source, "known": int(first.known)}
        elif (drawn := describe(self.cell)) is not None and drawn.number > 1:
            found |= {"prototype": drawn.label}
        if self.energy is not None and self.above is not None:
            found |= {"energy_per_atom": round(self.energy, 5), "above_lowest": round(self.above, 5)}
            found["relaxation"] = self.relaxation
        return found
