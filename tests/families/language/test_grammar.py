"""Grammars allow exactly what they should; the cache of keys and values holds what was put in."""

from __future__ import annotations

import pytest
import torch

from nucleate.errors import StructureError
from nucleate.families.choice import Choice, choose
from nucleate.families.language.grammar import Part, anything, exactly, number, one_of
from nucleate.families.language.vocabulary import Vocabulary
from nucleate.families.transformer import ROOM, Cache
from nucleate.geometry.noise import Noise

DIGITS = Vocabulary([*map(str, range(10)), "."])


def every(make, begin: tuple[int, ...] = ()) -> set[str]:
    """All texts of a grammar."""
    grammar: Part = make()
    try:
        allowed = next(grammar)
        for word in begin:
            assert word in allowed
            allowed = grammar.send(word)
    except StopIteration:
        return {DIGITS.decode(begin)}
    return set().union(*(every(make, (*begin, word)) for word in allowed))


@pytest.mark.parametrize(
    ("low", "high", "whole", "decimals"),
    [(9.8, 12.1, 2, 1), (0.0, 0.29, 1, 2), (0.5, 1.0, 1, 1), (90.0, 90.0, 3, 2), (99.7, 100.2, 3, 1)],
)
def test_a_number_is_any_of_those_between(low: float, high: float, whole: int, decimals: int) -> None:
    unit = 10**decimals
    wanted = {f"{n / unit:.{decimals}f}" for n in range(round(low * unit), round(high * unit) + 1)}
    assert every(lambda: number(DIGITS, low, high, whole, decimals)) == wanted
    assert float(min(wanted)) >= low


def test_no_number_between_is_an_error() -> None:
    with pytest.raises(StructureError, match="no number from"):
        next(number(DIGITS, 3.0, 2.0, 1, 1))


def test_one_of_several_texts() -> None:
    options = [(1, 2), (1, 3, 4), (5,)]
    assert every(lambda: one_of(options)) == {"12", "134", "5"}
    grammar = anything((7, 7))
    assert next(grammar) == ()
    for word in (7, 1, 7):
        assert grammar.send(word) == ()
    with pytest.raises(StopIteration):
        grammar.send(7)
    assert every(lambda: exactly((1, 2))) == {"12"}


def test_the_longest_word_is_taken_and_others_are_refused() -> None:
    words = Vocabulary(["C", "Co", "o", "x_k", "x"], {r"(?<=o)x(?=C)": "_k"})
    assert [words.words[n] for n in words.encode("CoCoxC")] == ["Co", "Co", "x_k", "C"]
    assert words.decode(words.encode("CoCoxC")) == "CoCoxC"
    with pytest.raises(StructureError, match="'Q' is none"):
        words.encode("CQ")


def test_keys_and_values_stay_where_they_are_when_room_grows_and_rows_go() -> None:
    cache, steps = Cache(), ROOM + 3
    keys, values = torch.randn(2, 3, 2, steps, 4)
    for step in range(steps):
        for block in (0, 1):
            one = slice(step, step + 1)
            found = cache.extended(block, keys[:, :, one] + block, values[:, :, one])
        cache.advance(1)
    assert torch.equal(found[0], keys + 1)
    assert torch.equal(found[1], values)
    cache.keep(torch.tensor([2, 0]))
    again = cache.extended(0, keys[[2, 0], :, :1], values[[2, 0], :, :1])
    assert torch.equal(again[0][:, :, :steps], keys[[2, 0]])


def test_top_k_keeps_the_likeliest() -> None:
    logits = torch.tensor([[0.0, 3.0, 2.0, 1.0]]).repeat(4000, 1)
    allowed = torch.tensor([[True, True, False, True]]).repeat(4000, 1)
    words, gains = choose(logits, allowed, Noise.of(0, torch.arange(4000)), Choice(top_k=2))
    shares = torch.bincount(words, minlength=4) / 4000
    assert shares[[0, 2]].sum() == 0
    assert float(shares[1]) == pytest.approx(1 / (1 + torch.e**-2), abs=0.03)
    assert float(gains[words == 1][0]) == pytest.approx(float(torch.log_softmax(logits[0, [0, 1, 3]], 0)[1]))
