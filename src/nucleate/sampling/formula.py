"""Chemical formulas: text to atomic numbers, and back to text. Parentheses and integer counts, no charges."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from nucleate.elements import ATOMIC_NUMBERS, SYMBOLS, group_of, period_of
from nucleate.errors import FormulaError

LARGEST_COUNT = 9999
_TOKEN = re.compile(r"([A-Z][a-z]?)|(\d+(?:\.\d+)?)|([(\[])|([)\]])")


def parse_formula(text: str) -> Counter[int]:
    """Counts of atomic numbers in one formula, as written (Na2Cl2 stays Na2Cl2).

    Raises FormulaError on unknown symbols, fractional counts and unbalanced parentheses.
    """
    stack: list[Counter[int]] = [Counter()]
    latest: Counter[int] | None = None
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, f"'{text[position]}' at position {position + 1}")
        symbol, count, opening, _ = match.groups()
        if symbol:
            latest = Counter({_number(symbol, text): 1})
            stack[-1].update(latest)
        elif count:
            if latest is None or "." in count or int(count) == 0:
                raise _unreadable(text, f"the count {count}")
            if int(count) > LARGEST_COUNT:
                raise _unreadable(text, f"the count {count}")
            stack[-1].update({number: (int(count) - 1) * n for number, n in latest.items()})
            latest = None
        elif opening:
            stack.append(Counter())
            latest = None
        else:
            if len(stack) == 1:
                raise _unreadable(text, "a closing parenthesis without its opening one")
            latest = stack.pop()
            stack[-1].update(latest)
        position = match.end()
    if len(stack) > 1 or not stack[0]:
        raise _unreadable(text, "an open parenthesis" if len(stack) > 1 else "nothing in it")
    return stack[0]


def _unreadable(text: str, what: str) -> FormulaError:
    return FormulaError(
        f"'{text}' is no formula that can be read: {what}", "write for example SrTiO3 or Ca(OH)2"
    )


def _number(symbol: str, text: str) -> int:
    if symbol in ATOMIC_NUMBERS:
        return ATOMIC_NUMBERS[symbol]
    hint = "write for example SrTiO3 or Ca(OH)2"
    if len(symbol) == 2 and symbol[0] in ATOMIC_NUMBERS:
        hint = f"elements are written with a capital first letter, as in {symbol[0]}..."
    raise FormulaError(f"'{text}' names '{symbol}', which is no element", hint)


def reduce_formula(counts: Counter[int]) -> tuple[Counter[int], int]:
    """The formula unit and how many of them the counts hold."""
    divisor = math.gcd(*counts.values())
    return Counter({number: count // divisor for number, count in counts.items()}), divisor


def species_of(counts: Counter[int]) -> tuple[int, ...]:
    """Atomic numbers of all atoms, element by element in the order of the formula."""
    return tuple(number for number, count in counts.items() for _ in range(count))


def conventional(species: Iterable[int]) -> Counter[int]:
    """Counts in the order of IUPAC's formulas (Red Book 2005, table VI): by group, heavier first, H before group 16."""
    counts = Counter(species)

    def place(number: int) -> tuple[float, int]:
        group = 15.5 if number == 1 else group_of(number)
        return (3 if group > 18 else group), -period_of(number)

    return Counter({number: counts[number] for number in sorted(counts, key=place)})


def formula_text(counts: Counter[int]) -> str:
    """The formula as text, elements in the order of the counts."""
    return "".join(f"{SYMBOLS[number]}{count if count > 1 else ''}" for number, count in counts.items())
