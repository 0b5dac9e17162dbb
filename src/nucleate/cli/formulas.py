"""The formulas of a command: arguments, or lines of a file or of stdin, repaired with a note."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.cli.console import say, warn
from nucleate.errors import FormulaError

if TYPE_CHECKING:
    from nucleate.sampling.request import Limits

SHOWN = 10
STDIN = "-"


def asked_formulas(words: Sequence[str], file: Path | None, limits: Limits) -> list[str]:
    """All formulas in the given order, as text that can be parsed; an argument or a file `-` is stdin.

    Raises FormulaError for a formula that can't be read, or that the model can't predict, with its line.
    """
    places: list[tuple[str, str]] = []
    for word in words:
        places += _lines(Path(STDIN)) if word == STDIN else [("", word)]
    if file is not None:
        places += _lines(file)
    texts, wrong = [], []
    for place, text in places:
        try:
            texts.append(_understood(text, limits))
        except FormulaError as error:
            wrong.append((place, error))
    if wrong and (len(places) == 1 or not any(place for place, _ in places)):
        raise wrong[0][1]
    if wrong:
        for place, error in wrong[:SHOWN]:
            warn(f"{place}{error.message}; {error.hint}")
        raise FormulaError(
            f"{len(wrong)} of {len(places)} formulas can't be predicted",
            "correct or delete these lines, or start them with #",
        )
    return texts


def _understood(text: str, limits: Limits) -> str:
    from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula

    formula = readable(text, limits)
    unit, _ = reduce_formula(parse_formula(formula))
    limits.check(formula_text(unit), unit)
    return formula


def readable(text: str, limits: Limits) -> str:
    """A formula that can be parsed, with a note if it had to be repaired. Raises FormulaError."""
    from nucleate.sampling.repair import repaired

    formula, note = repaired(text, limits.elements)
    if note:
        say(f"note: {note}")
    return formula


def _lines(file: Path) -> list[tuple[str, str]]:
    """Formulas with their place: one a line, nothing after #, empty lines left out. Raises FormulaError."""
    name = "stdin" if str(file) == STDIN else str(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == STDIN else file.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise FormulaError(
            f"{name} can't be read ({reason})", "give a text file with one formula a line"
        ) from None
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(f"line {number} of {name}: ", line) for number, line in lines if line]
    if not found:
        raise FormulaError(f"{name} holds no formula", "write one formula a line")
    return found


def warn_of_large_cells(formulas: Sequence[str], limits: Limits, units: Sequence[int] | None) -> None:
    """Say which formulas have common cells beyond the limits: with 6 atoms, 4 units are more than 20."""
    from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula
    from nucleate.sampling.limits import COMMON_UNITS

    large = []
    for text in dict.fromkeys(formulas):
        unit, _ = reduce_formula(parse_formula(text))
        atoms = sum(unit.values())
        if units is None and max(COMMON_UNITS) * atoms > limits.largest_cell:
            large.append(f"{formula_text(unit)} ({limits.largest_cell // atoms} x {atoms} atoms at most)")
    if large:
        shown = ", ".join(large[:SHOWN]) + (f" and {len(large) - SHOWN} more" if len(large) > SHOWN else "")
        source = f"{limits.collection} has" if limits.collection else "the model draws"
        warn(f"{source} cells of up to {limits.largest_cell} atoms; the true cell may need more for {shown}")
