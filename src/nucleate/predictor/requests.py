"""Requests from what is asked for in Python: formulas of any kind, cells, and structures to complete."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleate.errors import FormulaError
from nucleate.predictor import in_group, templates
from nucleate.sampling.formula import formula_text, parse_formula, species_of
from nucleate.sampling.repair import repaired
from nucleate.sampling.request import (
    Known,
    Limits,
    Request,
    answer_requests,
    formula_requests,
    new_requests,
)
from nucleate.sampling.sizes import new_sizes

if TYPE_CHECKING:
    from pymatgen.core import Structure


def predictions(
    formula: Any, n: int, limits: Limits, formula_units: int | Sequence[int] | str = "auto", *,
    ranked: bool = False, seed: int = 0, space_group: int | None = None, prototype: str | None = None,
    chooses_sites: bool = False,
) -> list[Request]:  # fmt: skip
    """Requests for n structures of each formula; `nucleate.predictor.draw.Predictor.predict` says what may be given.

    Raises FormulaError for what the model can't predict.
    """
    formulas = list(formula) if isinstance(formula, (list, tuple)) else [formula]
    units = _units_of(formula_units)
    texts = []
    for one in formulas:
        texts.append(_readable(_text_of(one), limits))
    if ranked:
        return answers(texts, n, limits, units, space_group, prototype)
    return symmetric_or_not(texts, n, seed, limits, units, space_group, prototype, chooses_sites)


def answers(
    formulas: Sequence[str], n: int, limits: Limits, units: Sequence[int] | None,
    space_group: int | None = None, prototype: str | None = None,
) -> list[Request]:  # fmt: skip
    """Requests for the n best structures of formulas that can be parsed, from a generator that ranks its own.

    Raises FormulaError for a space group or a prototype, which only a diffusion model is asked for.
    """
    if space_group is not None or prototype is not None:
        asked = f"space group {space_group}" if space_group is not None else f"the prototype {prototype}"
        raise FormulaError(
            f"answers can't be asked for {asked}", "name a diffusion model, such as kldm-mp20-csp"
        )
    return answer_requests(formulas, n, limits, units)


def symmetric_or_not(
    formulas: Sequence[str], n: int, seed: int, limits: Limits, units: Sequence[int] | None,
    space_group: int | None, prototype: str | None, chooses_sites: bool = False,
) -> list[Request]:  # fmt: skip
    """Requests for formulas that can be parsed, on the sites of a space group or of a prototype where one is asked.

    chooses_sites: whether the generator finds the sites of a space group itself (`Generator.chooses_sites`).
    Raises FormulaError for both at once, and for formula units beside a prototype, whose cell has its own.
    """
    if space_group is not None and prototype is not None:
        raise FormulaError(
            f"the prototype {prototype} has a space group of its own, and {space_group} is asked too",
            "give one of them",
        )
    if prototype is not None and units is not None:
        raise FormulaError(
            "a prototype has its own number of formula units", "leave the formula units out, or the prototype"
        )
    if space_group is not None and chooses_sites:
        return in_group.formulas_in_group(formulas, n, limits, units, space_group)
    if space_group is not None:
        return templates.on_group(formulas, n, seed, limits, units, space_group)
    if prototype is not None:
        return templates.on_prototype(formulas, n, limits, prototype)
    return formula_requests(formulas, n, limits, units)


def inventions(
    n: int, seed: int, limits: Limits, atoms: tuple[int, int] | None = None, species: str | None = None,
    complete: Structure | None = None, lattice: Any = None, space_group: int | None = None,
    chooses_sites: bool = False, kinds: int = 0,
) -> list[Request]:  # fmt: skip
    """Requests for n new crystals; `nucleate.predictor.draw.Predictor.inventions` says what may be given. kinds: least
    number of elements, and so of atoms or orbits.

    Raises FormulaError for what the model can't draw.
    """
    if complete is not None and lattice is not None:
        raise FormulaError(
            "a structure to complete brings its own cell, and another one is given",
            "leave the lattice out, or give the atoms by their species",
        )
    if space_group is not None:
        free = complete is None and lattice is None
        return _in_group(n, seed, limits, space_group, atoms, species, free, chooses_sites, kinds)
    if chooses_sites and species is None and complete is None and lattice is None:
        return in_group.inventions_of_any_size(n, seed, limits, None, atoms, kinds)
    known = [] if complete is None else list(complete.atomic_numbers)
    least = max(len(known) + (complete is not None), kinds)
    if atoms is not None and atoms[1] < kinds:
        raise FormulaError(f"{_span(atoms)} atoms can't be of {kinds} elements", "ask for more atoms")
    atoms = None if atoms is None else (max(atoms[0], kinds), atoms[1])
    if species is not None:
        known = _whole(known, _readable(species, limits), atoms)
        atoms = len(known), len(known)
    frac = [] if complete is None else complete.frac_coords
    cell = complete.lattice.matrix if complete is not None and lattice is None else lattice
    around = None if cell is None else Known(_rows(frac), _rows(cell))
    volume = None if cell is None else abs(float(np.linalg.det(np.asarray(cell, dtype=float))))
    sizes = new_sizes(n, seed, limits, atoms, least, volume)
    return new_requests(sizes, limits, known, around)


def _in_group(
    n: int,
    seed: int,
    limits: Limits,
    number: int,
    atoms: tuple[int, int] | None,
    species: str | None,
    free: bool,
    chooses_sites: bool,
    kinds: int,
) -> list[Request]:
    if not free:
        raise FormulaError(
            f"space group {number} is asked of crystals whose cell or atoms are given",
            "leave one of them out",
        )
    if species is None and chooses_sites:
        return in_group.inventions_of_any_size(n, seed, limits, number, atoms, kinds)
    if species is None:
        return templates.inventions(n, seed, limits, number, atoms, kinds)
    whole = parse_formula(_readable(species, limits))
    if atoms is not None and not atoms[0] <= whole.total() <= atoms[1]:
        raise FormulaError(
            f"'{species}' has {whole.total()} atoms, and {_span(atoms)} were asked for",
            "the formula is that of the whole cell: leave the number of atoms out",
        )
    return symmetric_or_not(
        [formula_text(whole)], n, seed, limits, (1,), number, None, chooses_sites=chooses_sites
    )


def _whole(known: list[int], species: str, atoms: tuple[int, int] | None) -> list[int]:
    """Atomic numbers of a whole cell of this formula: first the atoms that are kept, then the others."""
    whole = parse_formula(species)
    if Counter(known) - whole:
        raise FormulaError(
            f"'{species}' does not hold the {len(known)} atoms that are kept",
            "give the whole cell's formula",
        )
    known = [*known, *species_of(whole - Counter(known))]
    if atoms is not None and not atoms[0] <= len(known) <= atoms[1]:
        raise FormulaError(
            f"'{species}' has {len(known)} atoms, and {_span(atoms)} were asked for",
            "the formula is that of the whole cell: leave the number of atoms out",
        )
    return known


def _readable(formula: str, limits: Limits) -> str:
    """A formula that can be parsed, with a warning where it had to be repaired.

    The warning names the line that called `Predictor.predict` or `Predictor.generate`.
    """
    text, note = repaired(formula, limits.elements)
    if text != formula.strip():
        warnings.warn(note, stacklevel=5)
    return text


def _units_of(formula_units: int | Sequence[int] | str) -> tuple[int, ...] | None:
    if formula_units == "auto":
        return None
    units = (formula_units,) if isinstance(formula_units, int) else tuple(formula_units)
    if not units or not all(isinstance(number, int) and number > 0 for number in units):
        raise FormulaError(f"formula_units = {formula_units!r}", 'give 1, (1, 2, 4) or "auto"')
    return tuple(int(number) for number in units)


def _span(atoms: tuple[int, int]) -> str:
    return f"{atoms[0]}" if atoms[0] == atoms[1] else f"{atoms[0]} to {atoms[1]}"


def _rows(x: Iterable[Any]) -> tuple[tuple[float, float, float], ...]:
    """[n, 3] as plain numbers."""
    return tuple((float(a), float(b), float(c)) for a, b, c in x)


def _text_of(formula: Any) -> str:
    if isinstance(formula, str):
        return formula
    if hasattr(formula, "get_atomic_numbers"):
        return formula_text(Counter(formula.get_atomic_numbers().tolist()))
    composition = getattr(formula, "composition", formula)
    return composition.formula.replace(" ", "")
