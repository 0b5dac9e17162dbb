"""Every rule on a cell that breaks it, shares over all generated samples, and the ceilings of real data."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import DataError
from nucleate.measures import closest_image, closest_pair
from nucleate.metrics.dng.validity import RULES, ValiditySettings, judge_validity
from nucleate.metrics.intervals import wilson
from nucleate.metrics.validity_rules import (
    GEOMETRY,
    PLAUSIBLE,
    RADIUS,
    STRICT,
    density,
    smact_valid,
)
from nucleate.work import Work
from tests.metrics.crystals_for_tests import known_crystals
from tests.metrics.dng.cells_for_tests import box, broken_cells, distorted_cells, known_cells, real_cells


def pair(symbols: str, distance: float, length: float = 6.0) -> Cell:
    return box(symbols, [[0, 0, 0.98], [0, 0, 0.98 + distance / length]], length)


def test_density_is_pymatgens():
    for structure in known_crystals():
        assert density(Cell.of(structure)) == pytest.approx(float(structure.density), rel=1e-6)


def test_closest_pair_is_pymatgens_and_infinite_for_one_atom():
    for cell in distorted_cells(0, 20):
        structure = cell.to_structure()
        if len(structure) == 1:
            assert closest_pair(cell) == np.inf
        else:
            expected = structure.distance_matrix[~np.eye(len(structure), dtype=bool)].min()
            assert closest_pair(cell) == pytest.approx(expected)


def test_closest_image_is_the_shortest_of_many_lattice_vectors():
    rng = np.random.default_rng(3)
    steps = np.array([n for n in np.ndindex(21, 21, 21) if n != (10, 10, 10)]) - 10
    for _ in range(40):
        shear = np.eye(3) + np.triu(rng.integers(-2, 3, (3, 3)), 1)
        lattice = shear @ (4 * np.eye(3) + rng.normal(0, 0.8, (3, 3)))
        expected = np.linalg.norm(steps @ lattice, axis=1).min()
        assert closest_image(Cell(np.array([3]), np.zeros((1, 3)), lattice)) == pytest.approx(expected)


def test_radius_rule_is_the_loop_over_pairs():
    seen = set()
    for cell in distorted_cells(1, 60, shift=0.9):
        structure = cell.to_structure()
        radii = [float(site.specie.atomic_radius or 1.0) for site in structure]
        close = any(
            structure.get_distance(i, j) < 0.5 * (0.7 + radii[i] + radii[j])
            for i in range(len(structure))
            for j in range(i)
        )
        assert defect(cell, RADIUS) == ("atoms_too_close" if close else None)
        seen.add(close)
    assert seen == {True, False}


def test_radius_rule_at_its_edge():
    # sodium 1.80 Å, chlorine 1.00 Å: 0.5 (0.7 + 2.8) = 1.75 Å
    assert defect(pair("Na Cl", 1.76), RADIUS) is None
    assert defect(pair("Na Cl", 1.74), RADIUS) == "atoms_too_close"
    # helium has no empirical radius and takes 1 Å: 0.5 (0.7 + 2) = 1.35 Å
    assert defect(pair("He He", 1.36), RADIUS) is None
    assert defect(pair("He He", 1.34), RADIUS) == "atoms_too_close"


def test_windows_of_plausibility():
    origin = [[0.0, 0.0, 0.0]]
    assert defect(box("Fe", origin, 2.5), PLAUSIBLE) is None
    assert defect(box("Fe", origin, 0.99), PLAUSIBLE) == "volume_too_small"
    # 55.845 amu in 3.7 Å^3 are 25.06 g/cm^3, in 3.8 Å^3 24.40
    assert defect(box("Fe", origin, 3.7 ** (1 / 3)), PLAUSIBLE) == "mass_density"
    assert defect(box("Fe", origin, 3.8 ** (1 / 3)), PLAUSIBLE) is None
    assert defect(box("Fe", origin, 22.0), PLAUSIBLE) == "mass_density"
    assert defect(box("H", origin, 1.25), PLAUSIBLE) == "atom_density"
    long = box("Fe Fe Fe", np.zeros((3, 3)))._replace(lattice=np.diag([1.0, 3.0, 101.0]))
    assert defect(long, PLAUSIBLE) == "cell_length"
    assert defect(long._replace(lattice=np.diag([0.9, 5.0, 20.0])), PLAUSIBLE) == "cell_length"


def test_strict_rule_sees_an_atom_that_overlaps_its_own_image():
    flat = box("Cs", [[0.0, 0.0, 0.0]])._replace(lattice=np.diag([1.5, 12.0, 12.0]))
    assert defect(flat, GEOMETRY) == defect(flat, RADIUS) == defect(flat, PLAUSIBLE) is None
    assert defect(flat, STRICT) == "image_too_close"
    assert defect(flat._replace(lattice=np.diag([3.1, 12.0, 12.0])), STRICT) is None


def test_textbook_crystals_are_valid_by_every_rule():
    family = judge_validity(known_cells()[:8])
    for name in RULES:
        assert family.measures[f"structure_{name}"].estimate == wilson(8, 8)
    assert family.measures["composition"].estimate == wilson(8, 8)
    assert family.columns["formula"][1] == "NaCl"
    assert family.columns["n_atoms"][1] == 8
    assert family.columns["min_distance"][1] == pytest.approx(2.82)
    assert family.columns["min_image_distance"][1] == pytest.approx(5.64)
    assert family.columns["volume_per_atom"][1] == pytest.approx(5.64**3 / 8)
    assert family.columns["density"][1] == pytest.approx(2.16, abs=0.02)


def test_shares_are_over_all_generated_samples_and_reasons_are_told():
    good = box("Na Cl", [[0, 0, 0], [0.5, 0.5, 0.5]])
    samples = [
        good,
        pair("Na Cl", 0.4),
        pair("Na Cl", 1.0),
        box("Na Cl Cl", [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0]]),
        good._replace(lattice=41 * np.eye(3)),
        *broken_cells().values(),
    ]
    family = judge_validity(samples)
    assert set(map(len, family.columns.values())) == {10}
    values = {name: round(10 * (m.estimate.value or 0)) for name, m in family.measures.items()}
    assert values["readable"] == 7
    assert values["structure_classic"] == 4
    assert values["structure_length"] == 3
    assert values["structure_radius"] == 3
    assert values["structure_plausible"] == 4
    assert values["structure_strict"] == 2
    # both cells with a defect of the geometry have a composition all the same
    assert values["composition"] == 6
    assert values["valid"] == 3
    assert values["valid_length"] == 2
    assert all(m.estimate.n == 10 and m.of == "generated" for m in family.measures.values())
    problems = family.columns["structure_problem"]
    assert problems[:5] == ["", "atoms_too_close", "atoms_too_close", "", "cell_too_long"]
    assert problems[5:] == list(broken_cells())
    assert family.columns["composition_problem"][3] == "not_neutral"
    assert family.columns["formula"][5:8] == [None, None, None]
    assert any("unreadable 1" in note for note in family.notes)


def test_order_of_samples_changes_nothing():
    samples = [*distorted_cells(2, 12), None]
    forth, back = judge_validity(samples), judge_validity(samples[::-1])
    assert forth.measures == back.measures
    assert {name: column[::-1] for name, column in back.columns.items()} == forth.columns


def test_every_element_has_a_verdict():
    for number in range(1, MAX_ATOMIC_NUMBER + 1):
        assert smact_valid(((number, 1),))
        smact_valid(tuple(sorted({number: 1, 8: 2}.items())))


def test_progress_is_called_for_each_sample():
    calls = []
    judge_validity(known_cells()[:3], work=Work(progress=lambda *call: calls.append(call)))
    assert calls == [("validity", done, 3) for done in (1, 2, 3)]


def test_bad_input_is_reported_by_name():
    with pytest.raises(DataError, match="no samples"):
        judge_validity([])
    with pytest.raises(DataError, match=r"time limit must be above 0 .* got -1.0"):
        ValiditySettings(timeout=-1.0)


@pytest.mark.slow
def test_two_processes_give_the_same():
    samples = [*distorted_cells(4, 20), None]
    assert judge_validity(samples, work=Work.local(2)) == judge_validity(samples)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), [("mp_20", 0.905), ("perov_5", 0.986)])
def test_real_crystals_are_valid_and_reach_the_known_smact_ceiling(name, share):
    cells = real_cells(name, "train", 3000)
    family = judge_validity(cells)
    assert family.measures["structure_length"].estimate.value == 1.0
    assert (family.measures["structure_strict"].estimate.value or 0) > 0.998
    assert family.measures["composition"].estimate.value == pytest.approx(share, abs=0.015)
