"""Energies, relaxations and hulls as stages, with ASE's toy potential; the shortlist."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.data.cell_forms import standard
from nucleate.data.cells import lengths_and_angles, niggli
from nucleate.energies.convex_hull import elements_of
from nucleate.energies.potentials import potential_named
from nucleate.energies.symmetric import DescentSettings, relax_symmetric
from nucleate.errors import NucleateError, RecipeError
from nucleate.funnel import hulls
from nucleate.funnel.energies import AboveHull, Energy
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.relaxing import Relax
from nucleate.funnel.shortlist import Shortlist, fronts
from nucleate.funnel.stage import Candidate
from nucleate.funnel.symmetrise import Symmetrise
from nucleate.work import Work
from tests.funnel.crystals import caesium_chloride, candidates, doubled, rocksalt

ALLOYS = (caesium_chloride(28, 13, 2.7), caesium_chloride(46, 13, 3.3), rocksalt(29, 47, 5.4))


def test_relaxation_is_that_of_energies():
    found = Relax("emt").judge(candidates(*ALLOYS), Work())
    expected = relax_symmetric(ALLOYS, potential_named("emt"), DescentSettings(max_evaluations=60))
    for verdict, one in zip(found, expected, strict=True):
        assert verdict.outcome == "passed"
        assert verdict.values["emt.energy_per_atom"] == pytest.approx(one.energy_per_atom, abs=1e-9)
        assert verdict.values["emt.evaluations"] == one.steps
        assert np.allclose(verdict.cell.lattice, niggli(one.cell).lattice)


def test_what_does_not_converge_has_failed_and_what_is_no_crystal_is_rejected():
    one, two, three = Relax("emt", evaluations=1).judge(
        candidates(caesium_chloride(28, 13, 2.7), rocksalt(29, 47, 1.0), rocksalt(29, 47, 90)), Work()
    )
    assert (one.outcome, one.reason) == ("failed", "not converged")
    assert (two.outcome, two.reason) == ("rejected", "too dense")
    assert (three.outcome, three.reason) == ("rejected", "too thin")


def test_hopeless_relaxations_are_given_up_and_the_others_are_the_same():
    """Who is below the limit is as without one; one far above it takes fewer evaluations, and says so."""
    free = Relax("emt").judge(candidates(*ALLOYS), Work())
    relaxed = [
        Candidate(
            one.id, one.source, verdict.cell, {"emt.energy_per_atom": verdict.values["emt.energy_per_atom"]}
        )
        for one, verdict in zip(candidates(*ALLOYS), free, strict=True)
    ]
    placed = AboveHull("emt", most=90, least=-90, near=0.0).judge(relaxed, Work())
    above = [one.values["emt.e_above_hull"] for one in placed]
    order = np.argsort(above)
    limit = above[order[0]] + 0.05
    assert above[order[2]] > limit + 0.1
    early = Relax("emt", most=limit, near=0.0, doubt=1).judge(candidates(*ALLOYS), Work())
    assert early[order[0]].values == free[order[0]].values
    last = early[order[2]]
    assert (last.outcome, last.reason) == ("rejected", "far above the hull")
    assert int(last.detail.split()[-2]) <= free[order[2]].values["emt.evaluations"]


def test_the_energy_above_the_hull():
    given = [
        Candidate(one.id, one.source, one.cell, {"emt.energy_per_atom": energy})
        for one, energy in zip(candidates(*[rocksalt(29, 47, 4.8)] * 3), (0.05, 0.3, -2.0), strict=True)
    ]
    found = AboveHull("emt", most=0.1, near=0.0).judge(given, Work())
    assert [one.reason for one in found] == ["", "above the hull", "too far below the hull"]
    # the elements of the toy potential are near 0, where its scale has them
    assert found[0].values["emt.e_above_hull"] == pytest.approx(0.05, abs=0.02)
    assert found[0].values["emt.decomposition"].startswith("0.50 Cu (")


def test_single_points_reject_the_hopeless():
    given = candidates(caesium_chloride(28, 13, 2.9), rocksalt(29, 47, 4.0))
    plain = Energy("emt").judge(given, Work())
    assert [one.outcome for one in plain] == ["passed", "passed"]
    strict = Energy("emt", most=0.8, near=0.0).judge(given, Work())
    assert [one.reason for one in strict] == ["", "far above the hull"]


def test_symmetry_is_made_exact_and_cells_primitive():
    shaken = doubled(rocksalt())._replace(frac=doubled(rocksalt()).frac + 1e-3)
    one, two = Symmetrise().judge(candidates(shaken, rocksalt()), Work())
    assert one.values == two.values == {"space_group": 225, "space_group_symbol": "Fm-3m"}
    assert len(one.cell.species) == 2
    assert Symmetrise(lowest=226).judge(candidates(rocksalt()), Work())[0].reason == "too little symmetry"
    (kept,) = Symmetrise(primitive=False).judge(candidates(shaken), Work())
    assert len(kept.cell.species) == 4


def test_no_primitive_cell_is_a_needle():
    """The standard primitive cell of a long body-centred tetragonal crystal has two angles of 145 degrees."""
    frac = np.array(
        [[0, 0, 0], [0, 0, 0.25], [0, 0, 0.75], [0.5, 0.5, 0.5], [0.5, 0.5, 0.75], [0.5, 0.5, 0.25]]
    )
    long = Cell(np.array([13, 28, 28] * 2), frac, np.diag([2.9, 2.9, 8.6]))
    (found,) = Symmetrise().judge(candidates(long), Work())
    (relaxed,) = Relax("emt", evaluations=200).judge(candidates(standard(long, 0.1, True)), Work())
    for verdict in (found, relaxed):
        assert verdict.outcome == "passed", verdict
        assert len(verdict.cell.species) == 3
        angles = lengths_and_angles(verdict.cell.lattice)[1]
        assert (angles > 55).all()
        assert (angles < 125).all()


def test_a_relaxed_crystal_has_its_shortest_vectors():
    """Whatever cell it came in: this one has angles of 27, 45 and 51 degrees."""
    cube = caesium_chloride(28, 13, 2.9)
    basis = np.array([[1, 0, 0], [2, 1, 0], [1, 0, 1]])
    sheared = cube._replace(lattice=basis @ cube.lattice, frac=cube.frac @ np.linalg.inv(basis) % 1)
    assert lengths_and_angles(sheared.lattice)[1].min() < 27
    straight, other = Relax("emt").judge(candidates(cube, sheared), Work())
    assert straight.outcome == other.outcome == "passed"
    lengths, angles = lengths_and_angles(other.cell.lattice)
    assert lengths == pytest.approx(lengths_and_angles(straight.cell.lattice)[0], abs=1e-3)
    assert angles == pytest.approx(np.full(3, 90), abs=1e-3)


def test_fronts_against_all_pairs():
    costs = np.random.default_rng(0).integers(0, 6, (40, 2)).astype(float)
    front = fronts(costs)
    for number in range(1, front.max() + 1):
        for row in np.flatnonzero(front == number):
            left = np.flatnonzero(front >= number)
            beaten = [all(costs[i] <= costs[row]) and any(costs[i] < costs[row]) for i in left]
            assert not any(beaten)
            if number > 1:
                before = np.flatnonzero(front == number - 1)
                assert any(all(costs[i] <= costs[row]) and any(costs[i] < costs[row]) for i in before)


def ranked(*values: tuple[float | None, float]) -> list[Candidate]:
    cells = [rocksalt(11 + number, 17) for number in range(len(values))]
    return [
        Candidate(one.id, one.source, one.cell, {"e": e, "tc": tc})
        for one, (e, tc) in zip(candidates(*cells), values, strict=True)
    ]


def test_a_shortlist_takes_the_first_fronts():
    given = ranked((0.0, 5.0), (0.1, 9.0), (0.1, 5.0), (0.2, 4.0), (None, 99.0))
    stage = Shortlist(3, ("min e", "max tc"))
    found = stage.judge(given, Work())
    assert [one.outcome for one in found] == ["passed", "passed", "passed", "rejected", "rejected"]
    assert [one.values.get("shortlist.front") for one in found] == [1, 1, 2, 3, None]
    assert [one.reason for one in found][3:] == ["others are better", "an objective or the cell is not known"]


def test_of_a_front_that_does_not_fit_those_farthest_apart_are_taken():
    same, far = rocksalt(11, 17), rocksalt(37, 53, 7.3)
    near = same._replace(lattice=same.lattice * 1.01)
    found = Shortlist(2).judge(candidates(same, near, far), Work())
    assert [one.outcome for one in found] == ["passed", "rejected", "passed"]
    assert found[1].reason == "like one that is chosen"
    assert [one.values.get("shortlist.place") for one in found] == [1, None, 2]


def test_objectives_have_a_form():
    for wrong in ("chgnet.e_above_hull", "lowest x", "min a b"):
        with pytest.raises(RecipeError):
            Shortlist(2, (wrong,))
    with pytest.raises(RecipeError):
        Shortlist(2, ("min a", "max a"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('kind = "relax"\npotential = "chgnot"', "no potential is called 'chgnot'"),
        ('kind = "hull"\nleast = 0.2', "no energy is at least 0.2 and at most 0.1"),
        ('kind = "hull"', "no stage before it says chgnet.energy_per_atom"),
        ('kind = "shortlist"\nobjectives = ["min tc.mean"]', "no stage before it says tc.mean"),
    ],
)
def test_plans_with_energies_that_can_not_be(lines, message):
    with pytest.raises(NucleateError) as caught:
        parse_plan(f'[[generate]]\ngenerator = "substitution"\n[[stage]]\n{lines}\n')
    assert message in caught.value.message
    assert caught.value.hint


def test_a_potential_that_is_not_installed_is_said_before_anything_runs(tmp_path):
    from nucleate.errors import MissingPackageError
    from nucleate.funnel.run import run

    plan = parse_plan(
        '[[generate]]\ngenerator = "substitution"\n[[stage]]\nkind = "relax"\npotential = "mattersim"\n'
    )
    with pytest.raises(MissingPackageError, match="mattersim") as caught:
        run(plan, tmp_path / "out")
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_data_set_that_is_not_there_is_said_before_anything_runs(tmp_path):
    for more in ('reference = "nowhere"', 'hull = "dft"'):
        plan = parse_plan(
            '[[generate]]\ngenerator = "substitution"\n[[stage]]\nkind = "relax"\npotential = "emt"\n'
            f'[[stage]]\nkind = "hull"\npotential = "emt"\n{more}\n'
        )
        with pytest.raises(NucleateError) as caught:
            plan.check()
        assert caught.value.hint


def test_the_whole_shipped_hull_knows_oxides_that_the_other_lacks():
    """Iron, nickel and strontium with oxygen; whatever is in the smaller hull is in the larger one too."""
    few, many = (hulls.shipped(0.05, name) for name in hulls.OURS)
    assert len(many) > len(few) + 4000
    assert set(map(few.id, range(len(few)))) < set(map(many.id, range(len(many))))
    for metal in (26, 28, 38):
        mixed = [[len(elements_of(one.phases.fractions[row])) == 2 for row in one.phases.within([8, metal])]
                 for one in (few, many)]  # fmt: skip
        assert not any(mixed[0])
        assert any(mixed[1])


def test_what_a_hull_of_more_phases_says():
    """Strontium oxide is no find where it is known."""
    oxide = Candidate("a-0000000", "a", rocksalt(38, 8, 5.16), {"chgnet.energy_per_atom": -6.0})
    with_, without = (
        AboveHull(most=90, least=-90, near=0.0, reference=name).judge([oxide], Work())[0].values
        for name in reversed(hulls.OURS)
    )
    assert "SrO" in with_["chgnet.decomposition"]
    assert "SrO (" not in without["chgnet.decomposition"]
    assert with_["chgnet.e_above_hull"] > without["chgnet.e_above_hull"] + 1
