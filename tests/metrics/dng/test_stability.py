"""Stability as a family: who is in which denominator, what the columns say, what the matcher sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.energies.hull_sources import hull_of_entries, potential_hull
from nucleate.energies.potentials import potential_named
from nucleate.energies.references import ReferenceStructures
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import DataError, NucleateError
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.stability import (
    StabilitySettings,
    judge_stability,
    rmsd_to_relaxed,
    stable_unique_novel,
)
from nucleate.metrics.intervals import wilson
from tests.energies.crystals import EMT, TablePotential, copper_gold, fcc, rattled
from tests.metrics.crystals_for_tests import known_crystals, perturbed, table_of

MP20 = Path(__file__).parents[3] / "data" / "mp_20"
ALLOYS = copper_gold()
ENERGIES = {"Cu": 0.0, "Au": 0.0, "Cu3Au": -0.1, "CuAu3": -0.05, "CuAu": -0.2, "Ag": 0.0, "CuAg": -1.0}
POTENTIAL = TablePotential(ENERGIES)
REFERENCE = ReferenceStructures.of_tables([table_of(list(ALLOYS.values()), list(ALLOYS))])


def swapped(structure: Cell, **names: int) -> Cell:
    numbers = {"Cu": 29, "Au": 79}
    replaced = {numbers[name]: number for name, number in names.items()}
    return structure._replace(species=np.array([replaced.get(int(z), int(z)) for z in structure.species]))


def samples() -> list[Cell | None]:
    """On the hull; 0.05 and 0.15 above; unreadable; colliding; no terminal; unknown to the potential."""
    over = Cell.of(ALLOYS["CuAu3"])
    ordered = Cell.of(ALLOYS["CuAu"])
    return [
        ordered,
        over,
        None,
        over._replace(frac=np.zeros((4, 3))),
        swapped(ordered, Au=47),
        swapped(ordered, Au=10),
        ordered,
    ]


@pytest.fixture(scope="module")
def family() -> Family:
    return judge_stability(samples(), POTENTIAL, potential_hull(REFERENCE, POTENTIAL))


def test_columns_give_the_outcome_of_each_sample(family: Family) -> None:
    columns = family.columns
    assert {len(column) for column in columns.values()} == {7}
    assert columns["supported"] == [True, True, False, False, False, False, True]
    assert columns["stability_reason"] == [
        "", "", "unreadable", "atoms_too_close", "missing_terminal", "failed", "",
    ]  # fmt: skip
    assert columns["energy_above_hull"][:2] == pytest.approx([0.0, 0.05])
    assert columns["energy_above_hull"][2:6] == [None] * 4
    assert columns["stable_0"] == [True, False, None, None, None, None, True]
    assert columns["stable_0.1"] == [True, True, None, None, None, None, True]
    assert columns["relax_steps"] == [0, 0, None, None, 0, None, 0]
    assert columns["relax_converged"] == [True, True, None, None, True, None, True]
    assert columns["rmsd_to_relaxed"][0] == pytest.approx(0, abs=1e-6)
    assert columns["competing"][1] == "0.500 Au + 0.500 CuAu"


def test_every_denominator(family: Family) -> None:
    def counts(name: str) -> tuple[int, int, str]:
        measure = family.measures[name]
        assert measure.share
        assert measure.estimate.value is not None
        return round(measure.estimate.value * measure.estimate.n), measure.estimate.n, measure.of

    assert counts("parsed") == (6, 7, "generated")
    assert counts("valid") == (5, 7, "generated")
    assert counts("relaxed") == (4, 7, "generated")
    assert counts("converged") == (4, 7, "generated")
    assert counts("supported") == (3, 7, "generated")
    assert counts("stable_0") == (2, 7, "generated")
    assert counts("stable_0_of_supported") == (2, 3, "supported")
    assert counts("stable_0.1") == (3, 7, "generated")
    assert counts("stable_0.1_of_supported") == (3, 3, "supported")
    assert counts("unmatched_after_relaxation") == (0, 4, "relaxed")
    mean = family.measures["energy_above_hull"]
    assert (mean.of, mean.unit, mean.estimate.n) == ("supported", "eV/atom", 3)
    assert mean.estimate.value == pytest.approx(0.05 / 3)


def test_unjudged_samples_are_reported(family: Family) -> None:
    text = " ".join(family.notes)
    assert "1 atoms_too_close, 1 failed, 1 missing_terminal, 1 unreadable" in text
    assert "structures with Ag" in text
    assert family.settings["hull"]["name"] == "potential"
    assert family.settings["relax"]["fmax"] == 0.05


def test_order_changes_nothing(family: Family) -> None:
    order = [3, 6, 0, 5, 2, 1, 4]
    cells = samples()
    other = judge_stability([cells[i] for i in order], POTENTIAL, potential_hull(REFERENCE, POTENTIAL))
    assert other.measures == family.measures
    for name, column in family.columns.items():
        assert other.columns[name] == [column[i] for i in order]


def test_rounding_does_not_cross_threshold_0() -> None:
    cells = [Cell.of(ALLOYS["Cu3Au"])]
    third = TablePotential({**ENERGIES, "Cu3Au": -0.1 - 1e-9})
    reference = potential_hull(REFERENCE, POTENTIAL)
    assert judge_stability(cells, third, reference).columns["stable_0"] == [True]
    above = TablePotential({**ENERGIES, "Cu3Au": -0.1 + 1e-4})
    assert judge_stability(cells, above, reference).columns["stable_0"] == [False]


def test_a_report_without_judged_samples_is_made() -> None:
    empty = judge_stability([None, None], POTENTIAL, potential_hull(REFERENCE, POTENTIAL))
    assert empty.measures["energy_above_hull"].estimate.value is None
    assert empty.measures["stable_0"].estimate == wilson(0, 2)
    assert empty.measures["stable_0_of_supported"].estimate.value is None
    with pytest.raises(DataError, match="no sample"):
        judge_stability([], POTENTIAL, potential_hull(REFERENCE, POTENTIAL))


def test_scales_are_not_mixed() -> None:
    from pymatgen.entries.computed_entries import ComputedEntry

    hull = hull_of_entries([ComputedEntry("Cu", -1.0)], "x")
    cells = [Cell.of(fcc("Cu", 3.6))]
    with pytest.raises(NucleateError, match="can't be compared"):
        judge_stability(cells, POTENTIAL, hull)
    fits = TablePotential({"Cu": -0.9}, mp_corrected=True)
    assert judge_stability(cells, fits, hull).columns["energy_above_hull"] == pytest.approx([0.1])


def test_a_real_relaxation_is_measured() -> None:
    """EMT: a rattled alloy relaxes onto the relaxed reference, a step limit leaves it above."""
    cell = rattled(ALLOYS["CuAu"], 0.05, 0.01)
    hull = potential_hull(REFERENCE, EMT)
    done = judge_stability([cell], EMT, hull)
    cut = judge_stability([cell], EMT, hull, StabilitySettings(RelaxSettings(max_steps=1)))
    assert done.columns["relax_energy_drop"][0] > cut.columns["relax_energy_drop"][0] > 0
    assert done.columns["energy_above_hull"][0] < cut.columns["energy_above_hull"][0]
    assert done.columns["rmsd_to_relaxed"][0] > 0
    assert cut.columns["stability_reason"] == ["not_converged"]
    assert cut.columns["supported"] == [True]
    assert "not converged" in cut.notes[0]


def test_rmsd_against_the_matcher_and_in_angstrom() -> None:
    rng = np.random.default_rng(0)
    matcher = StructureMatcher(ltol=0.5, stol=0.5, angle_tol=10, scale=False)
    for structure in known_crystals()[1:4]:
        moved = perturbed(structure, rng, 0.1, 0.01)
        expected = matcher.get_rms_dist(structure, moved)
        assert expected is not None
        length = (moved.volume / len(moved)) ** (1 / 3)
        assert rmsd_to_relaxed(Cell.of(structure), Cell.of(moved)) == pytest.approx(expected[0] * length)


def test_one_atom_that_moves_by_a_known_distance() -> None:
    """Of four atoms one moves by d: after removing the mean shift the RMS is d sqrt(3) / 4."""
    start = known_crystals()[8]
    moved = start.copy()
    moved.translate_sites([1], [0.2, 0.0, 0.0], frac_coords=False)
    n = len(start)
    expected = 0.2 * np.sqrt((n - 1) / n**2)
    assert rmsd_to_relaxed(Cell.of(start), Cell.of(moved)) == pytest.approx(expected, rel=1e-3)


def test_a_structure_that_falls_apart_is_unmatched() -> None:
    before = Cell.of(known_crystals()[1])
    after = before._replace(lattice=before.lattice * 1.8)
    assert rmsd_to_relaxed(before, after) is None


def test_sun_is_joint() -> None:
    stable = [True, True, False, None, True]
    novel = [True, False, True, True, True]
    assert stable_unique_novel(stable, [0, 1, 2, 3, None], novel) == [True, False, False, False, False]
    with pytest.raises(DataError, match=r"\[4, 5\]"):
        stable_unique_novel(stable, [0, 1, 2, 3], novel)


def test_a_cluster_of_duplicates_is_one_whichever_of_them_is_stable() -> None:
    stable, novel = [False, True, True, True], [True, True, True, False]
    assert stable_unique_novel(stable, ["a", "a", "a", "b"], novel) == [False, True, False, False]


@pytest.mark.slow
@pytest.mark.skipif(not MP20.is_dir(), reason="needs data/mp_20")
def test_reference_structures_are_near_the_hull() -> None:
    structures = ReferenceStructures.of(MP20)
    chgnet = potential_named("chgnet")
    rows = np.random.default_rng(3).choice(len(structures), 5, replace=False)
    cells = [structures.cell(int(row)) for row in rows]
    family = judge_stability(cells, chgnet, potential_hull(structures, chgnet))
    assert family.columns["supported"] == [True] * 5
    assert all(abs(value) < 0.12 for value in family.columns["energy_above_hull"])
    assert max(family.columns["rmsd_to_relaxed"]) < 0.3


def test_energies_far_below_the_hull_are_shown_and_are_not_stable() -> None:
    """Made with other energies than its hull, CuAu lies far below it, as where a potential fails."""
    hull = potential_hull(REFERENCE, POTENTIAL)
    wild = TablePotential(ENERGIES | {"CuAu": -5.2, "Cu3Au": -0.15})
    cells = [Cell.of(ALLOYS[name]) for name in ("CuAu", "Cu3Au", "CuAu3")]
    family = judge_stability(cells, wild, hull)
    assert family.columns["energy_above_hull"] == pytest.approx([-5.0, -0.05, 0.05])
    assert family.columns["far_below_hull"] == [True, False, False]
    assert family.columns["stable_0"] == [False, True, False]
    assert family.columns["stable_0.1"] == [False, True, True]
    measures = {name: one.estimate for name, one in family.measures.items()}
    assert measures["far_below_hull"] == wilson(1, 3)
    assert measures["stable_0.1"] == wilson(2, 3)
    assert measures["energy_above_hull"].value == pytest.approx(-5 / 3)
    assert measures["energy_above_hull_median"].value == pytest.approx(-0.05)
    assert measures["energy_above_hull_lowest"].value == pytest.approx(-5.0)
    assert family.settings["far_below"] == -0.1
    assert any("1 judged structures lie more than 0.1 eV/atom below" in note for note in family.notes)
    assert any("CuAu -5.00" in note for note in family.notes)
    believing = judge_stability(cells, wild, hull, StabilitySettings(far_below=-np.inf))
    assert believing.columns["stable_0"] == [True, True, False]
    with pytest.raises(DataError, match="far_below must be below 0 eV/atom; got 0"):
        StabilitySettings(far_below=0.0)


def test_thresholds_are_the_requested_ones() -> None:
    """One at the energy of a sample, one below it; the columns are named by them."""
    hull = potential_hull(REFERENCE, POTENTIAL)
    settings = StabilitySettings(thresholds=(0.25, 0.05))
    plain, other = (
        judge_stability(samples(), POTENTIAL, hull, one) for one in (StabilitySettings(), settings)
    )
    energies = plain.columns["energy_above_hull"]
    assert {"stable_0.05", "stable_0.25"} <= other.columns.keys()
    assert not {"stable_0", "stable_0.1"} & other.columns.keys()
    for threshold in settings.thresholds:
        wanted = [None if e is None else -0.1 - 1e-6 <= e <= threshold + 1e-6 for e in energies]
        assert other.columns[f"stable_{threshold:g}"] == wanted
        assert other.measures[f"stable_{threshold:g}"].estimate.value == sum(map(bool, wanted)) / len(wanted)
