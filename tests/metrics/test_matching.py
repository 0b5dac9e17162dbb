"""Our matcher against pymatgen's, pair by pair, and its exact short cuts against brute force."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.metrics import matching, reduction
from nucleate.metrics.cell_shapes import cell_parameters, cells_from_parameters, surely_lll_reduced
from nucleate.metrics.matching import Matcher, rms_distance
from nucleate.metrics.reduction import reduce_cell
from nucleate.time_limit import time_limit
from tests.metrics.crystals_for_tests import known_crystals, perturbed, perturbed_pairs


def plain(prediction: Structure, reference: Structure) -> float | None:
    """What every published evaluation calls."""
    found = StructureMatcher(stol=0.5, angle_tol=10, ltol=0.3).get_rms_dist(prediction, reference)
    return None if found is None else found[0]


def assert_same_verdicts(pairs: list[tuple[Structure, Structure]]) -> tuple[int, int]:
    """Returns how many pairs match and how many don't."""
    matched = 0
    for prediction, reference in pairs:
        expected, ours = plain(prediction, reference), rms_distance(prediction, reference)
        assert (expected is None) == (ours is None), prediction.formula
        if expected is not None and ours is not None:
            assert ours == pytest.approx(expected, abs=1e-7)
            matched += 1
    return matched, len(pairs) - matched


def test_verdicts_equal_pymatgens():
    matched, missed = assert_same_verdicts(perturbed_pairs(known_crystals(), seed=1, copies=10))
    assert matched > 30
    assert missed > 5


def test_verdicts_equal_pymatgens_for_supercells_and_conventional_cells():
    rng = np.random.default_rng(2)
    pairs = []
    for crystal in known_crystals():
        for factors in ((2, 1, 1), (1, 1, 2)):
            prediction = crystal.copy()
            prediction.make_supercell(factors)
            pairs.append((perturbed(prediction, rng, 0.02, 0.01), crystal))
    matched, _ = assert_same_verdicts(pairs)
    assert matched > 10


