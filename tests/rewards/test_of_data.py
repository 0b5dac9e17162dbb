"""Parts that compare with a data set: energy above its hull, and novelty."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.properties.predict import table_of
from nucleate.rewards import reward_of
from nucleate.rewards.stability import AboveHull
from tests.energies.crystals import EMT
from tests.rewards.made import simple
from tests.training.tiny import write_dataset


def fcc(symbols: list[str], edge: float) -> Cell:
    """Four atoms of a face-centred cube."""
    from nucleate.elements import ATOMIC_NUMBERS

    places = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    return Cell(np.array([ATOMIC_NUMBERS[one] for one in symbols]), places, edge * np.eye(3))


COPPER, GOLD = fcc(["Cu"] * 4, 3.6), fcc(["Au"] * 4, 4.06)
MIXED = fcc(["Cu", "Cu", "Au", "Au"], 3.9)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("hull") / "data", train=table_of([COPPER, GOLD], ["a", "b"]))


def test_energies_above_the_hull_of_two_metals(data):
    """Against the energies of the potential itself."""
    measure = AboveHull(potential="emt", reference=str(data)).opened("")
    copper, gold, mixed = measure([COPPER, GOLD, MIXED])
    settings = RelaxSettings(fmax=0.1, max_steps=100)
    energies = [one.energy for one in relax([COPPER, GOLD, MIXED], EMT, settings)]
    assert None not in energies
    expected = (energies[2] - energies[0] / 2 - energies[1] / 2) / 4  # pyright: ignore[reportOptionalOperand]
    assert [copper, gold] == pytest.approx([0, 0], abs=5e-3)
    assert mixed == pytest.approx(expected, abs=5e-3)


def test_what_has_no_energy_has_no_value(data):
    measure = AboveHull(potential="emt", reference=str(data)).opened("")
    assert np.isnan(measure([simple("Fe", 2.8)])).all()
    assert measure([]).shape == (0,)


@pytest.mark.parametrize(
    ("of", "expected"), [("structure", [0, 1, 1]), ("formula", [0, 0, 1]), ("system", [0, 0, 1])]
)
def test_novelty(data, of, expected):
    reward = reward_of({"parts": {"new": {"kind": "novelty", "reference": str(data), "of": of}}})
    assert reward([COPPER, simple("Cu", 2.4), MIXED]).value.tolist() == expected
