"""Which ion may replace which: the substitution probabilities of Hautier et al. (Inorg. Chem. 50, 656, 2011).

    p(new | old) = exp(lambda(new, old)) / sum over all ions x of exp(lambda(x, old))

with lambda as pymatgen holds it, fitted on the ICSD. As in GNoME (Merchant et al., Nature 624, 80, 2023) no lambda is
below 0: a pair that was never seen is not ruled out. Without charges an element has the largest lambda of its ions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import numpy as np

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import MissingPackageError

HEAVIEST = 94
"""Plutonium: the last element that substitutes without a charge."""
PLACES = ("pymatgen.core.structure_prediction", "pymatgen.analysis.structure_prediction")
"""Where newer and older versions of pymatgen keep the table."""

Ion = tuple[int, float]
"""Atomic number and charge."""


@dataclass(frozen=True, eq=False)
class Ions:
    """Substitution probabilities.

    Attributes:
        ions: those of the table. [ions]
        given: p(new | old) of the ions. [new, old]
        elements: p(new | old) of elements without charges, by atomic number; zero for an element itself. [numbers,
            numbers]
        common: logarithm of the total weight of each ion. [ions]
    """

    ions: tuple[Ion, ...]
    given: np.ndarray
    elements: np.ndarray
    common: np.ndarray

    def charges(self, counts: Mapping[int, int]) -> dict[int, float] | None:
        """The most common charges of the elements that make a cell neutral; None where the table has none."""
        states = []
        for number in counts:
            own = [(charge, self.common[i]) for i, (z, charge) in enumerate(self.ions) if z == number]
            if not own:
                return None
            states.append(own)
        neutral = [
            (sum(weight for _, weight in one), [charge for charge, _ in one])
            for one in product(*states)
            if abs(sum(n * charge for n, (charge, _) in zip(counts.values(), one, strict=True))) < 1e-9
        ]
        return dict(zip(counts, max(neutral)[1], strict=True)) if neutral else None

    def instead_of(self, old: int, charge: float | None, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """Elements that may replace one, and their probabilities, which sum to 1; of the same charge if there is one.

        threshold: on p(new | old), before normalisation.
        """
        if charge is None:
            found = self.elements[:, old]
        else:
            found = np.zeros(len(self.elements))
            place = self.ions.index((old, charge))
            for i, (number, other) in enumerate(self.ions):
                if other == charge and number != old and number <= HEAVIEST:
                    found[number] = self.given[i, place]
        numbers = np.flatnonzero(found >= max(threshold, 1e-12))
        return numbers, found[numbers] / max(found[numbers].sum(), 1e-12)


@cache
def hautier() -> Ions:
    """The table of pymatgen. Raises MissingPackageError where this pymatgen has none."""
    rows = [row for row in json.loads(_table()) if "D1+" not in row[:2]]
    ions = sorted({_ion(name) for one, other, _ in rows for name in (one, other)})
    place = {ion: i for i, ion in enumerate(ions)}
    weights = np.zeros((len(ions), len(ions)))
    for one, other, value in rows:
        i, j = place[_ion(one)], place[_ion(other)]
        weights[i, j] = weights[j, i] = max(float(value), 0.0)
    weights = np.exp(weights)
    elements = np.ones((HEAVIEST + 1, HEAVIEST + 1))
    for i, (one, _) in enumerate(ions):
        for j, (other, _) in enumerate(ions):
            if max(one, other) <= HEAVIEST:
                elements[one, other] = max(elements[one, other], weights[i, j])
    elements[0], elements[:, 0] = 0, 0
    np.fill_diagonal(elements, 0)
    total = elements.sum(0)
    total[0] = 1
    return Ions(tuple(ions), weights / weights.sum(0), elements / total, np.log(weights.sum(0)))


def _table() -> str:
    for place in PLACES:
        try:
            path = files(place) / "data" / "lambda.json"
            if path.is_file():
                return path.read_text()
        except ModuleNotFoundError:
            continue
    raise MissingPackageError(
        "this pymatgen has no table of ion substitutions", "install a pymatgen from 2025 or later"
    )


def _ion(text: str) -> Ion:
    """`Fe3+` as (26, 3.0)."""
    found = re.fullmatch(r"([A-Z][a-z]?)([\d.]*)([+-])", text)
    assert found is not None, text
    symbol, number, sign = found.groups()
    return ATOMIC_NUMBERS[symbol], float(number or 1) * (1 if sign == "+" else -1)
