"""Numbers of atoms fit the cell that is given; without one they are as in the training data."""

from dataclasses import replace

import numpy as np
import pytest

from nucleate.errors import FormulaError
from nucleate.sampling.limits import VOLUMES, Limits
from nucleate.sampling.sizes import new_sizes, sizes_in

LIMITS = Limits(frozenset({11, 17}), 20, {}, dict.fromkeys(range(1, 21), 0.05), (10.0, 15.0, 20.0, 30.0))


def test_a_cell_holds_as_many_atoms_as_its_volume_allows():
    drawn = new_sizes(200, 0, LIMITS, None, 0, 120.0)
    assert min(drawn) >= 120 / 30
    assert max(drawn) <= 120 / 10


def test_weights_are_the_posterior_of_a_simulation():
    rng = np.random.default_rng(0)
    edges, shares = np.array(LIMITS.volumes), {2: 0.2, 4: 0.3, 6: 0.5}
    atoms = rng.choice([2, 4, 6], 2_000_000, p=list(shares.values()))
    place = rng.integers(0, 3, len(atoms))
    volumes = atoms * (edges[place] + rng.random(len(atoms)) * np.diff(edges)[place])
    near = atoms[np.abs(volumes - 70) < 1.0]
    expected = [np.mean(near == n) for n in (2, 4, 6)]
    found = sizes_in(70.0, shares, LIMITS.volumes)
    total = sum(found.values())
    np.testing.assert_allclose([found.get(n, 0) / total for n in (2, 4, 6)], expected, atol=0.01)


def test_without_a_cell_sizes_are_those_of_the_training_data():
    drawn = new_sizes(2000, 1, LIMITS, None, 0, None)
    assert set(drawn) == set(range(1, 21))


@pytest.mark.parametrize(("atoms", "volume", "message"), [
    ((13, 13), 120.0, "13 atoms can't be in a cell of 120.0"), ((3, 3), 120.0, "3 atoms can't be in a cell"),
    ((13, 20), 120.0, "13 to 20 atoms can't be in a cell"), (None, 1.0, "give another cell"),
    ((21, 25), None, "no training cell had 21 to 25 atoms"),
])  # fmt: skip
def test_atoms_that_do_not_fit_the_cell_are_refused(atoms, volume, message):
    with pytest.raises(FormulaError) as caught:
        new_sizes(3, 0, LIMITS, atoms, 0, volume)
    assert message in str(caught.value)


def test_the_table_for_cards_that_say_nothing_ascends():
    assert list(VOLUMES) == sorted(VOLUMES)


def test_a_collection_is_named_in_place_of_training() -> None:
    with pytest.raises(FormulaError, match="no crystal in the index has 21 to 25 atoms"):
        new_sizes(3, 0, replace(LIMITS, collection="the index"), (21, 25), 0, None)
