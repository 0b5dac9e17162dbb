"""Formulas: reading, reducing, refusing."""

from collections import Counter

import pytest
from pymatgen.core import Composition

from nucleate.errors import FormulaError
from nucleate.sampling.formula import formula_text, parse_formula, reduce_formula, species_of


@pytest.mark.parametrize(
    "text", ["NaCl", "LiFePO4", "Ca(OH)2", "K2[PtCl6]", "Fe2(SO4)3", "Mg3(Al2(SiO4)3)2", "U", "O12"]
)
def test_counts_agree_with_pymatgen(text):
    expected = {
        element.Z: int(count)
        for element, count in Composition(text.replace("[", "(").replace("]", ")")).items()
    }
    assert dict(parse_formula(text)) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Xx2O", "Xx"),
        ("NaCl0", "0"),
        ("Na0.5Cl", "0.5"),
        ("Ca(OH2", "parenthesis"),
        ("CaOH)2", "parenthesis"),
        ("", "nothing"),
        ("2NaCl", "2"),
        ("Na+", "+"),
        ("nacl", "'n'"),
    ],
)
def test_bad_formulas_are_named_with_a_hint(text, part):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    assert part in caught.value.message
    assert caught.value.hint


def test_reduction_and_text():
    unit, times = reduce_formula(parse_formula("Na4Cl4"))
    assert (formula_text(unit), times) == ("NaCl", 4)
    assert species_of(Counter({11: 1, 17: 2})) == (11, 17, 17)
