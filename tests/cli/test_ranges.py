"""Ranges of numbers as options write them: what they mean, and what is refused."""

from __future__ import annotations

from math import inf

import pytest

from nucleate.cli.data.ranges import read_span
from nucleate.cli.generate import atom_range
from nucleate.errors import DataError, FormulaError


@pytest.mark.parametrize(
    ("text", "span"),
    [("1:20", (1, 20)), (":20", (-inf, 20)), ("3:", (3, inf)), ("5", (5, 5)), ("-1:0.5", (-1, 0.5))],
)
def test_spans_are_open_where_nothing_stands(text, span):
    assert read_span(text, "--atoms") == span


@pytest.mark.parametrize("text", ["", ":", " : ", "a:b", "2:1", "nan", "1:2:3"])
def test_what_is_no_span_is_refused_with_its_option(text):
    with pytest.raises(DataError, match=r"--where .* is not a range"):
        read_span(text, "--where")


def test_numbers_of_atoms_are_one_or_two():
    assert atom_range(None) is None
    assert atom_range("8") == (8, 8)
    assert atom_range("4-12") == (4, 12)


@pytest.mark.parametrize("text", ["0", "12-4", "4-", "-4", "a", "1.5", "0-3"])
def test_what_is_no_number_of_atoms_is_refused(text):
    with pytest.raises(FormulaError, match="--atoms must be a number or a range of numbers"):
        atom_range(text)
