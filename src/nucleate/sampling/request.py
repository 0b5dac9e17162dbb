"""Requests: which crystals are asked for, each with the key that its noise hangs on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nucleate.data.table import CrystalTable
from nucleate.elements import SYMBOLS
from nucleate.errors import FormulaError, ModelError
from nucleate.geometry.noise import Noise
from nucleate.identity import canonical, later
from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula, species_of
from nucleate.streams import SIZES

COMMON_UNITS = (1, 2, 4)
LEAST_SHARE = 0.05
VOLUMES = (
    5.96, 10.43, 11.54, 12.42, 13.13, 13.87, 14.63, 15.43, 16.30, 17.29, 18.24, 19.33, 20.39, 21.55, 22.79, 24.22,
    25.84, 27.87, 30.57, 34.95, 134.25,
)  # fmt: skip
"""Where a card says nothing of the volume for each atom: 0, 5, .. 100 % of MP-20's training crystals, Å^3."""
MOST_CRYSTALS = 1_000_000
"""Of one job: all requests are held in memory, about a kilobyte each."""


@dataclass(frozen=True)
class Part:
    """What is known of a crystal besides species.

    Attributes:
        frac: fractional coordinates of its first atoms. lattice: its cell in Å, rows are the vectors, or None.
    """

    frac: tuple[tuple[float, float, float], ...] = ()
    lattice: tuple[tuple[float, float, float], ...] | None = None


@dataclass(frozen=True)
class Request:
    """One crystal that is asked for.

    Attributes:
        species: atomic numbers of its atoms, 0 where the model is to invent one.
        name: what it is called in files. formula: reduced formula.
        sample: which of the samples of the same thing it is, from 0.
        crystal: row of the data set it answers, or None. material_id: its name there.
        part: what else is known of it.
        condition: what is asked of its properties, (name, value) by the names of the model's `conditions`.
    """

    species: tuple[int, ...]
    name: str
    formula: str
    sample: int
    crystal: int | None = None
    material_id: str | None = None
    part: Part | None = None
    condition: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        # One order, so that the same request has the same identity however it is written.
        object.__setattr__(self, "condition", tuple(sorted(self.condition)))

    @property
    def identity(self) -> str:
        """What makes this crystal this one: the same in every job that asks for it. Fields that are added to this class
        come in by themselves, where they have not their default."""
        origin = f"{self.name}" if self.crystal is None else f"row {self.crystal} {self.material_id}"
        if 0 in self.species or self.part is not None:
            species = canonical(self.species) if any(self.species) else ""
            part = canonical(self.part, always="frac lattice") if self.part else ""
            origin += f" {len(self.species)} atoms {species} {part}"
        more = later(self, known="species name formula sample crystal material_id part")
        return f"{origin} {self.sample}{more}"

    @property
    def key(self) -> int:
        """63 bits of the identity, for the noise."""
        return int.from_bytes(hashlib.sha256(self.identity.encode()).digest()[:8], "big") >> 1

    @property
    def name_of_key(self) -> str:
        """The key as it stands in files."""
        return f"{self.key:016x}"


@dataclass(frozen=True)
class Limits:
    """What a model can be asked for: elements it saw, the largest cell it was trained on, and how often a formula unit
    of so many atoms stood so many times in a training cell (atoms -> units -> share), and the share of the training
    cells for each number of atoms. volumes: of their
    volume for each atom, Å^3: ends of intervals that are equally probable."""

    elements: frozenset[int]
    largest_cell: int
    units: dict[int, dict[int, float]]
    sizes: dict[int, float] = field(default_factory=dict)
    volumes: tuple[float, ...] = VOLUMES

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> Limits:
        lacking = [key for key in ("elements", "largest_cell") if key not in card]
        if lacking:
            raise ModelError(f"the model's card lacks {', '.join(lacking)}", "get the model folder again")
        read = {
            "elements": lambda value: frozenset(map(int, value)),
            "largest_cell": int,
            "formula_units": lambda value: {int(a): _shares(shares) for a, shares in value.items()},
            "sizes": _shares,
            "volumes": lambda values: tuple(map(float, values or VOLUMES)),
        }
        found = {}
        for key, kind in read.items():
            try:
                found[key] = kind(card.get(key, {}))
            except (TypeError, ValueError, AttributeError):
                raise ModelError(
                    f"the model's card says {key} = {card[key]!r}", "get the model folder again"
                ) from None
        return cls(*found.values())

    def check(self, text: str, counts: Counter[int]) -> None:
        """Raise FormulaError for what the model never saw."""
        unseen = [SYMBOLS[number] for number in counts if number and number not in self.elements]
        if unseen:
            raise FormulaError(
                f"'{text}' holds {', '.join(unseen)}, which the model never saw in training",
                "use a model that was trained on it; 'nucleate models' lists the elements of a model",
            )
        atoms = sum(counts.values())
        if atoms > self.largest_cell:
            raise FormulaError(
                f"'{text}' has {atoms} atoms in the cell, more than the {self.largest_cell} the model was trained for",
                "ask for fewer formula units, or use a model trained on larger cells",
            )

    def probable_units(self, atoms: int) -> dict[int, float]:
        """Numbers of formula units worth trying for a unit of so many atoms, with shares that sum to 1."""
        fitting = [units for units in COMMON_UNITS if units * atoms <= self.largest_cell] or [1]
        shares = {
            z: s
            for z, s in self.units.get(atoms, {}).items()
            if s >= LEAST_SHARE and z * atoms <= self.largest_cell
        }
        shares = shares or dict.fromkeys(fitting, 1.0)
        total = sum(shares.values())
        return {units: share / total for units, share in sorted(shares.items())}


def _shares(values: Mapping[Any, Any]) -> dict[int, float]:
    return {int(number): float(share) for number, share in values.items()}


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
            plan = _share_out(n, limits.probable_units(sum(unit.values())))
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


def new_requests(
    sizes: Sequence[int], limits: Limits, species: Sequence[int] = (), part: Part | None = None
) -> list[Request]:
    """Crystals of the given numbers of atoms that the model invents; the first atoms may be known.

    Raises FormulaError for cells larger than the model was trained for, and for elements it never saw.
    """
    known = Counter(species)
    requests = []
    for sample, atoms in enumerate(sizes):
        if atoms < max(len(species), 1):
            raise FormulaError(
                f"{atoms} atoms were asked for, and {len(species)} are known already",
                "ask for at least as many with --atoms",
            )
        limits.check(f"a cell of {atoms} atoms", known + Counter({0: atoms - len(species)}))
        cell = (*species, *(0,) * (atoms - len(species)))
        requests.append(Request(cell, "generated", "", sample, part=part))
    return requests


def draw_sizes(n: int, shares: Mapping[int, float], seed: int) -> list[int]:
    """Numbers of atoms of n crystals from shares; the first of them are the same for every n."""
    sizes, weights = np.array(sorted(shares)), np.array([shares[size] for size in sorted(shares)])
    edges = np.cumsum(weights / weights.sum())
    draws = Noise.of(seed, torch.arange(n)).at(SIZES.step()).uniform(1)[:, 0].double().numpy()
    return sizes[np.searchsorted(edges, draws).clip(max=len(sizes) - 1)].tolist()


def _share_out(n: int, shares: dict[int, float]) -> dict[int, int]:
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
