"""Requests to generators that choose the sites of a space group themselves (`Generator.chooses_sites`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nucleate.errors import FormulaError
from nucleate.predictor.templates import units_in_group
from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula, species_of
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request, check_count, draw_sizes, new_requests
from nucleate.sampling.sizes import new_sizes
from nucleate.symmetry.holding import most_sites
from nucleate.symmetry.operations import check_number


def formulas_in_group(
    formulas: Sequence[str], n: int, limits: Limits, units: Sequence[int] | None, number: int
) -> list[Request]:
    """n crystals of each formula; with units None, shared over the numbers of formula units that the group can hold in
    a primitive cell. Raises FormulaError where it can hold none, StructureError outside 1 to 230."""
    check_count(n * max(len(formulas), 1) * len(units or (1,)))
    check_number(number)
    requests = []
    for text in formulas:
        unit, written = reduce_formula(parse_formula(text))
        limits.check(formula_text(unit), unit)
        for times, count in units_in_group(unit, written, n, limits, units, number).items():
            cell = Counter({z: c * times for z, c in unit.items()})
            limits.check(formula_text(cell), cell)
            requests += [
                Request(species_of(cell), formula_text(cell), formula_text(unit), sample, space_group=number)
                for sample in range(count)
            ]
    return list({request.identity: request for request in requests}.values())


def inventions_of_any_size(
    n: int, seed: int, limits: Limits, number: int | None = None, atoms: tuple[int, int] | None = None,
    kinds: int = 0,
) -> list[Request]:  # fmt: skip
    """n crystals of elements that the generator chooses, in a space group where one is asked. Without `atoms`, the
    smallest and largest number in the primitive cell, it chooses the number too; else it is drawn as in the training
    data, among those that the group can hold. kinds: least number of elements, and so of sites.

    Raises FormulaError where the group can hold none of those asked for, StructureError outside 1 to 230.
    """
    check_count(n)
    if number is not None:
        check_number(number)
    if atoms is None:
        return [Request((0,), "generated", "", sample, units=None, space_group=number) for sample in range(n)]
    if number is None:
        return new_requests(new_sizes(n, seed, limits, atoms, max(kinds, 1), None), limits)
    sizes = range(atoms[0], min(atoms[1], limits.largest_cell) + 1)
    held = [size for size in sizes if most_sites(number, 0, size) >= max(kinds, 1)]
    if not held:
        raise FormulaError(
            f"no sites of space group {number} hold {atoms[0]} to {atoms[1]} atoms "
            + (f"of {kinds} elements " if kinds > 1 else "")
            + f"in a primitive cell of up to {limits.largest_cell} atoms",
            "give another number of atoms, or another space group",
        )
    shares = {size: limits.sizes.get(size, 0.0) for size in held}
    if not any(shares.values()):
        shares = dict.fromkeys(held, 1.0)
    return new_requests(draw_sizes(n, shares, seed), limits, space_group=number)
