"""What several potentials say of one crystal: whether all put it below a limit, and how far apart they are.

Potentials that were fitted to the same calculations share their errors: that they agree is no independent evidence, and
their spread is a lower bound of their error rather than a measure of it (`benchmarks/consensus.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nucleate.cell import Cell
from nucleate.energies.hull import Hull
from nucleate.energies.placing import Placed, place
from nucleate.energies.potential import Potential
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import NucleateError
from nucleate.work import Work

Agreement = Literal["below", "above", "disagree", "unknown"]


@dataclass(frozen=True)
class Consensus:
    """Distances from the hull of one crystal by several potentials.

    Attributes:
        above: energy above the hull by potential, eV/atom; None where one could not say.
        reasons: why not, by potential.
        limit: eV/atom, up to which a crystal counts as below.
        energy: relaxed, eV/atom, by potential; on scales of their own.
    """

    above: Mapping[str, float | None]
    limit: float
    reasons: Mapping[str, str] = field(default_factory=dict)
    energy: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def known(self) -> list[float]:
        return [value for value in self.above.values() if value is not None]

    @property
    def agreement(self) -> Agreement:
        """What all potentials say; "unknown" where one of them could not, unless another is above the limit."""
        below = [value <= self.limit for value in self.known]
        if len(self.known) < len(self.above):
            return "unknown" if all(below) else "above"
        if all(below):
            return "below"
        return "disagree" if any(below) else "above"

    @property
    def spread(self) -> float | None:
        """The highest distance less the lowest, eV/atom; None for fewer than two."""
        return max(self.known) - min(self.known) if len(self.known) > 1 else None

    @property
    def mean(self) -> float | None:
        """eV/atom; None where nothing is known."""
        return sum(self.known) / len(self.known) if self.known else None

    @property
    def detail(self) -> str:
        """ "chgnet 0.012, sevennet 0.034 eV/atom above the hull, limit 0.1"."""
        said = ", ".join(
            f"{name} {self.reasons.get(name) or 'unknown'}" if value is None else f"{name} {value:.3f}"
            for name, value in self.above.items()
        )
        return f"{said} eV/atom above the hull, limit {self.limit:g}"


def consensus(
    cells: Sequence[Cell],
    judges: Sequence[tuple[Potential, Hull]],
    limit: float = 0.1,
    settings: RelaxSettings | None = None,
    work: Work = Work(),
) -> list[Consensus]:
    """Relax crystals in each of several potentials, and place them against the hull of each.

    Cheap first: a potential is only asked for the crystals that those before it put below the limit or could not judge.

    Args:
        judges: potentials with their hulls, each on the scale of its potential, the fastest first.
        limit: eV/atom above the hull.
        settings, work: as in `place`.

    Raises NucleateError for fewer than two potentials or the same twice, and what `place` raises.
    """
    names = [potential.name for potential, _ in judges]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise NucleateError(
            f"a consensus needs two or more different potentials; got {', '.join(names) or 'none'}",
            "name two, such as chgnet and sevennet",
        )
    found: list[dict[str, Placed]] = [{} for _ in cells]
    asked = list(range(len(cells)))
    for potential, hull in judges:
        for row, one in zip(
            asked, place([cells[row] for row in asked], potential, hull, settings, work), strict=True
        ):
            found[row][potential.name] = one
        asked = [row for row in asked if _may_pass(found[row], limit)]
    return [of_placed(one, limit) for one in found]


def of_placed(placed: Mapping[str, Placed], limit: float) -> Consensus:
    """The consensus of crystals relaxed and placed by several potentials."""
    return Consensus(
        {name: one.above.energy for name, one in placed.items()},
        limit,
        {name: reason for name, one in placed.items() if (reason := one.relaxed.reason or one.above.reason)},
        {name: one.relaxed.energy_per_atom for name, one in placed.items()},
    )


def _may_pass(placed: Mapping[str, Placed], limit: float) -> bool:
    return all(one.above.energy is None or one.above.energy <= limit for one in placed.values())
