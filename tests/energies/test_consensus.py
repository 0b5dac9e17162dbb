"""Consensus of potentials: each against its own hull, cheap ones first, spread and agreement by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from nucleate.energies.consensus import Consensus, consensus
from nucleate.energies.hull_sources import potential_hull
from nucleate.energies.placing import place
from nucleate.energies.potentials import AsePotential
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import NucleateError
from tests.energies.crystals import EMT, copper_gold, fcc, rattled
from tests.metrics.crystals_for_tests import table_of

REFERENCE = ReferenceStructures.of_tables([table_of(list(copper_gold().values()))])
SETTINGS = RelaxSettings(max_steps=3)
ASKED: list[str] = []


@dataclass(frozen=True)
class Other(AsePotential):
    """EMT under another name, which notes what it is asked for."""

    def calculator(self):
        ASKED.append(self.name)
        return super().calculator()


OTHER = Other("other", "ase", "ase.calculators.emt:EMT")


def judges():
    return [(one, potential_hull(REFERENCE, one)) for one in (EMT, OTHER)]


def said(*above: float | None, limit: float = 0.1) -> Consensus:
    values = {f"p{place}": value for place, value in enumerate(above)}
    return Consensus(
        values, limit, {name: "failed" for name, value in values.items() if value is None}, values
    )


def test_agreement_by_hand() -> None:
    assert said(0.0, 0.1).agreement == "below"
    assert said(0.0, 0.2).agreement == "disagree"
    assert said(0.3, 0.2).agreement == "above"
    assert said(0.0, None).agreement == "unknown"
    assert said(0.3, None).agreement == "above"
    assert said(None, None).agreement == "unknown"
    assert said(0.05, 0.2, -0.1).spread == pytest.approx(0.3)
    assert said(0.05, 0.2, -0.1).mean == pytest.approx(0.05)
    assert (said(0.05, None).spread, said(None).mean) == (None, None)
    assert said(0.01, None).detail == "p0 0.010, p1 failed eV/atom above the hull, limit 0.1"


def test_every_potential_places_against_its_own_hull() -> None:
    cells = [rattled(copper_gold()["CuAu"], seed=1), rattled(fcc("Cu", 3.6), seed=2)]
    found = consensus(cells, judges(), 10.0, SETTINGS)
    alone = place(cells, EMT, potential_hull(REFERENCE, EMT), SETTINGS)
    for one, plain in zip(found, alone, strict=True):
        assert one.above == {"emt": plain.above.energy, "other": plain.above.energy}
        assert one.energy["emt"] == plain.relaxed.energy_per_atom
        assert one.spread == 0
        assert one.agreement == "below"


def test_what_the_first_rejects_is_not_asked_of_the_second() -> None:
    bad = rattled(fcc("Cu", 4.6), shift=0.4, seed=5)
    ASKED.clear()
    found = consensus([bad], judges(), 0.01, RelaxSettings(max_steps=1))
    assert found[0].agreement == "above"
    assert set(found[0].above) == {"emt"}
    calls = len(ASKED)
    consensus([rattled(fcc("Cu", 3.6), 0.01, seed=2)], judges(), 0.5, SETTINGS)
    assert len(ASKED) > calls + 2


def test_a_crystal_that_one_cannot_take_is_unknown() -> None:
    found = consensus([rattled(fcc("Na", 4.2))], judges(), 0.1, SETTINGS)
    assert found[0].agreement == "unknown"
    assert found[0].reasons["emt"] == "failed"


def test_one_potential_is_no_consensus() -> None:
    for chosen in (judges()[:1], [judges()[0]] * 2, []):
        with pytest.raises(NucleateError, match="two or more different potentials"):
            consensus([], chosen, 0.1)


def test_distances_are_per_atom() -> None:
    one = rattled(copper_gold()["Cu3Au"], 0.0, 0.0)
    twice = one._replace(
        species=np.tile(one.species, 2),
        frac=np.concatenate([one.frac * [0.5, 1, 1], one.frac * [0.5, 1, 1] + [0.5, 0, 0]]),
        lattice=one.lattice * np.array([[2.0], [1.0], [1.0]]),
    )
    single, double = consensus([one, twice], judges(), 1.0, RelaxSettings(max_steps=1))
    assert double.above["emt"] == pytest.approx(single.above["emt"], abs=1e-3)
