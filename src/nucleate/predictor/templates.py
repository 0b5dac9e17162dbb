"""Templates for a request: sites of a space group that hold a formula, or a prototype with other elements.

Sites are chosen as often as known crystals of the shipped index occupy them, other sites rarely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.errors import DataError, FormulaError
from nucleate.geometry.noise import Noise
from nucleate.prototypes.candidates import Families
from nucleate.prototypes.entry import Entry, describe
from nucleate.prototypes.index import Index
from nucleate.prototypes.retrieve import Prototypes
from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request, share_out
from nucleate.streams import SITES
from nucleate.symmetry.combinations import combinations
from nucleate.symmetry.holding import can_hold
from nucleate.symmetry.operations import check_number
from nucleate.symmetry.sites import Sites
from nucleate.symmetry.template import Template
from nucleate.symmetry.wyckoff import space_group

MOST_WAYS = 1000
"""Most ways to occupy the sites of a space group that are considered."""
WEIGHT = 20.0
"""Weight of a known crystal on these sites; every way begins with 1."""
STANDARD = 0.01
"""Tolerance, Å; cells of an index have their space group to within rounding."""
AUTO = "auto"


def on_group(
    formulas: Sequence[str], n: int, seed: int, limits: Limits, units: Sequence[int] | None, number: int
) -> list[Request]:
    """n crystals of each formula in a space group; with units None, shared among the numbers of formula units that its
    primitive cell can hold. Raises FormulaError where it can hold none."""
    requests = []
    for text in formulas:
        unit, written = reduce_formula(parse_formula(text))
        limits.check(formula_text(unit), unit)
        for times, count in units_in_group(unit, written, n, limits, units, check_number(number)).items():
            cell = Counter({z: c * times for z, c in unit.items()})
            limits.check(formula_text(cell), cell)
            ways = combinations(number, cell, MOST_WAYS)
            for sample, way in enumerate(_chosen(ways, count, seed)):
                requests.append(_request(Template.from_sites(_placed(ways[way])).reduced(), unit, sample))
    return _distinct(requests)


def on_prototype(formulas: Sequence[str], n: int, limits: Limits, prototype: str) -> list[Request]:
    """n crystals of each formula on a prototype: a name in the shipped index, a file, or `auto` for the nearest ones.

    Raises FormulaError where the stoichiometry differs, DataError for a name or a file that does not exist.
    """
    known = _shipped()
    source = known if prototype == AUTO else _only(prototype)
    requests = []
    for text in formulas:
        unit, written = reduce_formula(parse_formula(text))
        formula = formula_text(unit)
        limits.check(formula, unit)
        cell = {z: c * written for z, c in unit.items()}
        found = source.propose(cell, n if prototype == AUTO else 1, cells="any")
        found = [one for one in found if len(one.cell.species) <= limits.largest_cell] or found[:1]
        if not found:
            what = (
                "no known crystal has"
                if prototype == AUTO
                else f"{prototype} ({_text(source.index)}) does not have"
            )
            raise FormulaError(
                f"{what} the stoichiometry of {formula}", "give another prototype, or a space group alone"
            )
        for sample in range(n):
            chosen = found[sample % len(found)].cell
            limits.check(formula_text(Counter(chosen.species.tolist())), Counter(chosen.species.tolist()))
            requests.append(_request(Template.of(chosen, STANDARD).reduced(), unit, sample))
    return _distinct(requests)


def inventions(
    n: int, seed: int, limits: Limits, number: int, atoms: tuple[int, int] | None = None, kinds: int = 0
) -> list[Request]:
    """n crystals of elements that the model chooses, on the sites that known crystals of a space group occupy; with at
    least `kinds` orbits.

    Raises FormulaError for a group without sites of so many atoms.
    """
    low, high = atoms or (1, limits.largest_cell)
    index = _shipped().index
    fitting = np.flatnonzero(
        (index.number == check_number(number))
        & (index.sizes >= low)
        & (index.sizes <= min(high, limits.largest_cell))
        & (np.array([len(letters) for letters in index.letters]) >= kinds)
    )
    templates = [Template.of(index.cell(int(entry)), STANDARD).reduced() for entry in _some(fitting, n, seed)]
    if not templates and kinds > 1:
        raise FormulaError(
            f"no known crystal of space group {number} has sites for {kinds} elements in {low} to {high} atoms",
            "allow these elements with --at-most, or take another space group",
        )
    if not templates:
        letters = [
            position.letter
            for position in space_group(number).positions
            if low
            <= position.multiplicity // space_group(number).lattice_points
            <= min(high, limits.largest_cell)
        ]
        if not letters:
            raise FormulaError(
                f"no site of space group {number} has {low} to {high} atoms in a primitive cell",
                "give another number of atoms, or another space group",
            )
        templates = [
            Template.from_sites(_placed(Sites(number, (letters[i % len(letters)],), (1,)))) for i in range(n)
        ]
    blank = [replace(one, species=np.zeros_like(one.species), lattice=None) for one in templates]
    return [
        Request((0,) * len(one.species), "generated", "", sample, template=one)
        for sample, one in enumerate(blank)
    ]


def units_in_group(
    unit: Counter[int], written: int, n: int, limits: Limits, units: Sequence[int] | None, number: int
) -> dict[int, int]:
    """How many crystals to draw with each number of formula units in the primitive cell."""
    atoms = sum(unit.values())
    if units is not None:
        asked = {times * (written if len(units) == 1 else 1): n for times in units}
        held = {times: count for times, count in asked.items() if _holds(number, unit, times)}
    else:
        probable = limits.probable_units(atoms)
        shares = {times: share for times, share in probable.items() if _holds(number, unit, times)}
        if not shares:
            others = (
                times for times in range(1, limits.largest_cell // atoms + 1) if _holds(number, unit, times)
            )
            shares = dict.fromkeys([one for one in [next(others, 0)] if one], 1.0)
        total = sum(shares.values())
        held = share_out(n, {times: share / total for times, share in shares.items()}) if shares else {}
    if not held:
        raise FormulaError(
            f"no sites of space group {number} hold {formula_text(unit)} in a primitive cell of up to "
            f"{limits.largest_cell} atoms",
            "give another space group or --formula-units",
        )
    return held


def _holds(number: int, unit: Mapping[int, int], times: int) -> bool:
    return can_hold(number, {z: count * times for z, count in unit.items()})


def _chosen(ways: list[Sites], count: int, seed: int) -> list[int]:
    """One of the ways for each crystal; that of crystal i is the same for every count."""
    known = _occupied()
    weights = np.array([1 + WEIGHT * known[_key(way.number, "".join(way.letters))] for way in ways])
    edges = np.cumsum(weights / weights.sum())
    return np.searchsorted(edges, _uniform(count, seed)).clip(max=len(ways) - 1).tolist()


def _some(entries: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n of the entries; the i-th is the same for every n."""
    return (
        entries[(_uniform(n, seed) * len(entries)).astype(int).clip(max=len(entries) - 1)]
        if len(entries)
        else entries
    )


