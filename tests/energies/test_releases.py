"""Columns of one release agree on the hull; columns of two don't, and the hull says so."""

from __future__ import annotations

import numpy as np
import pytest

from nucleate.energies.hull_sources import OPTIMISTIC, dft_hull
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.releases import releases
from tests.energies.crystals import copper_gold
from tests.metrics.crystals_for_tests import table_of


def reference(formation: list[float], distances: list[float]) -> ReferenceStructures:
    alloys = copper_gold()
    table = table_of([alloys[name] for name in ("Cu", "Au", "CuAu", "CuAu", "CuAu", "Cu3Au", "Cu3Au")])
    table.properties["formation_energy_per_atom"] = np.array(formation)
    table.properties["e_above_hull"] = np.array(distances)
    return ReferenceStructures.of_tables([table])


ONE = [0.0, 0.0, -0.05, -0.03, -0.01, -0.04, -0.02], [0.0, 0.0, 0.0, 0.02, 0.04, 0.0, 0.02]


def test_polymorphs_of_one_release_give_one_point() -> None:
    structures = reference(*ONE)
    found = releases(structures.phases, *map(np.array, ONE))
    assert (found.compositions, found.agreeing, found.one) == (2, 2, True)
    assert found.worst == pytest.approx(0, abs=1e-12)
    assert dft_hull(structures).notes == [OPTIMISTIC]


def test_a_row_of_another_release_is_noticed() -> None:
    formation = [*ONE[0][:4], -0.03, *ONE[0][5:]]
    found = releases(reference(*ONE).phases, np.array(formation), np.array(ONE[1]))
    assert (found.compositions, found.agreeing, found.one) == (2, 1, False)
    assert found.worst == pytest.approx(0.02)
    optimistic, mixed = dft_hull(reference(formation, ONE[1])).notes
    assert optimistic == OPTIMISTIC
    assert "for 1 of 2 compositions" in mixed
    assert "20 at most" in mixed


def test_unknown_distances_say_nothing() -> None:
    unknown = [ONE[1][0], *[float("nan")] * 6]
    found = releases(reference(*ONE).phases, np.array(ONE[0]), np.array(unknown))
    assert (found.compositions, found.one, found.worst) == (0, True, 0.0)
