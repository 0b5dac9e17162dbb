"""The grammar of CIF texts: every text it allows can be read, and is a crystal of what was asked.

What follows from what is said already has no choice: the properties of the elements, the number of the group, equal
lengths and right angles of its crystal system, formulas, volume and formula units. What is left to the model are the
composition, the group, the free lengths and angles, and of each site its multiplicity and its coordinates. Sites must
add up to the composition, and all must find room on the positions of the group.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache

from nucleate.elements import ATOMIC_NUMBERS, SYMBOLS
from nucleate.errors import StructureError
from nucleate.families.cif.elements import order, sorted_counts
from nucleate.families.cif.vocabulary import RARE_GROUPS, SUFFIX, cif_vocabulary
from nucleate.families.cif.writing import ANGLES, LENGTHS, Counts, formula, head, tail
from nucleate.families.language.grammar import Part, exactly, number, one_of
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.metrics.dng.symmetry import symbol
from nucleate.symmetry.holding import can_split, site_sizes
from nucleate.symmetry.wyckoff import GROUPS, space_group

SHORTEST, LONGEST = 1.0, 999.0
"""Of a cell vector, Å."""
SHARPEST, BLUNTEST = 20.0, 160.0
"""Of an angle, degrees."""
APART = 1.0
"""Degrees from angles that enclose no volume."""


@dataclass(frozen=True)
class Asked:
    """What a text must be.

    Attributes:
        prompt: what is asked, of the primitive cell.
        points: primitive cells in the conventional cell, 1 to 4; 0 leaves it open.
        most: atoms in the primitive cell.
    """

    prompt: Prompt = field(default_factory=Prompt)
    points: int = 0
    most: int = 20


def cif(asked: Asked) -> Part[None]:
    """A whole text, with the empty line at its end. Raises StructureError where nothing can follow."""
    yield from exactly(_words("data_"))
    counts = yield from composition(asked)
    start = head(counts)
    yield from exactly(_words(start[start.index("\n") + 1 :]))
    group = yield from space_group_of(asked, counts)
    lengths, angles = yield from cell(group)
    yield from exactly(_words(tail(group, counts, lengths, angles)))
    yield from sites(group, counts)
    yield from exactly(_words("\n"))


def composition(asked: Asked) -> Part[Counts]:
    """The formula of the conventional cell, with its line break."""
    if asked.prompt.counts is not None:
        counts = sorted_counts({n: count * asked.points for n, count in asked.prompt.counts})
        yield from exactly(_words(f"{formula(counts)}\n"))
        return counts
    vocabulary = cif_vocabulary()
    found: Counts = ()
    word = yield _later(0)
    while True:
        element = ATOMIC_NUMBERS[vocabulary.words[word]]
        more, digits, further = _later(element), "", (word,)
        while word in further:
            texts = _count_texts(asked, found, element)
            further = tuple(
                vocabulary[d] for d in sorted({t[len(digits)] for t in texts if _longer(t, digits)})
            )
            now = (*found, (element, int(digits or 0)))
            goes_on = more if digits and continues(asked, now) else ()
            word = yield (*further, *goes_on, *(_words("\n") if digits and any_group(asked, now) else ()))
            digits += vocabulary.words[word] if word in further else ""
        found = (*found, (element, int(digits)))
        if vocabulary.words[word] == "\n":
            return found


@lru_cache(maxsize=1 << 12)
def _count_texts(asked: Asked, found: Counts, element: int) -> tuple[str, ...]:
    """Numbers of atoms that the next element can have, such that the formula can be ended then or after another one."""
    left, more = _totals(asked)[-1] - sum(count for _, count in found), bool(_later(element))
    nexts = ((*found, (element, count)) for count in range(1, left + 1))
    return tuple(
        str(one[-1][1]) for one in nexts if any_group(asked, one) or (more and continues(asked, one))
    )


def _longer(text: str, begin: str) -> bool:
    return len(text) > len(begin) and text.startswith(begin)


def continues(asked: Asked, counts: Counts) -> bool:
    """Whether one more element can end a formula."""
    total = sum(count for _, count in counts)
    return any(any_group(asked, (*counts, (0, one - total))) for one in _totals(asked) if one > total)


def space_group_of(asked: Asked, counts: Counts) -> Part[int]:
    """The symbol of a group that holds the composition, with its line break."""
    fitting = groups_for(asked, counts)
    if not fitting:
        raise StructureError("no space group holds this composition")
    vocabulary = cif_vocabulary()
    words = {vocabulary[symbol(group) + SUFFIX]: group for group in fitting}
    word = yield tuple(words)
    yield from exactly(_words("\n"))
    return words[word]


@lru_cache(maxsize=1 << 12)
def groups_for(asked: Asked, counts: Counts) -> tuple[int, ...]:
    """Space groups whose conventional cell can be this one, and answer what is asked."""
    return tuple(group for group in range(1, GROUPS + 1) if holds(asked, group, counts))


@lru_cache(maxsize=1 << 14)
def any_group(asked: Asked, counts: Counts) -> bool:
    """Whether there is one."""
    own = asked.prompt.space_group
    return any(holds(asked, group, counts) for group in (range(1, GROUPS + 1) if own is None else (own,)))


def holds(asked: Asked, group: int, counts: Counts) -> bool:
    """Whether the conventional cell of a group can be this one, and answers what is asked."""
    total, prompt, points = sum(count for _, count in counts), asked.prompt, space_group(group).lattice_points
    return (
        group not in RARE_GROUPS
        and prompt.space_group in (None, group)
        and asked.points in (0, points)
        and not any(count % points for _, count in counts)
        and prompt.total in (None, total // points)
        and total // points <= asked.most
        and can_split(group, tuple((count // points, total) for _, count in counts), ())
    )


def cell(group: int) -> Part[tuple[list[float], list[float]]]:
    """Lengths and angles as the crystal system has them."""
    a = yield from _line(LENGTHS[0], SHORTEST, LONGEST, 3)
    b = yield from _line(LENGTHS[1], *((SHORTEST, LONGEST) if group < 75 else (a, a)), 3)
    c = yield from _line(LENGTHS[2], *((SHORTEST, LONGEST) if group < 195 else (a, a)), 3)
    alpha = yield from _line(ANGLES[0], *((SHARPEST, BLUNTEST) if group < 3 else (90.0, 90.0)), 3)
    beta = yield from _line(ANGLES[1], *((SHARPEST, BLUNTEST) if group < 16 else (90.0, 90.0)), 3)
    if group < 3:
        least, most = abs(alpha - beta) + APART, min(alpha + beta, 360 - alpha - beta) - APART
        low, high = max(least, SHARPEST), min(most, BLUNTEST)
    else:
        low = high = 120.0 if 143 <= group < 195 else 90.0
    gamma = yield from _line(ANGLES[2], low, high, 3)
    return [a, b, c], [alpha, beta, gamma]


def sites(group: int, counts: Counts) -> Part[None]:
    """The lines of the asymmetric unit: elements in the order of the formula, each with its larger sites first."""
    vocabulary, points = cif_vocabulary(), space_group(group).lattice_points
    free, fixed = site_sizes(group)
    sizes = sorted({*free, *(size for size, _ in fixed)}, reverse=True)
    taken: dict[int, int] = {}
    rows = itertools.count()
    left = [[n, count // points] for n, count in sorted(counts, key=lambda one: order(one[0]))]
    for place, (element, _) in enumerate(left):
        largest, others = sizes[0], tuple((atoms, sizes[0]) for _, atoms in left[place + 1 :])
        while left[place][1]:
            options = []
            for size in (one for one in sizes if one <= min(largest, left[place][1])):
                then = {**taken, size: taken.get(size, 0) + 1} if size not in free else taken
                demands = ((left[place][1] - size, size), *others)
                if can_split(group, demands, tuple(sorted(then.items()))):
                    options.append((size, then))
            if not options:
                raise StructureError("no site has room for what is left of the composition")
            name = SYMBOLS[element]
            yield from exactly(_words(f"{name} {name}{next(rows)} "))
            chosen = yield from one_of([_words(f"{size * points} ") for size, _ in options])
            largest, taken = options[chosen]
            left[place][1] -= largest
            for _ in range(3):
                yield from number(vocabulary, 0.0, 0.9999, 1, 4)
                yield from exactly(_words(" "))
            yield from exactly(_words("1\n"))


def _line(name: str, low: float, high: float, whole: int) -> Part[float]:
    yield from exactly(_words(name))
    value = yield from number(cif_vocabulary(), low, high, whole, 4)
    yield from exactly(_words("\n"))
    return value


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> tuple[int, ...]:
    return tuple(cif_vocabulary().encode(text))


@lru_cache(maxsize=1 << 10)
def _totals(asked: Asked) -> tuple[int, ...]:
    """Numbers of atoms that the conventional cell may have, ascending."""
    prompt = asked.prompt
    every = (1, 2, 3, 4) if prompt.space_group is None else (space_group(prompt.space_group).lattice_points,)
    sizes = range(1, asked.most + 1) if prompt.total is None else (prompt.total,)
    return tuple(sorted({points * size for points in every for size in sizes}))


@lru_cache(maxsize=128)
def _later(element: int) -> tuple[int, ...]:
    """Words of the elements that may follow one in a formula; of all, for 0."""
    vocabulary = cif_vocabulary()
    known = [n for n in range(1, len(SYMBOLS)) if SYMBOLS[n] in vocabulary]
    after = [n for n in known if not element or order(n) > order(element)]
    return tuple(vocabulary[SYMBOLS[n]] for n in after)
