"""Candidates in phase diagrams: heights, kinds and hulls, against pymatgen; nothing outside the folders is read."""

import json

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.energies.potentials import potential_named
from nucleate.energies.single_points import single_points
from nucleate.errors import DataError
from nucleate.records.ledger import Ledger
from nucleate.records.places import Places
from nucleate.records.verdicts import Verdict
from nucleate.web import placed
from nucleate.web.candidates import Placeable, candidates_of
from nucleate.web.known_phases import HullOf, KnownPhases, place
from nucleate.web.library import Library
from nucleate.web.listings import Listings
from nucleate.web.phases import systems
from tests.web.folders import FCC, rocksalt

MG, O = 12, 8  # noqa: E741
PLAN = """
[[generate]]
generator = "substitution"

[[stage]]
kind = "relax"
potential = "emt"

[[stage]]
kind = "hull"
potential = "emt"
most = 0.1
"""


def oxygen_rich() -> Cell:
    return Cell(np.array([MG, O, O]), np.array([[0, 0, 0], [0.3] * 3, [0.7] * 3]), FCC * 5)


def known(*phases: tuple[dict[int, float], float], above: list[float]) -> KnownPhases:
    fractions = np.zeros((len(phases), MAX_ATOMIC_NUMBER + 1))
    for row, (shares, _) in enumerate(phases):
        for element, share in shares.items():
            fractions[row, element] = share
    labels = tuple(f"phase {row}" for row in range(len(phases)))
    return KnownPhases(labels, fractions, np.array([energy for _, energy in phases]), np.array(above))


def test_candidates_stand_at_their_energy_of_formation():
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    entries = [
        PDEntry(Composition(name), energy) for name, energy in (("Mg", -1.5), ("O", -4.9), ("MgO", -12.4))
    ]
    candidate = PDEntry(Composition("MgO2"), -16.0)
    diagram = PhaseDiagram(entries)
    above = diagram.get_e_above_hull(candidate)
    assert above is not None
    found = placed._diagram(
        [MG, O],
        [Placeable("new", oxygen_rich(), -16.0 / 3, row=4)],
        known(({MG: 1.0}, -1.5), ({O: 1.0}, -4.9), ({MG: 0.5, O: 0.5}, -6.2), above=[above]),
        "",
    )
    phases = {phase["name"]: phase for phase in found["phases"]}
    assert phases["phase 2"]["formula"] == "MgO"
    assert phases["phase 2"]["energy"] == pytest.approx(diagram.get_form_energy_per_atom(entries[2]))
    assert phases["phase 2"]["stable"]
    new = phases["new"]
    assert (new["kind"], new["row"], new["formula"]) == ("candidate", 4, "MgO2")
    assert new["energy"] == pytest.approx(diagram.get_form_energy_per_atom(candidate))
    assert new["above"] == pytest.approx(above)


def test_an_element_without_a_phase_moves_no_tie_line():
    phases = (({MG: 1.0}, -1.5), ({MG: 0.5, O: 0.5}, -6.2), ({MG: 1 / 3, O: 2 / 3}, -5.0))
    found = placed._diagram([MG, O], [], known(*phases, above=[]), "The hull.")
    whole = placed._diagram([MG, O], [], known(*phases, ({O: 1.0}, -4.4), above=[]), "The hull.")
    assert "No pure O is known" in found["note"]
    assert "No pure" not in whole["note"]
    assert max(phase["energy"] for phase in found["phases"]) == pytest.approx(0)
    ends = [sorted((line[0][1], line[1][1])) for line in found["lines"]]
    assert sorted(ends) == [[0, 0.5], [0.5, pytest.approx(2 / 3)]]


@pytest.fixture
def funnel(tmp_path):
    """A ledger in which three oxides came to a hull, one of them in vain."""
    folder = tmp_path / "found"
    folder.mkdir()
    with Ledger(folder) as ledger:
        places, source = Places(ledger), ledger.add_source("draws", "x")
        ledger.note("labels", json.dumps(["relax (emt)", "hull (emt)"]))
        ledger.note("plan", PLAN)
        made, relax, judge = (places.judge(name) for name in ("made", "relax", "hull"))
        numbers = [source * 2**32 + n for n in range(3)]
        values = {"emt.energy_per_atom": -5.0, "emt.e_above_hull": 0.05}
        with ledger.transaction():
            for number in numbers:
                ledger.add(number, rocksalt(MG, O))
            places.put(0, made, [(number, b"", Verdict("passed")) for number in numbers])
            places.put(1, relax, [(number, b"", Verdict("passed", values=values)) for number in numbers])
            verdicts = [Verdict("passed"), Verdict("rejected", reason="above the hull"), Verdict("passed")]
            places.put(2, judge, [(number, b"", one) for number, one in zip(numbers, verdicts, strict=True)])
    return tmp_path


def of_funnel(folder):
    (entry,) = Library([folder]).entries()
    return entry, Listings().of(entry)


def test_candidates_of_a_funnel_with_those_that_were_rejected(funnel):
    hull, found = candidates_of(*of_funnel(funnel))
    assert hull == HullOf("emt", near=0.05)
    assert [(one.name, one.row, one.passed) for one in found] == [
        ("draws-0000000", 0, True), ("draws-0000002", 1, True), ("draws-0000001", None, False),
    ]  # fmt: skip
    assert {one.above for one in found} == {0.05}


def test_a_hull_from_outside_is_not_read(funnel, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    with Ledger(funnel / "found") as ledger:
        ledger.note("plan", PLAN + f'reference = "{outside}"\n')
    entry, listing = of_funnel(funnel)
    with pytest.raises(DataError, match="not shown"):
        placed.placed_diagram(entry, listing, "Mg-O", (funnel,))


def test_energies_of_known_phases_are_those_of_the_potential():
    alloy = Cell(np.array([29, 79]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), np.eye(3) * 3.0)
    emt = potential_named("emt")
    energy = single_points([alloy], emt)[0].energy
    assert energy is not None
    found = place(HullOf("emt", near=0.0), [29, 79], [alloy], [energy / 2])
    pure = [found.energies[found.fractions[:, z] == 1].min() for z in (29, 79)]
    assert found.above[0] >= energy / 2 - np.mean(pure) - 1e-9
    assert len(found.labels) == len(found.energies) > 2


def test_systems_with_most_crystals_come_first():
    holds = np.zeros((5, MAX_ATOMIC_NUMBER + 1), dtype=bool)
    for row, elements in enumerate(([8, 12], [8, 12], [8], [3, 8, 26], [1, 2, 3, 4, 5])):
        holds[row, elements] = True
    assert systems(holds) == [{"system": "Mg-O", "count": 2}, {"system": "Li-Fe-O", "count": 1}]
