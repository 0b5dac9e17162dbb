"""Texts as words and back: the longest word that fits is taken, from left to right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from nucleate.errors import StructureError

UNKNOWN = "<unk>"


class Vocabulary:
    """Words by number; the last one is UNKNOWN, which no text is made of.

    words: all others, different. kinds: patterns with one group each, whose matches are other words than they look
    like, with the suffix of these in `words`: {pattern: suffix}.
    """

    def __init__(self, words: Sequence[str], kinds: dict[str, str] | None = None) -> None:
        self.words = (*words, UNKNOWN)
        self._kinds = {re.compile(pattern): suffix for pattern, suffix in (kinds or {}).items()}
        if len(set(self.words)) < len(self.words):
            raise ValueError("words must not repeat")

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, word: str) -> int:
        return self._numbers[word]

    def __contains__(self, word: str) -> bool:
        return word in self._numbers

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest = sorted(self.words[:-1], key=lambda word: (-len(word), word))
        return re.compile("|".join(map(re.escape, longest)))

    @cached_property
    def _shown(self) -> list[str]:
        """Each word as it stands in texts."""
        suffixes = tuple(self._kinds.values())
        ends = [next((end for end in suffixes if word.endswith(end)), "") for word in self.words]
        return [word.removesuffix(end) for word, end in zip(self.words, ends, strict=True)]

    def encode(self, text: str) -> list[int]:
        """Numbers of the words of a text. Raises StructureError where a part of it is no word."""
        for pattern, suffix in self._kinds.items():
            text = pattern.sub(lambda found, end=suffix: found[0] + end, text)
        numbers, place = [], 0
        while place < len(text):
            found = self._pattern.match(text, place)
            if found is None:
                raise StructureError(f"'{text[place : place + 12]}' is none of the model's words")
            numbers.append(self._numbers[found[0]])
            place = found.end()
        return numbers

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of words."""
        return "".join(self._shown[number] for number in numbers)
