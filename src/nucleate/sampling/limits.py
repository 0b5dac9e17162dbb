"""What a generator can be asked for: its elements, the sizes of its cells, and how probable each of them is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.elements import SYMBOLS
from nucleate.errors import FormulaError, ModelError
from nucleate.sampling.formula import reduce_formula

COMMON_UNITS = (1, 2, 4)
LEAST_SHARE = 0.05
VOLUMES = (
    5.96, 10.43, 11.54, 12.42, 13.13, 13.87, 14.63, 15.43, 16.30, 17.29, 18.24, 19.33, 20.39, 21.55, 22.79, 24.22,
    25.84, 27.87, 30.57, 34.95, 134.25,
)  # fmt: skip
"""Where a card says nothing of the volume for each atom: 0, 5, .. 100 % of MP-20's training crystals, Å^3."""


@dataclass(frozen=True)
class Limits:
    """What can be asked for.

    Attributes:
        elements: atomic numbers that may be in a crystal.
        largest_cell: most atoms in a cell.
        units: how often a formula unit of so many atoms stands so many times in a cell: atoms -> units -> share.
        sizes: share of the cells for each number of atoms.
        volumes: of their volume for each atom, Å^3: ends of intervals that are equally probable.
        collection: what the crystals are taken from, such as a folder; "" for a trained model.
    """

    elements: frozenset[int]
    largest_cell: int
    units: dict[int, dict[int, float]]
    sizes: dict[int, float] = field(default_factory=dict)
    volumes: tuple[float, ...] = VOLUMES
    collection: str = ""

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> Limits:
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

    @classmethod
    def of_cells(cls, cells: Sequence[Cell], collection: str = "") -> Limits:
        """Those of a collection of crystals, of which there is at least one."""
        units: dict[int, Counter[int]] = defaultdict(Counter)
        for cell in cells:
            unit, number = reduce_formula(Counter(cell.species.tolist()))
            units[unit.total()][number] += 1
        sizes = Counter(len(cell.species) for cell in cells)
        volumes = np.quantile([cell.volume / len(cell.species) for cell in cells], np.linspace(0, 1, 101))
        return cls(
            frozenset(int(z) for cell in cells for z in cell.species),
            max(sizes),
            {
                atoms: {n: count / counts.total() for n, count in counts.items()}
                for atoms, counts in units.items()
            },
            {size: count / len(cells) for size, count in sizes.items()},
            tuple(volumes.tolist()),
            collection,
        )

    def check(self, text: str, counts: Counter[int]) -> None:
        """Raise FormulaError for elements and sizes that no crystal behind these limits has."""
        unseen = [SYMBOLS[number] for number in counts if number and number not in self.elements]
        if unseen:
            raise self._unseen(text, ", ".join(unseen))
        atoms = sum(counts.values())
        if atoms > self.largest_cell:
            raise self._too_large(text, atoms)

    def _unseen(self, text: str, elements: str) -> FormulaError:
        if self.collection:
            return FormulaError(
                f"'{text}' holds {elements}, which no crystal in {self.collection} holds",
                "use another collection of crystals, or a model that was trained on it",
            )
        return FormulaError(
            f"'{text}' holds {elements}, which the model never saw in training",
            "use a model that was trained on it; 'nucleate models' lists the elements of a model",
        )

    def _too_large(self, text: str, atoms: int) -> FormulaError:
        many = f"'{text}' has {atoms} atoms in the cell, more than the {self.largest_cell}"
        if self.collection:
            return FormulaError(
                f"{many} of the largest crystal in {self.collection}", "ask for fewer formula units"
            )
        return FormulaError(
            f"{many} the model was trained for",
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
