"""Requests: what is asked for, what is refused, and that identity hangs on content, not on order."""

import pytest

from nucleate.errors import FormulaError
from nucleate.sampling.request import Limits, formula_requests

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