def _uniform(count: int, seed: int) -> np.ndarray:
    return Noise.of(seed, torch.arange(count)).at(SITES.step()).uniform(1)[:, 0].double().numpy()


def _placed(sites: Sites) -> Sites:
    """The sites with placeholder free parameters: a draw begins at others."""
    return replace(sites, free=0.1 + 0.37 * np.arange(sites.freedom))


def _request(template: Template, unit: Counter[int], sample: int) -> Request:
    species = tuple(int(z) for z in template.species)
    return Request(species, formula_text(Counter(species)), formula_text(unit), sample, template=template)


def _distinct(requests: list[Request]) -> list[Request]:
    return list({request.identity: request for request in requests}.values())


@lru_cache(maxsize=1)
def _shipped() -> Prototypes:
    return Prototypes.open()


@lru_cache(maxsize=1)
def _occupied() -> Counter[tuple[int, str]]:
    """How often sites, by group and sorted letters, are occupied in the shipped index."""
    index = _shipped().index
    return Counter(
        _key(int(number), letters) for number, letters in zip(index.number, index.letters, strict=True)
    )


def _key(number: int, letters: str) -> tuple[int, str]:
    return number, "".join(sorted(letters))


def _only(prototype: str) -> Prototypes:
    """An index of one crystal, by its name or from a file, with the volumes of the shipped one."""
    known = _shipped()
    if prototype in known.index.names:
        alone = known.index.select(np.array([known.index.names.index(prototype)]))
    else:
        alone = Index.of_entries([_read(prototype)])
    found = copy(known)
    found.index, found.families = alone, Families(alone)
    return found


def _read(file: str) -> Entry:
    if not Path(file).is_file():
        raise DataError(
            f"there is no prototype '{file}', neither a file nor in the shipped index",
            "give a structure file, a name such as mp-22862, or auto",
        )
    from nucleate.data.structure_files import read_structure

    entry = describe(Cell.of(read_structure(Path(file))), Path(file).stem, "file")
    if entry is None:
        raise DataError(f"{file} has no space group that could be found", "give a sound crystal structure")
    return entry


def _text(index: Index) -> str:
    return formula_text(reduce_formula(Counter(index.cell(0).species.tolist()))[0])
