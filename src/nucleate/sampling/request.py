"""Requests: which crystals are asked for, each with the key that its noise hangs on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nucleate.data.table import CrystalTable
from nucleate.errors import FormulaError
from nucleate.geometry.noise import Noise
from nucleate.identity import canonical, later
from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula, species_of
from nucleate.sampling.limits import Limits
from nucleate.sampling.pull import Pull
from nucleate.streams import SIZES
from nucleate.symmetry.template import Template

MOST_CRYSTALS = 1_000_000
"""Of one job: all requests are held in memory, about a kilobyte each."""


@dataclass(frozen=True)
class Known:
    """What is known of a crystal besides species.

    Attributes:
        frac: fractional coordinates of its first atoms.
        lattice: its cell in Å, rows are the vectors; None where it is not known.
    """

    frac: tuple[tuple[float, float, float], ...] = ()
    lattice: tuple[tuple[float, float, float], ...] | None = None


@dataclass(frozen=True)
class Request:
    """One crystal that is asked for.

    Attributes:
        species: atomic numbers of its atoms, 0 where the model is to invent one.
        name: what it is called in files.
        formula: reduced formula.
        sample: which of the samples of the same thing it is, from 0.
        crystal: row of the data set whose composition it has, or None.
        material_id: name of that row.
        known: what else is known of it.
        condition: what is asked of its properties, (name, value) by the names of the model's `conditions`: a number,
            the number of a category, or the atomic numbers of an element system.
        guidance: (name, weight, from, to): how strongly a condition is asked between two times.
        allowed: atomic numbers that atoms may have, which is never broken; empty for any.
        required: those of them that have to be there.
        pulls: predictors that steer it by their gradients.
        template: whose space group and sites it has, atoms in its order; None where no symmetry is asked.
        units: numbers of formula units its cell may hold, where `species` is one formula unit and the number is open;
            None for any, empty where `species` is the whole cell. A single 0 and None stand for any crystal.
        space_group: number of the space group that it is to have, on sites that the generator chooses; None where none
            is asked.
    """

    species: tuple[int, ...]
    name: str
    formula: str
    sample: int
    crystal: int | None = None
    material_id: str | None = None
    known: Known | None = None
    condition: tuple[tuple[str, float | tuple[int, ...]], ...] = ()
    template: Template | None = None
    units: tuple[int, ...] | None = ()
    space_group: int | None = None
    guidance: tuple[tuple[str, float, float, float], ...] = ()
    allowed: tuple[int, ...] = ()
    required: tuple[int, ...] = ()
    pulls: tuple[Pull, ...] = ()

    def __post_init__(self) -> None:
        # One order, so that the same request has the same identity however it is written.
        for name in ("condition", "guidance", "allowed", "required"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        object.__setattr__(self, "pulls", tuple(sorted(self.pulls, key=lambda one: one.name)))

    @property
    def identity(self) -> str:
        """What makes this crystal this one: the same in every job that asks for it. Fields that are added to this class
        come in by themselves, where they have not their default."""
        origin = f"{self.name}" if self.crystal is None else f"row {self.crystal} {self.material_id}"
        if 0 in self.species or self.known is not None:
            species = canonical(self.species) if any(self.species) else ""
            origin += f" {len(self.species)} atoms {species} {self._known_text}"
        more = later(self, known="species name formula sample crystal material_id known template")
        if self.template is not None:
            more += f" template={self.template.identity}"
        return f"{origin} {self.sample}{more}"

    @property
    def _known_text(self) -> str:
        """Its class was once called Part, and is in identities for good."""
        if self.known is None:
            return ""
        text = canonical(self.known, always="frac lattice")
        return text.replace(type(self.known).__name__, "Part", 1)

    @property
    def key(self) -> int:
        """63 bits of the identity, for the noise."""
        return int.from_bytes(hashlib.sha256(self.identity.encode()).digest()[:8], "big") >> 1

    @property
    def name_of_key(self) -> str:
        """The key as it stands in files."""
        return f"{self.key:016x}"


def check_count(n: int) -> None:
    """Raise FormulaError for a number of crystals that one job can't hold."""
    if n < 1:
        raise FormulaError(f"n = {n} structures were asked for", "ask for at least one")
    if n > MOST_CRYSTALS:
        raise FormulaError(
            f"{n} crystals were asked for, more than the {MOST_CRYSTALS} that one job can hold",
            "ask for fewer, in several jobs with seeds and folders of their own",
        )


