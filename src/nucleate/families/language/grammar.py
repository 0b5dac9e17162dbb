"""Grammars: which words may come next, as coroutines that are told the word that was chosen.

    words = yield (3, 7, 8)          one of three words may come, and the chosen one comes back

An empty tuple allows any word. A grammar is written as a function for each part of the text, joined by `yield from`,
so it keeps in ordinary variables what was said so far.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import TypeVar

from nucleate.errors import StructureError
from nucleate.families.language.vocabulary import Vocabulary

Words = tuple[int, ...]
Result = TypeVar("Result")
Part = Generator[Words, int, Result]
"""A part of a grammar; what it was told is its result."""


def exactly(words: Sequence[int]) -> Part[None]:
    """These words and no others."""
    for word in words:
        yield (word,)


def anything(end: Sequence[int]) -> Part[None]:
    """Any words, up to these at the end."""
    last: list[int] = []
    while last != list(end):
        last = [*last, (yield ())][-len(end) :]


def one_of(options: Sequence[Sequence[int]]) -> Part[int]:
    """One of several texts, none of which begins another: its index."""
    left, place = list(range(len(options))), 0
    while len(options[left[0]]) > place:
        word = yield tuple(sorted({options[index][place] for index in left}))
        left = [index for index in left if options[index][place] == word]
        place += 1
    return left[0]


def number(vocabulary: Vocabulary, low: float, high: float, whole: int, decimals: int) -> Part[float]:
    """A number from low to high with so many decimals, at least 1, and at most `whole` digits before the point.

    Raises StructureError where there is none.
    """
    unit = 10**decimals
    least, most = math.ceil(low * unit - 1e-6), math.floor(high * unit + 1e-6)
    digits, after = "", -1
    while after < decimals:
        words = [
            vocabulary[digit]
            for digit in "0123456789"
            if _fits(digits + digit, after, whole, decimals, least, most)
        ]
        if digits and after < 0 and _between(digits, decimals, least, most):
            words.append(vocabulary["."])
        if not words:
            raise StructureError(f"no number from {low:g} to {high:g} can be written")
        word = vocabulary.words[(yield tuple(words))]
        after += word == "." or after >= 0
        digits += word.removeprefix(".")
    return int(digits) / unit


def _fits(digits: str, after: int, whole: int, decimals: int, least: int, most: int) -> bool:
    """Whether some number between begins with these digits, the last of them new, `after` of the others after the
    point (-1 before it is written)."""
    if after >= 0:
        return _between(digits, decimals - after - 1, least, most)
    spare = whole - len(digits)
    if spare < 0 or (len(digits) > 1 and digits[0] == "0"):
        return False
    # Nothing but the point follows a first 0.
    further = range(1) if digits[0] == "0" else range(spare + 1)
    return any(_between(digits, more + decimals, least, most) for more in further)


def _between(digits: str, more: int, least: int, most: int) -> bool:
    """Whether these digits, with so many more, can be between."""
    first = int(digits) * 10**more
    return first <= most and first + 10**more - 1 >= least