def test_verdicts_equal_pymatgens_for_other_structures_of_one_composition():
    lattice = Lattice.cubic(4.2)
    rocksalt = Structure.from_spacegroup("Fm-3m", lattice, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    caesium = Structure.from_spacegroup("Pm-3m", lattice, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    blende = Structure.from_spacegroup("F-43m", lattice, ["Na", "Cl"], [[0, 0, 0], [0.25, 0.25, 0.25]])
    structures = [rocksalt, caesium, blende]
    matched, missed = assert_same_verdicts(list(product(structures, structures)))
    assert matched >= 3
    assert missed >= 2


def test_tolerances_are_used():
    rng = np.random.default_rng(3)
    salt = known_crystals()[1]
    pairs = [(perturbed(salt, rng, 0.3, 0.06), salt) for _ in range(8)]
    for stol, angle, length in ((0.3, 5, 0.2), (0.1, 10, 0.3), (0.5, 3, 0.3), (0.5, 10, 0.05)):
        theirs = StructureMatcher(stol=stol, angle_tol=angle, ltol=length)
        ours = Matcher(stol=stol, angle_tol=angle, ltol=length)
        for prediction, reference in pairs:
            expected = theirs.get_rms_dist(prediction, reference)
            found = rms_distance(prediction, reference, ours)
            assert (expected is None) == (found is None)


@pytest.mark.slow
def test_verdicts_equal_pymatgens_on_500_pairs():
    """Real pairs from the data set that NUCLEATE_DATA names, made-up cells without it."""
    folder = os.environ.get("NUCLEATE_DATA")
    if folder:
        from nucleate.data.table import read_table

        table = read_table(Path(folder) / "val.parquet")
        rows = np.random.default_rng(0).permutation(len(table))[:100]
        crystals = [table.cell(int(row)).to_structure() for row in rows]
        matched, missed = assert_same_verdicts(perturbed_pairs(crystals, seed=4, copies=5))
    else:
        matched, missed = assert_same_verdicts(perturbed_pairs(known_crystals(), seed=4, copies=50))
    assert matched + missed == 500
    assert min(matched, missed) > 25


def test_reduction_is_pymatgens():
    rng = np.random.default_rng(6)
    for crystal in known_crystals():
        big = crystal.copy()
        big.make_supercell((1, 2, 1))
        for structure in (crystal, big, perturbed(big, rng, 0.01, 0.0), perturbed(crystal, rng, 0.3, 0.05)):
            expected = structure.get_reduced_structure().get_primitive_structure()
            ours = reduce_cell(Cell.of(structure))
            np.testing.assert_allclose(ours.lattice, expected.lattice.matrix, atol=1e-9)
            assert ours.species.tolist() == list(expected.atomic_numbers)
            apart = ours.frac - expected.frac_coords
            np.testing.assert_allclose(apart - np.round(apart), 0, atol=1e-9)


def test_search_for_a_smaller_cell_is_skipped_only_where_there_is_none():
    rng = np.random.default_rng(7)
    skipped = 0
    crystals = [crystal for crystal in known_crystals() if len(crystal) <= 8]
    for trial in range(60):
        crystal = crystals[trial % len(crystals)].copy()
        if trial % 2:
            crystal.make_supercell((2, 1, 1))
        structure = perturbed(crystal, rng, [0.0, 0.03, 0.1, 0.4][trial % 4], 0.02).get_reduced_structure()
        if not reduction._may_hold_smaller_cell(*_arrays(structure)):
            skipped += 1
            assert len(structure.get_primitive_structure()) == len(structure)
    assert 5 < skipped < 60


def _arrays(structure: Structure):
    return np.array(structure.atomic_numbers), structure.frac_coords, structure.lattice.lengths


def test_minima_are_no_longer_than_the_true_ones():
    rng = np.random.default_rng(8)
    grid = np.array([n for n in product(range(-4, 5), repeat=3) if any(n)])
    known = 0
    for _ in range(100):
        lattice = Lattice(rng.normal(0, 3, (3, 3))).get_niggli_reduced_lattice().matrix
        minima = reduction._minima(lattice)
        known += minima[0] > 0
        points = grid[np.argsort(np.linalg.norm(grid @ lattice, axis=1))]
        chosen: list[np.ndarray] = []
        for point in points:
            if np.linalg.matrix_rank(np.array([*chosen, point])) > len(chosen):
                chosen.append(point)
            if len(chosen) == 3:
                break
        true = np.linalg.norm(np.array(chosen) @ lattice, axis=1)
        assert (minima <= true).all()
        assert not minima[0] or (minima > 0.95 * true).all()
    assert known > 90


def test_cells_from_parameters_agree_with_pymatgen():
    rng = np.random.default_rng(9)
    cells = np.stack(
        [Lattice(rng.normal(0, 4, (3, 3))).get_niggli_reduced_lattice().matrix for _ in range(20)]
    )
    lengths, angles = cell_parameters(cells)
    ours = cells_from_parameters(lengths, angles)
    for cell, one in zip(cells, ours, strict=True):
        np.testing.assert_allclose(one, Lattice.from_parameters(*Lattice(cell).parameters).matrix, atol=1e-9)


def test_cells_called_lll_reduced_are():
    rng = np.random.default_rng(10)
    cells = np.stack([rng.normal(0, 0.4, (3, 3)) + 2 * np.eye(3) for _ in range(300)])
    reduced = surely_lll_reduced(cells)
    assert 20 < reduced.sum() < 280
    for cell in cells[reduced]:
        np.testing.assert_array_equal(Lattice(cell).lll_matrix, cell)


def test_lattices_far_apart_are_dropped_before_the_search(monkeypatch):
    cube = Structure(Lattice.cubic(4), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    needle = Structure(Lattice.tetragonal(1.0, 64.0), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert plain(needle, cube) is None

    def forbidden(*_):
        raise AssertionError("the search was entered")

    monkeypatch.setattr(Matcher, "_bases", forbidden)
    assert rms_distance(needle, cube) is None


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("bad", [np.full((3, 3), np.nan), np.zeros((3, 3)), np.ones((3, 3))])
def test_degenerate_cells_raise_errors_that_callers_count(bad):
    from nucleate.metrics.matching import MATCH_FAILURES

    with pytest.raises(MATCH_FAILURES), time_limit(20):
        reduce_cell(Cell(np.array([11, 17]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), bad))


def test_fits_is_pymatgens_fit():
    matcher, theirs = Matcher(stol=0.3, angle_tol=5.0, ltol=0.2), StructureMatcher()
    counts = {True: 0, False: 0}
    stricter = 0
    for first, second in perturbed_pairs(known_crystals(), seed=11, copies=12):
        reduced = reduce_cell(Cell.of(first)), reduce_cell(Cell.of(second))
        expected = theirs.fit(first, second)
        assert matcher.fits(*reduced) == expected, first.formula
        assert matcher.fits(*reduced[::-1]) == theirs.fit(second, first), first.formula
        stricter += matcher.rms(*reduced) is not None and not expected
        counts[expected] += 1
    assert min(counts.values()) > 20
    # the largest displacement is above the tolerance though the RMS is not
    assert stricter > 0


def test_may_match_is_false_only_where_nothing_matches():
    rng = np.random.default_rng(12)
    crystals = [c for c in known_crystals() if len(c) <= 6]
    made = [perturbed(c, rng, 0.05, strain) for c in crystals for strain in (0, 0.03, 0.3, 0.5)]
    cells = [reduce_cell(Cell.of(structure)) for structure in made]
    matcher, theirs = Matcher(stol=0.3, angle_tol=5.0, ltol=0.2), StructureMatcher()
    i, j = np.nonzero([[a.composition == b.composition for b in cells] for a in cells])
    shapes = matching.Shapes.of(cells)
    may = matcher.may_match(shapes.at(i), shapes.at(j))
    fits = np.array([theirs.fit(made[a], made[b]) for a, b in zip(i, j, strict=True)])
    assert (may | ~fits).all()
    assert (~may).sum() > 5
    assert (fits & (i != j)).sum() > 5


def test_no_time_limit_runs_while_scipy_is_imported():
    """An import that is interrupted leaves a broken module, and every match after it fails."""
    code = (
        "import sys; from nucleate.metrics.matching import try_match\n"
        "assert 'scipy.optimize' not in sys.modules\n"
        "assert try_match(lambda: 'scipy.optimize' in sys.modules, 60.0) == (True, '')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
