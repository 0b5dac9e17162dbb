"""Names of prototypes: anonymous formula, Pearson symbol, space group, Wyckoff letters by role, as AFLOW writes them.

    ABC3_cP5_221_a_b_c        perovskite: role A on position a, B on b, three C on c

Roles are the elements of a crystal in the order of the name: by count, then by letters. A space group may be described
from several origins, which rename its positions; the name is the first over all of them and all orders of roles of
equal count (Mehl et al., Comput. Mater. Sci. 136, S1, 2017; relabelling as in Goodall et al., arXiv 2106.11132).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from itertools import groupby, permutations, product
from math import factorial, gcd, prod
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

MOST_ORDERS = 720
"""Most orders of roles to compare; beyond it, roles of equal count are only sorted by their letters."""

ROLES = (*ascii_uppercase, *(one + other for one in ascii_uppercase for other in ascii_lowercase))
"""Names of the roles of a formula: A to Z, then Aa, Ab..."""

Letters = tuple[str, ...]
"""Letters of the orbits of each role, sorted: ("a", "b", "cc")."""


def prototype_label(
    pearson: str, number: int, counts: Sequence[int], letters: Sequence[str]
) -> tuple[str, list[int]]:
    """The name, and the order of the roles in it.

    Args:
        pearson: Pearson symbol.
        number: of the space group.
        counts: atoms of each element in the cell. [elements]
        letters: Wyckoff letters of the orbits of each element, one per orbit. [elements]
    """
    found = min(
        (named, order)
        for renaming in renamings(number)
        for order, named in [
            _ordered(counts, tuple("".join(sorted(one.translate(renaming))) for one in letters))
        ]
    )
    named, order = found
    return f"{anonymous([counts[i] for i in order])}_{pearson}_{number}_{'_'.join(map(_runs, named))}", list(
        order
    )


def anonymous(counts: Sequence[int]) -> str:
    """The anonymous formula of counts in their order, divided by their greatest common divisor: [2, 2, 6] is ABC3."""
    divisor = gcd(*counts)
    return "".join(
        f"{name}{count // divisor if count > divisor else ''}"
        for name, count in zip(ROLES, counts, strict=False)
    )


def orders(counts: Sequence[int]) -> list[tuple[int, ...]]:
    """All orders of elements by count, those of equal count in every order. The identity if too many."""
    place = sorted(range(len(counts)), key=lambda i: counts[i])
    groups = [list(group) for _, group in groupby(place, key=lambda i: counts[i])]
    if prod(factorial(len(group)) for group in groups) > MOST_ORDERS:
        return [tuple(place)]
    return [tuple(i for part in parts for i in part) for parts in product(*map(permutations, groups))]


@cache
def renamings(number: int) -> list[dict[int, int]]:
    """How other origins rename the Wyckoff positions of a space group, the identity first."""
    first, *others = _table()[str(number)]
    return [dict(zip(map(ord, first), map(ord, one), strict=True)) for one in (first, *others)]


@cache
def _table() -> dict[str, list[str]]:
    """By space group: the letters, and what they become. From pymatgen, which takes seconds to import."""
    return json.loads((Path(__file__).parent / "data" / "renamings.json").read_text())


def _ordered(counts: Sequence[int], letters: Letters) -> tuple[tuple[int, ...], Letters]:
    """The order by count and then letters, and the letters in that order."""
    order = tuple(sorted(range(len(counts)), key=lambda i: (counts[i], letters[i])))
    return order, tuple(letters[i] for i in order)


def _runs(letters: str) -> str:
    """Sorted letters with their numbers: "abb" is a2b as AFLOW writes it, with the number before: "a2b"."""
    found = [(letter, len(list(group))) for letter, group in groupby(letters)]
    return "".join(f"{count if count > 1 else ''}{letter}" for letter, count in found)


@cache
def automorphisms(label: str) -> tuple[tuple[int, ...], ...]:
    """Orders of a prototype's roles that a change of origin maps onto one another: rock salt has (0, 1), (1, 0).

    Elements assigned in any of these orders give the same crystal, free parameters apart.
    """
    _, _, number, *roles = label.split("_")
    letters = [_letters(one) for one in roles]
    sizes = _counts(label)
    found = [
        order
        for order in orders(sizes)
        if any(
            all("".join(sorted(letters[j].translate(one))) == letters[i] for i, j in enumerate(order))
            for one in renamings(int(number))
        )
    ]
    return tuple(found)


def _letters(runs: str) -> str:
    """The inverse of `_runs`: "a2b" is "abb"."""
    return "".join(letter * int(number or 1) for number, letter in re.findall(r"(\d*)([A-Za-z])", runs))


def _counts(label: str) -> list[int]:
    """Counts of the roles, from the anonymous formula of a label."""
    return [int(number or 1) for number in re.findall(r"[A-Z][a-z]?(\d*)", label.split("_")[0])]
