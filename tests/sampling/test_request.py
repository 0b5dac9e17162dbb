"""Requests: what is asked for, what is refused, and that identity hangs on content, not on order."""

import pytest

from nucleate.errors import FormulaError
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import MOST_CRYSTALS, check_count, formula_requests, share_out

LIMITS = Limits(frozenset({3, 8, 11, 17, 22, 38}), 20, {2: {1: 0.2, 2: 0.5, 4: 0.29, 8: 0.01}})


def test_the_same_crystal_has_the_same_key_in_any_job():
    alone = formula_requests(["NaCl"], 2, LIMITS, (1, 2))
    among = formula_requests(["SrTiO3", "NaCl"], 3, LIMITS, (2, 1))
    keys = {(r.name, r.sample): r.key for r in among}
    assert all(keys[r.name, r.sample] == r.key for r in alone)
    assert len({r.key for r in among}) == len(among)


def test_written_multiples_are_kept():
    assert [r.name for r in formula_requests(["Na2Cl2"], 1, LIMITS, (1,))] == ["Na2Cl2"]
    assert [len(r.species) for r in formula_requests(["NaCl"], 1, LIMITS, (1, 4))] == [2, 8]


def test_auto_shares_samples_over_probable_units_and_leaves_out_rare_ones():
    requests = formula_requests(["NaCl"], 20, LIMITS, None)
    cells = [len(r.species) // 2 for r in requests]
    assert len(cells) == 20
    assert set(cells) == {1, 2, 4}
    assert cells.count(2) == 10


def test_auto_without_statistics_stays_within_the_largest_cell():
    assert {len(r.species) for r in formula_requests(["SrTiO3"], 9, LIMITS, None)} == {5, 10, 20}


@pytest.mark.parametrize(
    ("formula", "units", "part"),
    [("KCl", (1,), "K"), ("SrTiO3", (5,), "25 atoms"), ("Sr7Ti7O21", (1,), "35 atoms")],
)
def test_compositions_outside_the_training_data_are_refused(formula, units, part):
    with pytest.raises(FormulaError, match=part):
        formula_requests([formula], 1, LIMITS, units)


@pytest.mark.parametrize("n", [1, 2, 7, 20, 101])
def test_shares_are_kept_to_within_one_and_add_up(n):
    shares = {1: 0.5, 2: 0.3, 4: 0.2}
    found = share_out(n, shares)
    assert sum(found.values()) == n
    assert all(abs(found.get(units, 0) - n * share) < 1 for units, share in shares.items())
    assert 0 not in found.values()
    # 3.5, 2.1 and 1.4 of seven: the largest remainder gets the one that is left
    assert share_out(7, shares) == {1: 4, 2: 2, 4: 1}


def test_probable_units_fit_the_largest_cell_and_add_up_to_one():
    assert LIMITS.probable_units(2) == pytest.approx({1: 0.2 / 0.99, 2: 0.5 / 0.99, 4: 0.29 / 0.99})
    # nothing is known of nine atoms: the usual numbers that fit into 20, alike
    assert LIMITS.probable_units(9) == pytest.approx({1: 0.5, 2: 0.5})
    # too large for any cell: one unit, for the check of the limits to refuse
    assert LIMITS.probable_units(30) == {1: 1.0}


def test_a_job_holds_a_number_of_crystals_above_none_and_below_its_limit():
    check_count(1)
    check_count(MOST_CRYSTALS)
    for wrong, words in ((0, "n = 0 structures were asked for"), (MOST_CRYSTALS + 1, "more than the")):
        with pytest.raises(FormulaError, match=words):
            check_count(wrong)
