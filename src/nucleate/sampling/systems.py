"""Element systems: which elements a crystal may have, from what is asked for and what is left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nucleate.elements import SYMBOLS
from nucleate.errors import FormulaError
from nucleate.sampling.limits import Limits
from nucleate.sampling.targets import elements


def element_system(
    exactly: Any, at_most: Any, without: Any, limits: Limits
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Atomic numbers that are allowed, () for all, and those that have to be there.

    Each is None, or as `elements` reads it. Raises FormulaError for contradictions, for a system without elements, and
    for elements that the model never saw.
    """
    if exactly is None and at_most is None and without is None:
        return (), ()
    if exactly is not None and at_most is not None:
        raise FormulaError(
            "exactly these elements and at most those are both asked for",
            "give one of --elements and --at-most",
        )
    asked = exactly if exactly is not None else at_most
    named = tuple(sorted(limits.elements)) if asked is None else elements(asked)
    # Only elements that have to be there need an atom each.
    least = 0 if exactly is None else 1
    limits.check(",".join(SYMBOLS[number] for number in named), Counter(dict.fromkeys(named, least)))
    left_out = () if without is None else elements(without)
    if exactly is not None and (both := [SYMBOLS[number] for number in named if number in left_out]):
        raise FormulaError(
            f"{', '.join(both)} is asked for and left out", "take it from one of --elements and --without"
        )
    allowed = tuple(number for number in named if number not in left_out)
    if not allowed:
        raise FormulaError("no element is left to make crystals of", "leave fewer of them out with --without")
    return allowed, allowed if exactly is not None else ()
