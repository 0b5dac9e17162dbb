"""The doubts that stand beside a ranking."""

import pytest

from nucleate.cli.ranked import _doubts
from nucleate.discovery.shortlist import RankedRow


def rows(formula, agreeing, samples, broken=0):
    """One row for each cluster with its size, and the broken ones."""
    made = [
        RankedRow(formula, place, place, True, agree, samples, formula, place, "P1", 10.0, 0, 20, "m", "f")
        for place, agree in enumerate(agreeing, 1)
    ]
    lost = [RankedRow(formula, 99, 0, False, 0, samples, formula, 99, "-", 10.0, 0, 20, "m", "f")] * broken
    return made + lost


@pytest.mark.parametrize(
    ("found", "warned"),
    [
        (rows("NaCl", [2, 1, 1], 4), ""),
        (rows("NaCl", [1, 1], 2) + rows("KCl", [5], 5), "no two samples agree for NaCl (1 of 2): "),
        (rows("NaCl", [1], 1), ""),
        (rows("NaCl", [], 3, broken=3), "no two samples agree for NaCl (0 of 3): "),
    ],
)
def test_disagreeing_samples_give_a_warning(found, warned, capsys):
    _doubts(found)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(said) == bool(warned)
    assert warned in "".join(said)
