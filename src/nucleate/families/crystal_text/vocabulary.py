"""Words of our own small model of these texts: phrases of the prompts, elements, digits and signs."""

from __future__ import annotations

from functools import lru_cache

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.families.crystal_text.writing import (
    ATTRIBUTES,
    BEGIN,
    FORMULA,
    INFILL,
    MASK,
    REPLACE,
    TASK,
    words_for,
)
from nucleate.families.language.vocabulary import Vocabulary

END = "</s>"


@lru_cache(maxsize=16)
def text_vocabulary(attributes: tuple[str, ...] = ()) -> Vocabulary:
    """The same text as published, but each phrase is one word. attributes: properties besides the published ones."""
    phrases = [BEGIN, TASK, FORMULA, *ATTRIBUTES.values(), INFILL, REPLACE, MASK]
    phrases += [words for words in map(words_for, attributes) if words not in phrases]
    elements = [SYMBOLS[number] for number in range(1, MAX_ATOMIC_NUMBER + 1)]
    return Vocabulary(
        [END, *phrases, *elements, *map(str, range(10)), ". ", ".", "-", "+", "e", "(", ")", " ", "\n"]
    )
