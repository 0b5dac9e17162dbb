"""The hull against pymatgen's phase diagrams and against hand-made numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from nucleate.elements import MAX_ATOMIC_NUMBER, SYMBOLS
from nucleate.energies.convex_hull import Phases, elements_of, fractions_of, hull_at, system_name
from nucleate.errors import DataError

MP20 = Path(__file__).parents[2] / "data" / "mp_20"


def composition(fractions: np.ndarray) -> Composition:
    return Composition({SYMBOLS[z]: float(x) for z, x in enumerate(fractions) if x > 0})


def above(target: np.ndarray, energy: float, phases: np.ndarray, energies: np.ndarray) -> float:
    found = hull_at(target, phases, energies)
    assert found is not None
    return energy - found.energy


def test_two_elements_by_hand() -> None:
    """A at 0, B at 0, AB at -1: halfway to AB the hull is at -0.5."""
    phases = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.5, 0.5]])
    energies = np.array([0.0, 0.0, -1.0, -0.3])
    found = hull_at(np.array([0.75, 0.25]), phases, energies)
    assert found is not None
    assert found.energy == pytest.approx(-0.5)
    assert dict(found.phases) == pytest.approx({0: 0.5, 2: 0.5})
    assert above(np.array([0.5, 0.5]), -0.3, phases, energies) == pytest.approx(0.7)
    assert above(np.array([0.5, 0.5]), -1.2, phases, energies) == pytest.approx(-0.2)


@pytest.mark.parametrize("elements", [2, 3, 4])
def test_random_systems_against_pymatgen(elements: int) -> None:
    rng = np.random.default_rng(elements)
    numbers = [3, 8, 26, 15][:elements]
    counts = np.concatenate([np.eye(elements, dtype=int), rng.integers(0, 4, (25, elements))])
    counts = counts[counts.sum(1) > 0]
    fractions = counts / counts.sum(1, keepdims=True)
    energies = np.where((counts > 0).sum(1) == 1, 0.0, rng.normal(-0.5, 0.5, len(counts)))
    diagram = PhaseDiagram(
        [
            PDEntry(
                Composition({SYMBOLS[z]: int(n) for z, n in zip(numbers, row, strict=True)}), e * row.sum()
            )
            for row, e in zip(counts, energies, strict=True)
        ]
    )
    targets = rng.dirichlet(np.ones(elements), 20)
    for target in targets:
        full = np.zeros(MAX_ATOMIC_NUMBER + 1)
        full[numbers] = target
        entry = PDEntry(composition(full), 0.1)
        expected = diagram.get_e_above_hull(entry, allow_negative=True)
        assert above(target, 0.1, fractions, energies) == pytest.approx(expected, abs=1e-7)


def test_an_unknown_stable_phase_is_below_the_hull() -> None:
    diagram = PhaseDiagram([PDEntry("Li", 0), PDEntry("F", 0)])
    expected = diagram.get_e_above_hull(PDEntry("LiF", -2), allow_negative=True)
    found = above(np.array([0.5, 0.5]), -1.0, np.eye(2), np.zeros(2))
    assert found == pytest.approx(expected) == -1.0


def test_no_mixture_no_hull() -> None:
    assert hull_at(np.array([0.5, 0.5]), np.array([[1.0, 0.0]]), np.zeros(1)) is None
    assert hull_at(np.array([1.0]), np.zeros((0, 1)), np.zeros(0)) is None


def test_a_compound_stands_in_for_a_missing_element_where_it_can() -> None:
    """Between two compounds no pure element is needed."""
    phases = np.array([[0.75, 0.25], [0.25, 0.75]])
    found = hull_at(np.array([0.5, 0.5]), phases, np.array([-1.0, -2.0]))
    assert found is not None
    assert found.energy == pytest.approx(-1.5)


def test_energies_must_be_known() -> None:
    with pytest.raises(DataError, match="1 of 2 phases"):
        hull_at(np.array([0.5, 0.5]), np.eye(2), np.array([0.0, np.nan]))


def test_fractions_and_elements() -> None:
    fractions = fractions_of(np.array([17, 11, 17, 17]))
    assert fractions[[11, 17]].tolist() == [0.25, 0.75]
    assert fractions.sum() == 1
    assert elements_of(fractions) == (11, 17)
    assert system_name((11, 17)) == "Cl-Na"


def test_phases_within_a_system() -> None:
    rows = [[3], [8], [3, 8], [3, 8, 26], [26], [3, 3, 8], [15]]
    phases = Phases(np.stack([fractions_of(np.array(row)) for row in rows]))
    assert phases.within((3, 8)) == [0, 1, 2, 5]
    assert phases.within((3, 8, 26)) == [0, 1, 2, 3, 4, 5]
    assert phases.within((79,)) == []
    assert phases.missing_terminals((3, 15, 79)) == (79,)
    assert phases.within(tuple(range(1, 40))) == list(range(7))


@pytest.mark.slow
@pytest.mark.skipif(not MP20.is_dir(), reason="needs data/mp_20")
def test_mp20_against_pymatgen_and_its_own_column() -> None:
    """Hull distances of MP-20 within MP-20, which lacks the database's other phases."""
    from nucleate.energies.hull_sources import dft_hull
    from nucleate.energies.references import HULL_COLUMN, ReferenceStructures

    structures = ReferenceStructures.of(MP20)
    column = structures.column("formation_energy_per_atom")
    known = structures.column(HULL_COLUMN)
    assert column is not None
    assert known is not None
    plain, corrected = dft_hull(structures, known_hull=False), dft_hull(structures)
    rng = np.random.default_rng(0)
    plain_error, corrected_error = [], []
    for row in rng.choice(np.flatnonzero(np.isfinite(known)), 300, replace=False):
        cell = structures.cell(int(row))
        total = float(column[row]) * len(cell.species)
        here = plain.above(cell.species, total).energy
        there = corrected.above(cell.species, total).energy
        assert here is not None
        assert there is not None
        plain_error.append(abs(here - known[row]))
        corrected_error.append(abs(there - known[row]))
        if len(plain_error) <= 25:
            inside = plain.phases.within(elements_of(fractions_of(cell.species)))
            entries = [PDEntry(composition(plain.phases.fractions[i]), plain.energies[i]) for i in inside]
            diagram = PhaseDiagram(entries)
            entry = PDEntry(composition(fractions_of(cell.species)), float(column[row]))
            assert here == pytest.approx(diagram.get_e_above_hull(entry, allow_negative=True), abs=1e-6)
    assert np.mean(plain_error) < 0.006
    assert np.mean(corrected_error) < 0.004
    assert np.median(corrected_error) < 1e-6
