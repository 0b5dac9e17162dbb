"""The frames of an extended XYZ text: where each begins and ends, and which do not match their first line.

A wrong number of atoms is found by what follows: the frame after it has to begin with a number again. Reading
continues at the next two lines that look like a beginning, so a bad frame affects only itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """One frame: lines[start:end], its first line the number of atoms.

    Attributes:
        problem: why it can't be read, "" for a whole frame.
        cut: it is the last one and the text ends within it.
    """

    start: int
    end: int
    problem: str = ""
    cut: bool = False


def split_lines(text: str) -> list[str]:
    """Lines as every writer of XYZ means them; str.splitlines would also break at form feeds within a comment."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def finished(text: str) -> str:
    """A text without its last frame where that is still being written: it lacks lines, or the end of its last line."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    end = 0
    while end < len(lines):
        size = 2 + int(lines[end]) if lines[end].strip().isdecimal() else 1
        if end + size > len(lines):
            break
        end += size
    return "".join(lines[:end])


def split_frames(lines: Sequence[str]) -> Iterator[Span]:
    """Whole and broken frames in their order; together they hold every line that is not blank."""
    start = 0
    while (start := _next_line(lines, start)) < len(lines):
        count = _count(lines[start])
        if count is None:
            problem, expected = (
                f"line {start + 1}: {lines[start].strip()[:40]!r} is not a number of atoms",
                start + 1,
            )
        else:
            problem, expected = "", start + 2 + count
        stop = next(
            (at for at in range(start + 1, min(expected, len(lines))) if _begins(lines, at)), expected
        )
        if not problem and stop == expected <= len(lines) and _ends(lines, stop):
            yield Span(start, stop)
            start = stop
            continue
        end = next((at for at in range(start + 1, len(lines)) if _begins(lines, at)), len(lines))
        found = max(sum(bool(line.strip()) for line in lines[start:end]) - 2, 0)
        cut = count is not None and expected > len(lines) == end
        if not problem:
            problem = f"line {start + 1}: {count} atoms are announced and {found} lines of atoms follow"
        yield Span(start, end, problem, cut)
        start = end


def _count(line: str) -> int | None:
    """The number of atoms that a line holds and nothing else."""
    text = line.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _begins(lines: Sequence[str], at: int) -> bool:
    """Whether a frame seems to begin here: a number alone, then a comment line with key=value pairs."""
    return _count(lines[at]) is not None and at + 1 < len(lines) and "=" in lines[at + 1]


def _ends(lines: Sequence[str], at: int) -> bool:
    """Whether a frame may end here: nothing follows, or a number, or a line above the header of another frame."""
    at = _next_line(lines, at)
    return at == len(lines) or _count(lines[at]) is not None or "Lattice=" in "".join(lines[at + 1 : at + 2])


def _next_line(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at