def formula_requests(
    formulas: Sequence[str], n: int, limits: Limits, units: Sequence[int] | None = (1,)
) -> list[Request]:
    """n crystals of each formula and number of formula units; with units None, n shared over the probable numbers."""
    check_count(n * max(len(formulas), 1) * len(units or (1,)))
    requests = []
    for text in formulas:
        unit, written = reduce_formula(parse_formula(text))
        limits.check(formula_text(unit), unit)
        if units is None:
            plan = share_out(n, limits.probable_units(sum(unit.values())))
        else:
            plan = {z * (written if len(units) == 1 else 1): n for z in units}
        for number, count in plan.items():
            cell = Counter({z: c * number for z, c in unit.items()})
            limits.check(formula_text(cell), cell)
            requests += [
                Request(species_of(cell), formula_text(cell), formula_text(unit), sample)
                for sample in range(count)
            ]
    return list({request.identity: request for request in requests}.values())


def answer_requests(
    formulas: Sequence[str], n: int, limits: Limits, units: Sequence[int] | None = None
) -> list[Request]:
    """The n best structures of each formula, whatever number of formula units is best; those of `units` if given."""
    check_count(n * max(len(formulas), 1))
    requests = []
    for text in formulas:
        unit, _ = reduce_formula(parse_formula(text))
        limits.check(formula_text(unit), unit)
        for number in units or ():
            limits.check(text, Counter({z: c * number for z, c in unit.items()}))
        allowed = None if units is None else tuple(sorted(set(units)))
        name, species = formula_text(unit), species_of(unit)
        requests += [Request(species, name, name, sample, units=allowed) for sample in range(n)]
    return list({request.identity: request for request in requests}.values())


def new_requests(
    sizes: Sequence[int],
    limits: Limits,
    species: Sequence[int] = (),
    known: Known | None = None,
    space_group: int | None = None,
) -> list[Request]:
    """Requests for new crystals with the given numbers of atoms.

    Args:
        species: atomic numbers of the first atoms, where they are known.
        known: what else is known.
        space_group: see `Request`.

    Raises FormulaError for cells larger than the model was trained for, and for elements it never saw.
    """
    counts = Counter(species)
    requests = []
    for sample, atoms in enumerate(sizes):
        if atoms < max(len(species), 1):
            raise FormulaError(
                f"{atoms} atoms were asked for, and {len(species)} are known already",
                "ask for at least as many with --atoms",
            )
        limits.check(f"a cell of {atoms} atoms", counts + Counter({0: atoms - len(species)}))
        cell = (*species, *(0,) * (atoms - len(species)))
        requests.append(Request(cell, "generated", "", sample, known=known, space_group=space_group))
    return requests


def draw_sizes(n: int, shares: Mapping[int, float], seed: int) -> list[int]:
    """Numbers of atoms of n crystals from shares; the first of them are the same for every n."""
    sizes, weights = np.array(sorted(shares)), np.array([shares[size] for size in sorted(shares)])
    edges = np.cumsum(weights / weights.sum())
    draws = Noise.of(seed, torch.arange(n)).at(SIZES.step()).uniform(1)[:, 0].double().numpy()
    return sizes[np.searchsorted(edges, draws).clip(max=len(sizes) - 1)].tolist()


def share_out(n: int, shares: dict[int, float]) -> dict[int, int]:
    """n in proportion to the shares, largest remainders first."""
    exact = {units: n * share for units, share in shares.items()}
    counts = {units: int(value) for units, value in exact.items()}
    by_remainder = sorted(exact, key=lambda units: counts[units] - exact[units])
    for units in by_remainder[: n - sum(counts.values())]:
        counts[units] += 1
    return {units: count for units, count in counts.items() if count}


def table_requests(
    table: CrystalTable, n: int, limits: Limits, rows: np.ndarray | None = None
) -> tuple[list[Request], list[str]]:
    """n crystals for the composition of each row of a split, and the reasons for rows the model can't predict."""
    check_count(n * max(len(table) if rows is None else len(rows), 1))
    requests: list[Request] = []
    refused: list[str] = []
    for row in np.arange(len(table)) if rows is None else rows:
        name, species = table.ids[int(row)], tuple(int(z) for z in table.species[table.atoms_of(int(row))])
        counts = Counter(species)
        try:
            limits.check(name, counts)
        except FormulaError as error:
            refused.append(error.message)
            continue
        formula = formula_text(reduce_formula(counts)[0])
        requests += [Request(species, name, formula, sample, int(row), name) for sample in range(n)]
    return requests, refused
