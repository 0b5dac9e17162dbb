"""Repair of formulas as people write them: subscripts, hydrate dots, charges, capitals.

Unambiguous text is repaired, with a note; ambiguous text is an error that lists the readings.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice, product

from nucleate.elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER
from nucleate.errors import FormulaError
from nucleate.sampling.formula import parse_formula

SHOWN = 4
LONGEST = 24
"""Letters whose case is looked at: ways to read them grow like powers of 1.6."""
_LOOKALIKES = str.maketrans("₀₁₂₃₄₅₆₇₈₉₍₎\u2212", "0123456789()-")
_INVISIBLE = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u00ad")
_MARKUP = re.compile(r"</?sub>|\\mathrm|\$?_\{?(\d+)\}?\$?")
_DOTS = re.compile(r"\s*[·•∙⋅‧・*]\s*|(?<!\d)\.(?=\d)|\.(?=[A-Z(\[])")
_WATER = re.compile(r"(?<![·0])\.(?=[1-9]*H2O$)")
_CHARGE = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]*([⁺⁻])")
_PLAIN_CHARGE = re.compile(r"\^?\{?\d*[+\-]\}?")
_RUN = re.compile(r"[A-Za-z]+")


def repaired(text: str, elements: Iterable[int] = range(1, MAX_ATOMIC_NUMBER + 1)) -> tuple[str, str]:
    """A formula that `parse_formula` reads, and a note on how the text was read, empty where there is nothing to say.

    `elements` are the atomic numbers that a model knows: readings with others are not considered. Raises FormulaError
    if there is no reading, or more than one.
    """
    known = frozenset(elements)
    trimmed = text.translate(_INVISIBLE).strip()
    plain = _hydrate(_without_charges(_plain(trimmed), text), text)
    try:
        parse_formula(plain)
    except FormulaError as error:
        return _with_capitals(plain, text, known, error)
    if plain != trimmed:
        return plain, f"'{trimmed}' is read as {plain}"
    others = [one for one in _readings(plain, known) if one != plain] if plain.isupper() else []
    if others:
        return plain, f"'{plain}' is read letter by letter, not as {_listed(others)}"
    return plain, ""


def _plain(text: str) -> str:
    """Without subscripts, full-width letters, markup and blanks."""
    text = _MARKUP.sub(r"\1", text.translate(_LOOKALIKES))
    wide = re.sub(r"[\uff01-\uff5e]", lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return re.sub(r"\s+", "", wide)


def _without_charges(text: str, asked: str) -> str:
    """Ca²⁺CO₃²⁻ without its charges. Raises FormulaError for an ion, and for charges that may be counts."""
    signs = {found[1] for found in _CHARGE.finditer(text)}
    neutral = _CHARGE.sub("", text)
    if signs and len(signs) == 1:
        raise FormulaError(
            f"'{asked}' is an ion: it has a charge", "crystals are neutral: name the whole compound, as NaCl"
        )
    if sign := re.search(r"[+\-^]", neutral):
        without = _PLAIN_CHARGE.sub("", neutral)
        meant = _meant(without) if "+" in neutral and "-" in neutral else ""
        raise FormulaError(
            f"'{asked}' has a charge or a sign in it: '{sign[0]}'",
            f"write the whole, neutral compound without charges{meant}",
        )
    return neutral


def _meant(text: str) -> str:
    try:
        parse_formula(text)
    except FormulaError:
        return ""
    return f"; did you mean {text}?"


def _hydrate(text: str, asked: str) -> str:
    """CuSO4·5H2O as CuSO4(H2O)5. Raises FormulaError for fractions, and a point that may belong to one."""
    text = _WATER.sub("·", text)
    if fraction := re.search(r"\d+\.\d+", text):
        adduct = (
            ""
            if fraction[0][0] == "0"
            else f"; if the dot is one of an adduct, write {text.replace('.', '·')}"
        )
        raise FormulaError(
            f"'{asked}' holds the fraction {fraction[0]}",
            f"write whole numbers, as Li2Co4O8 for Li0.5CoO2{adduct}",
        )
    parts = [part for part in _DOTS.split(text) if part]
    if len(parts) < 2:
        return text
    return "".join(_multiplied(part, first=place == 0) for place, part in enumerate(parts))


def _multiplied(part: str, first: bool) -> str:
    count, unit = re.fullmatch(r"(\d*)(.*)", part, re.DOTALL).groups()  # pyright: ignore[reportOptionalMemberAccess]
    if first and not count:
        return unit
    return f"({unit}){count if count not in ('', '1') else ''}"


def _with_capitals(plain: str, asked: str, known: frozenset[int], error: FormulaError) -> tuple[str, str]:
    """The reading of letters in the wrong case, if there is one; `error` says what is wrong as it stands."""
    if leading := re.fullmatch(r"(\d+)([A-Z(\[].*)", plain):
        whole = f"({leading[2]}){leading[1]}"
        raise FormulaError(error.message, f"write {leading[2]}, or {whole} for so many of them in the cell")
    found = list(islice(_readings(plain, known), SHOWN + 1))
    if not found:
        raise FormulaError(_named(error.message, asked), error.hint)
    if len(found) > 1:
        raise FormulaError(
            f"'{asked}' can be read in several ways",
            f"did you mean {_listed(found)}? elements are written with one capital letter, as in NaCl",
        )
    return found[0], f"'{asked.strip()}' is read as {found[0]}"


def _named(message: str, asked: str) -> str:
    """The message with the names of letters that only look like ours."""
    strange = [one for one in asked if one.isalpha() and not one.isascii()]
    if not strange:
        return message
    return f"{message} ({strange[0]} is {unicodedata.name(strange[0], 'no letter of ours').lower()})"


def _readings(plain: str, known: frozenset[int]) -> Iterator[str]:
    """Every formula of known elements with the same letters in the same order, whatever their case; fewest elements
    first."""
    runs = _RUN.findall(plain)
    if sum(map(len, runs)) > LONGEST:
        return
    options = [sorted(_symbols(run.lower(), known), key=len) for run in runs]
    between = _RUN.split(plain)
    for chosen in sorted(islice(product(*options), 10_000), key=lambda one: sum(map(len, one))):
        letters = ["".join(symbols) for symbols in chosen]
        text = between[0] + "".join(a + b for a, b in zip(letters, between[1:], strict=True))
        try:
            parse_formula(text)
        except FormulaError:
            continue
        yield text


def _symbols(letters: str, known: frozenset[int]) -> Iterator[tuple[str, ...]]:
    """All ways to take lower-case letters as symbols of elements."""
    if not letters:
        yield ()
    for size in (2, 1):
        symbol = letters[:size].capitalize()
        if len(symbol) == size and ATOMIC_NUMBERS.get(symbol) in known:
            for rest in _symbols(letters[size:], known):
                yield (symbol, *rest)


def _listed(texts: list[str]) -> str:
    shown = [*texts[:SHOWN], "..."] if len(texts) > SHOWN else texts
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
