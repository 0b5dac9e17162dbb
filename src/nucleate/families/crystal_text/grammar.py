"""The grammar of these texts: every text it allows is a crystal with the atoms that were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nucleate.elements import ATOMIC_NUMBERS, SYMBOLS
from nucleate.errors import StructureError
from nucleate.families.crystal_text.vocabulary import END
from nucleate.families.language.grammar import Part, exactly, number, one_of
from nucleate.families.language.vocabulary import Vocabulary

SHARPEST, BLUNTEST = 20, 160
"""Of an angle, degrees."""
LEAST, MOST = 1.0, 99.9
"""Of a cell vector, Å."""


def crystal(vocabulary: Vocabulary, prompt: str, species: Sequence[int], known: frozenset[int]) -> Part[None]:
    """A text after its prompt, with the word at its end.

    Args:
        vocabulary: the words.
        prompt: given as it is.
        species: atomic numbers of the atoms, in any order; 0 for one that the text may choose.
        known: elements that it may choose from.
    """
    words = vocabulary.encode
    yield from exactly(words(prompt))
    for place in range(3):
        yield from number(vocabulary, LEAST, MOST, 2, 1)
        yield from exactly(words(" \n"[place == 2]))
    yield from angles(vocabulary)
    left = Counter(species)
    for place in range(len(species)):
        named = {z for z, count in left.items() if z and count}
        allowed = named | (known if left[0] else frozenset())
        word = yield tuple(sorted(vocabulary[SYMBOLS[z]] for z in allowed))
        chosen = ATOMIC_NUMBERS[vocabulary.words[word]]
        left[chosen if chosen in named else 0] -= 1
        yield from exactly(words("\n"))
        for axis in range(3):
            yield from number(vocabulary, 0.0, 1.0, 1, 2)
            yield from exactly(words(" \n"[axis == 2]) if axis < 2 or place + 1 < len(species) else ())
    yield from exactly([vocabulary[END]])


def angles(vocabulary: Vocabulary) -> Part[None]:
    """Three integers that enclose a volume, and the line break after them."""
    found: list[int] = []
    for place in range(3):
        low, high = SHARPEST, BLUNTEST
        if place == 2:
            alpha, beta = found
            low, high = max(low, abs(alpha - beta) + 1), min(high, alpha + beta - 1, 359 - alpha - beta)
        if low > high:
            raise StructureError(f"no cell has the angles {found[0]} and {found[1]}")
        end = " \n"[place == 2]
        options = [vocabulary.encode(f"{value}{end}") for value in range(low, high + 1)]
        chosen = yield from one_of(options)
        found.append(low + chosen)
