"""How a race is run, and what became of each crystal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from nucleate.energies.relaxed import Relaxed, decode, encode
from nucleate.energies.symmetric import DescentSettings
from nucleate.errors import NucleateError
from nucleate.identity import canonical
from nucleate.settings import MOST_SECONDS, within

STOPPED, OUT_OF_BUDGET = "stopped", "out_of_budget"


@dataclass(frozen=True)
class RaceSettings:
    """How a race is run.

    Attributes:
        descent: how each crystal is relaxed; its timeout is not asked for here.
        margin: eV/atom above the lowest, within which nothing is stopped.
        doubt: how many times the gain that the model expects a crystal is granted.
        rounds: evaluations of a crystal before it may be stopped.
        evaluations: of the potential in the whole race, None for no limit.
        seconds: of the whole race, None for no limit. What such a race finds depends on the machine; it is kept in no
            cache where it ran out of time.
    """

    descent: DescentSettings = field(default_factory=DescentSettings)
    margin: float = 0.05
    doubt: float = 3.0
    rounds: int = 2
    evaluations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        within(self, 0, MOST_SECONDS, "seconds", error=NucleateError)
        if not (self.margin >= 0 and self.doubt >= 1 and self.rounds >= 1):
            raise NucleateError(
                f"a race can't be run with margin {self.margin}, doubt {self.doubt} and rounds {self.rounds}",
                "give a margin of at least 0 eV/atom, a doubt of at least 1 and at least 1 round",
            )
        if self.evaluations is not None and self.evaluations < 1:
            raise NucleateError(
                f"a race can't be run with {self.evaluations} evaluations", "give at least 1, or None"
            )

    @property
    def identity(self) -> str:
        """All that a result depends on but the clock."""
        plain = replace(self, seconds=None, descent=DescentSettings())
        return f"{canonical(plain)} {self.descent.identity}"


@dataclass(frozen=True)
class Raced:
    """What became of one crystal.

    Attributes:
        place: 1 for the lowest energy; those without an energy come last, in the order given.
        relaxed: its energy, cell, and `steps`, which count evaluations. Unless it converged the energy is an upper
            bound.
        above: energy above the lowest, eV/atom; None without an energy.
        status: "relaxed", "stopped", "out_of_budget", or a reason of `relax`.
        detail: the status in words.
    """

    place: int
    relaxed: Relaxed
    above: float | None
    status: str
    detail: str = ""

    @property
    def energy_per_atom(self) -> float | None:
        """eV/atom."""
        return self.relaxed.energy_per_atom


def encode_raced(one: Raced) -> dict[str, Any]:
    """As JSON can hold it."""
    return {**asdict(replace(one, relaxed=Relaxed())), "relaxed": encode(one.relaxed)}


def decode_raced(fields: dict[str, Any]) -> Raced:
    """What `encode_raced` was given."""
    return Raced(**{**fields, "relaxed": decode(fields["relaxed"])})
