"""Ways in which CIF texts are spoilt in the world: by editors, by programs, on their way."""

from __future__ import annotations

import random
from collections.abc import Callable

STRAY = (
    ";",
    " ;",
    "; a note",
    "loop_",
    "data_more",
    "# note",
    "'",
    '"',
    "",
    "_atom_site_extra",
    "1",
    "Na",
    "\x0c",
)
CHARACTERS = "0123456789.-+()?'\"#;_ \t\nNaClFeYb"

Edit = Callable[[str, random.Random], str]


def mutate(text: str, draw: random.Random) -> str:
    """The text after one edit, now and then two or three."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        text = draw.choice(EDITS)(text, draw)
    return text


def _on_lines(edit: Callable[[list[str], int, random.Random], None]) -> Edit:
    def mutated(text: str, draw: random.Random) -> str:
        lines = text.split("\n")
        edit(lines, draw.randrange(len(lines)), draw)
        return "\n".join(lines)

    return mutated


def _stray(lines: list[str], at: int, draw: random.Random) -> None:
    lines.insert(at, draw.choice(STRAY))


def _delete(lines: list[str], at: int, _: random.Random) -> None:
    del lines[at]


def _double(lines: list[str], at: int, _: random.Random) -> None:
    lines.insert(at, lines[at])


def _swap(lines: list[str], at: int, draw: random.Random) -> None:
    other = draw.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _join(lines: list[str], at: int, draw: random.Random) -> None:
    lines[at : at + 2] = [draw.choice(("", " ")).join(lines[at : at + 2])]


def _tokens(lines: list[str], at: int, draw: random.Random) -> None:
    """One token less, twice, or in another's place."""
    words = lines[at].split()
    if words:
        place = draw.randrange(len(words))
        words[place : place + 1] = draw.choice(([], 2 * words[place : place + 1], [draw.choice(words)]))
    lines[at] = "  " + "  ".join(words)


def _stray_among_atoms(text: str, draw: random.Random) -> str:
    """A stray line, most often a semicolon, among the last lines, where the atoms stand."""
    lines = text.split("\n")
    lines.insert(len(lines) - draw.randrange(1, 1 + min(12, len(lines))), draw.choice((";", ";", *STRAY)))
    return "\n".join(lines)


def _character(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice(("", draw.choice(CHARACTERS))) + text[at + draw.randrange(2) :]


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


EDITS: tuple[Edit, ...] = (
    *map(_on_lines, (_stray, _delete, _double, _swap, _join, _tokens)),
    _stray_among_atoms,
    _character,
    _character,
    _cut,
)
