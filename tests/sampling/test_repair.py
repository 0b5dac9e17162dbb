"""Formulas as people write them: repaired where they can mean one thing only, named where they can mean several."""

import time
from contextlib import suppress

import pytest

from nucleate.elements import ATOMIC_NUMBERS
from nucleate.errors import FormulaError
from nucleate.sampling.formula import parse_formula
from nucleate.sampling.repair import repaired

KNOWN = [number for symbol, number in ATOMIC_NUMBERS.items() if symbol not in ("Po", "At", "Fr", "Es")]


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("Fe₂O₃", "Fe2O3"),
        ("nacl", "NaCl"),
        ("NACL", "NaCl"),
        ("lifepo4", "LiFePO4"),
        ("batio3", "BaTiO3"),
        ("Ca(oh)2", "Ca(OH)2"),
        ("Fe2 O3", "Fe2O3"),
        ("Fe$_2$O$_3$", "Fe2O3"),
        ("Fe_{12}O", "Fe12O"),
        ("Fe<sub>2</sub>O", "Fe2O"),
        ("ＮａＣｌ", "NaCl"),  # noqa: RUF001 - full width on purpose
        ("CuSO4·5H2O", "CuSO4(H2O)5"),
        ("CuSO4 • 5 H2O", "CuSO4(H2O)5"),
        ("CuSO4*5H2O", "CuSO4(H2O)5"),
        ("CuSO4.5H2O", "CuSO4(H2O)5"),
        ("MgCl2.H2O", "MgCl2(H2O)"),
        ("2CaSO4·H2O", "(CaSO4)2(H2O)"),
        ("Ca²⁺CO₃²⁻", "CaCO3"),
        ("Na⁺Cl⁻", "NaCl"),
    ],
)
def test_unambiguous_formulas_are_repaired_with_a_warning(text, formula):
    assert repaired(text, KNOWN) == (formula, f"'{text}' is read as {formula}")
    parse_formula(formula)


@pytest.mark.parametrize("text", ["NaCl", "SiC", "Co", "K2[PtCl6]", "Mg3(Al2(SiO4)3)2", "KCN"])
def test_correct_formulas_stay_unchanged(text):
    assert repaired(text, KNOWN) == (text, "")


@pytest.mark.parametrize("text", ["NaCl  ", "\tNaCl\r\n", "\ufeffNaCl\u200b", "NaCl\u00a0"])
def test_surrounding_blanks_give_no_warning(text):
    assert repaired(text, KNOWN) == ("NaCl", "")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("co", "did you mean Co or CO?"),
        ("knif3", "did you mean KNiF3 or KNIF3?"),
        ("sio2", "did you mean SiO2 or SIO2?"),
        ("Na+Cl-", "did you mean NaCl?"),
        ("2NaCl", "write NaCl, or (NaCl)2"),
    ],
)
def test_ambiguous_formulas_are_refused(text, question):
    with pytest.raises(FormulaError) as caught:
        repaired(text, KNOWN)
    assert f"'{text}'" in caught.value.message
    assert question in caught.value.hint


def test_capitals_with_another_reading_are_kept_with_a_warning():
    assert repaired("CO", KNOWN) == ("CO", "'CO' is read letter by letter, not as Co")
    assert repaired("HFO2", KNOWN) == ("HFO2", "'HFO2' is read letter by letter, not as HfO2")


def test_unknown_elements_of_a_model_are_not_considered():
    assert repaired("co", [6, 8])[0] == "CO"
    assert repaired("co", [27])[0] == "Co"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Na⁺", "is an ion"),
        ("Fe3+", "'+'"),
        ("SO4^2-", "'^'"),
        ("Li1-xCoO2", "'-'"),
        ("Na0.5Cl", "the fraction 0.5"),
        ("CaSO4·0.5H2O", "the fraction 0.5"),
        ("NaС", "cyrillic capital letter es"),  # noqa: RUF001 - not our C on purpose
        ("H²O", "'²'"),
        ("Xx2", "'Xx'"),
        ("", "nothing in it"),
        ("·", "'·'"),
        ("zzz", "'z'"),
    ],
)
def test_unrepairable_formulas_give_the_reason(text, part):
    with pytest.raises(FormulaError) as caught:
        repaired(text, KNOWN)
    assert part in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["si" * 40, "SI" * 40, "si" * 12, "(" * 1000, "·" * 1000, "a" * 10_000])
def test_long_nonsense_is_refused_quickly(text):
    begin = time.perf_counter()
    with suppress(FormulaError):
        repaired(text, KNOWN)
    assert time.perf_counter() - begin < 2
