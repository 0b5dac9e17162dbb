"""What a card says about the data."""

import numpy as np

from nucleate.data.table import CrystalTable
from nucleate.runs.card import formula_units


def test_formula_units():
    """Two NaCl, one cell of Na4Cl4, and Fe: by hand."""
    species = np.array([11, 17, 17, 11, *[11] * 4, *[17] * 4, 26])
    offsets = np.array([0, 2, 4, 12, 13])
    table = CrystalTable(list("abcd"), species, offsets, np.zeros((13, 3)), np.stack([np.eye(3)] * 4))
    assert formula_units(table) == {"1": {"1": 1.0}, "2": {"1": 0.6667, "4": 0.3333}}
