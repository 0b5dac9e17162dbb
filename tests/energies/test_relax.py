"""Relaxation: minima are found, failures are named, finished work survives a kill and is not done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

import nucleate.energies.relax as module
from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.energies.cache import NAMESPACE
from nucleate.energies.potentials import potential_named
from nucleate.energies.relax import REASONS, Relaxed, RelaxSettings, limits, relax
from nucleate.energies.single_points import single_points
from nucleate.errors import NucleateError
from nucleate.records.store import Store
from nucleate.work import Work
from tests.energies.crystals import EMT, BrokenPotential, copper_gold, fcc, rattled, slow
from tests.metrics.crystals_for_tests import known_crystals

SHORT = RelaxSettings(max_steps=4)
ONE_STEP = RelaxSettings(max_steps=1)
ALLOYS = [rattled(structure, seed=i) for i, structure in enumerate(copper_gold().values())][2:]


def same(first: Relaxed, second: Relaxed) -> bool:
    cells = [one.cell and [part.tolist() for part in one.cell] for one in (first, second)]
    numbers = [(x.energy, x.initial_energy, x.steps, x.converged, x.reason) for x in (first, second)]
    return cells[0] == cells[1] and numbers[0] == numbers[1]


def test_copper_returns_to_its_lattice() -> None:
    """ASE's EMT has its minimum near 3.59 Å and 0 eV."""
    (one,) = relax([rattled(fcc("Cu", 3.75))], EMT, RelaxSettings(fmax=0.005))
    assert one.converged
    assert one.reason == ""
    assert one.cell is not None
    assert abs(np.linalg.det(one.cell.lattice)) ** (1 / 3) == pytest.approx(3.59, abs=0.03)
    assert one.energy_per_atom == pytest.approx(0.0, abs=0.02)
    assert one.energy_drop_per_atom is not None
    assert one.energy_drop_per_atom > 0
    assert StructureMatcher(scale=False).fit(one.cell.to_structure(), fcc("Cu", 3.59))


def test_forces_and_stress_are_below_fmax() -> None:
    for optimiser in ("fire", "lbfgs"):
        (one,) = relax([rattled(copper_gold()["CuAu"])], EMT, RelaxSettings(0.02, optimiser=optimiser))
        assert one.cell is not None
        atoms = one.cell.to_atoms()
        atoms.calc = EMT.calculator()
        assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 0.1
        assert np.abs(atoms.get_stress()).max() * atoms.get_volume() < 0.1 * 3


def test_a_fixed_cell_stays() -> None:
    cell = rattled(copper_gold()["Cu3Au"])
    (one,) = relax([cell], EMT, RelaxSettings(cell=False))
    assert one.cell is not None
    assert np.allclose(one.cell.lattice, cell.lattice)


def test_a_flat_cell_is_relaxed_as_the_crystal_it_is() -> None:
    cell = rattled(copper_gold()["Cu3Au"])
    basis = np.array([[1, 13, 0], [0, 1, -17], [0, 0, 1]])
    flat = cell._replace(lattice=basis @ cell.lattice, frac=cell.frac @ np.linalg.inv(basis))
    assert flat.heights.min() < 0.1
    one, other = relax([cell, flat], EMT, RelaxSettings(fmax=0.005))
    assert other.converged
    assert other.initial_energy == pytest.approx(one.initial_energy, abs=1e-6)
    assert other.energy == pytest.approx(one.energy, abs=1e-3)
    assert other.cell is not None
    assert other.cell.heights.min() > 1


def test_unconverged_results_are_kept_and_reported() -> None:
    (one,) = relax([rattled(copper_gold()["Cu3Au"])], EMT, RelaxSettings(fmax=1e-4, max_steps=3))
    assert (one.reason, one.converged, one.steps) == ("not_converged", False, 3)
    assert one.energy is not None
    assert one.cell is not None


def test_order_and_batch_change_nothing() -> None:
    together = relax(ALLOYS, EMT, SHORT)
    assert all(map(same, relax(ALLOYS[::-1], EMT, SHORT)[::-1], together))
    assert all(same(relax([cell], EMT, SHORT)[0], one) for cell, one in zip(ALLOYS, together, strict=True))


def test_processes_give_the_same() -> None:
    assert all(map(same, relax(ALLOYS, EMT, SHORT, work=Work.local(2)), relax(ALLOYS, EMT, SHORT)))


def test_unusable_cells_are_returned_with_the_reason() -> None:
    chgnet = potential_named("chgnet")
    good = Cell.of(fcc("Cu", 3.6))
    cells = {
        "not_finite": good._replace(frac=good.frac * np.nan),
        "too_dense": good._replace(lattice=good.lattice * 0.4),
        "too_thin": good._replace(lattice=good.lattice * 9),
        "unknown_element": good._replace(species=np.full(4, 86)),
        "isolated_atom": Cell(np.array([11]), np.zeros((1, 3)), np.eye(3) * 9),
    }
    found = relax(list(cells.values()), chgnet)
    assert [one.reason for one in found] == list(cells)
    assert all(one.energy is None and one.cell is None for one in found)
    assert set(cells) < set(REASONS)


def test_a_thin_crystal_that_repeats_at_once_is_too_dense() -> None:
    """30 Å^3 for an atom, in a row of atoms 0.05 Å apart: its graph would need gigabytes."""
    needle = Cell(np.array([29]), np.zeros((1, 3)), np.diag([0.05, 25.0, 24.0]))
    slightly = Cell(np.array([29]), np.zeros((1, 3)), np.diag([1.2, 5.0, 5.0]))
    rules = limits(potential_named("chgnet"))
    assert defect(needle, rules) == "too_dense"
    assert defect(slightly, rules) is None


def test_a_failing_potential_is_reported_as_such() -> None:
    cell = Cell.of(fcc("Cu", 3.6))
    for given, reason in ((float("nan"), "diverged"), (ValueError("no"), "failed")):
        (one,) = relax([cell], BrokenPotential(given))
        assert one.reason == reason
        assert one.energy is None


def test_a_failed_crystal_does_not_affect_the_next() -> None:
    """EMT has no sodium, and its calculator is half made after it was asked; the next crystal is of the same atoms."""
    salt, other = Cell.of(fcc("Na", 5.3)), Cell.of(fcc("Na", 5.5))
    copper = Cell.of(fcc("Cu", 3.6))
    found = relax([salt, other, copper], EMT, SHORT)
    assert [one.reason for one in found[:2]] == ["failed", "failed"]
    assert same(found[2], relax([copper], EMT, SHORT)[0])


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        relax([Cell.of(fcc("Cu", 3.6))], BrokenPotential(KeyError("a mistake of ours")))


def test_a_relaxation_stops_at_the_time_limit(tmp_path: Path) -> None:
    cache = tmp_path / "cache.sqlite"
    cell = rattled(fcc("Cu", 3.6))
    (one,) = relax([cell], slow(5), RelaxSettings(timeout=0.3), work=Work(cache=cache))
    assert (one.reason, one.energy) == ("timed_out", None)
    assert len(Store(cache, NAMESPACE)) == 0


def test_no_relaxation_is_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache.sqlite"
    cells = [*ALLOYS, ALLOYS[0]._replace(frac=ALLOYS[0].frac * np.nan)]
    seen: list[tuple[int, int]] = []
    first = relax(
        [*cells, cells[0]],
        EMT,
        ONE_STEP,
        work=Work(cache=cache, progress=lambda stage, n, of: seen.append((n, of))),
    )
    assert seen[-1] == (4, 4)
    monkeypatch.setattr(module, "_descend", None)
    again = relax([*cells, cells[0]], EMT, ONE_STEP, work=Work(cache=cache))
    assert all(map(same, first, again))
    with pytest.raises(TypeError):
        relax(cells, EMT, RelaxSettings(fmax=0.04), work=Work(cache=cache))


KILLED = """
import sys
from pathlib import Path
from nucleate.energies.relax import RelaxSettings, relax
from nucleate.work import Work
from tests.energies.crystals import fcc, rattled, slow
cells = [rattled(fcc("Cu", 3.6), seed=i) for i in range(40)]
relax(cells, slow(0.2), RelaxSettings(max_steps=1), work=Work(cache=Path(sys.argv[1])))
"""


OTHER_SETTINGS = {"fmax": 0.04, "max_steps": 3, "optimiser": "lbfgs", "cell": False, "keep_symmetry": 0.1}


def test_a_cached_result_is_that_of_its_own_settings(tmp_path: Path) -> None:
    """Every setting but the time limit changes the result, so none may get another's out of the cache."""
    assert {field.name for field in fields(RelaxSettings)} == {*OTHER_SETTINGS, "timeout"}
    cell, cache = [ALLOYS[0]], tmp_path / "cache.sqlite"
    base = RelaxSettings(max_steps=2)
    relax(cell, EMT, base, work=Work(cache=cache))
    for number, (name, value) in enumerate(OTHER_SETTINGS.items(), 2):
        other = replace(base, **{name: value})
        assert all(map(same, relax(cell, EMT, other, work=Work(cache=cache)), relax(cell, EMT, other))), name
        assert len(Store(cache, NAMESPACE)) == number, name
    relax(cell, EMT, replace(base, timeout=99.0), work=Work(cache=cache))
    assert len(Store(cache, NAMESPACE)) == number


def test_a_killed_relaxation_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache.sqlite"
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([f"{root}/src", root])}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], env=environment)
    until = time.monotonic() + 400
    while not (path.exists() and len(Store(path, NAMESPACE)) >= 2):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(Store(path, NAMESPACE))
    assert 2 <= kept < 40
    cells = [rattled(fcc("Cu", 3.6), seed=i) for i in range(6)]
    done: list[Cell] = []
    descend = module._descend
    monkeypatch.setattr(module, "_descend", lambda cell, *rest: (done.append(cell), descend(cell, *rest))[1])
    resumed = relax(cells, slow(0.2), ONE_STEP, work=Work(cache=path))
    assert len(done) == max(0, 6 - kept)
    monkeypatch.undo()
    assert all(map(same, resumed, relax(cells, slow(0.0), ONE_STEP)))


@pytest.mark.parametrize(
    "bad", [{"fmax": 0.0}, {"max_steps": 0}, {"optimiser": "magic"}, {"keep_symmetry": 0.0}]
)
def test_impossible_relaxation_settings_are_refused(bad: dict) -> None:
    with pytest.raises(NucleateError, match="hint"):
        RelaxSettings(**bad)


def test_single_points_are_kept_and_do_not_move(tmp_path: Path) -> None:
    cache = tmp_path / "cache.sqlite"
    cells = ALLOYS
    points = single_points(
        [*cells, cells[0]._replace(lattice=cells[0].lattice * 0.3)], EMT, work=Work(cache=cache)
    )
    assert [p.energy for p in points[:-1]] == [EMT.energy(cell) for cell in cells]
    assert (points[-1].energy, points[-1].reason) == (None, "too_dense")
    assert single_points(cells, BrokenPotential(ValueError()))[0].reason == "failed"
    assert single_points(cells, EMT, work=Work(cache=cache)) == points[:-1]
    assert len(Store(cache, NAMESPACE)) == len(points)


def test_chgnet_brings_rock_salt_back() -> None:
    perfect = known_crystals()[1].get_primitive_structure()
    settings = RelaxSettings(max_steps=60)
    moved, exact = relax(
        [rattled(perfect, 0.15, 0.03), Cell.of(perfect)], potential_named("chgnet"), settings
    )
    assert moved.converged
    assert moved.cell is not None
    assert exact.energy_per_atom is not None
    assert moved.energy_per_atom == pytest.approx(exact.energy_per_atom, abs=2e-3)
    assert StructureMatcher(0.1, 0.1, 3, scale=False).fit(moved.cell.to_structure(), perfect)
    assert abs(np.linalg.det(moved.cell.lattice)) == pytest.approx(185 / 4, rel=0.04)


def test_a_relaxation_that_runs_away_is_noticed() -> None:
    chgnet = potential_named("chgnet")
    near = Cell(np.array([11]), np.zeros((1, 3)), np.diag([4.0, 7.0, 7.0]))
    assert module._lost(near, -1.0, chgnet) == ""
    assert module._lost(near._replace(lattice=7 * np.eye(3)), -1.0, chgnet) == "isolated_atom"
    assert module._lost(near._replace(lattice=near.lattice * 0.2), -1.0, chgnet) == "diverged"
    assert module._lost(near._replace(lattice=near.lattice + np.inf), -1.0, chgnet) == "diverged"
    assert module._lost(near, float("inf"), chgnet) == "diverged"


def breathing(kind: str) -> Cell:
    """A crystal of P4/mmm pushed out of its minimum within its space group: wrong lengths, or heights of atoms too."""
    if kind == "lengths":
        return Cell.of(Structure(Lattice.tetragonal(2.6, 4.2), ["Cu", "Au"], [[0, 0, 0], [0.5, 0.5, 0.5]]))
    places = [[0, 0, 0], [0, 0, 0.5], [0.5, 0.5, 0.22], [0.5, 0.5, 0.78]]
    return Cell.of(Structure(Lattice.tetragonal(2.75, 7.6), ["Cu", "Au", "Cu", "Cu"], places))


def group(cell: Cell, symprec: float = 1e-3) -> int:
    import moyopy

    given = moyopy.Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist())
    return moyopy.MoyoDataset(given, symprec=symprec).number


@pytest.mark.parametrize("kind", ["lengths", "heights"])
def test_symmetry_is_kept_and_the_minimum_is_that_of_a_free_run(kind: str) -> None:
    cell = breathing(kind)
    assert group(cell) == 123
    free, kept = (relax([cell], EMT, RelaxSettings(0.005, 600, keep_symmetry=tol))[0] for tol in (None, 0.05))
    assert (free.converged, kept.converged) == (True, True)
    assert kept.cell is not None
    assert free.cell is not None
    assert group(kept.cell) == 123
    assert kept.energy_drop_per_atom is not None
    assert kept.energy_drop_per_atom > 0.01
    assert kept.energy == pytest.approx(free.energy, abs=2e-3)
    assert np.linalg.det(kept.cell.lattice) == pytest.approx(np.linalg.det(free.cell.lattice), rel=0.01)
    assert kept.fmax is not None
    assert kept.fmax < 0.005


def test_a_drawn_crystal_is_relaxed_in_its_intended_space_group() -> None:
    """A little noise is P1; relaxed freely it ends near the prototype, with symmetry kept exactly in it."""
    cell = rattled(copper_gold()["Cu3Au"], 0.02, 0.002)
    assert group(cell) == 1
    free, kept = (relax([cell], EMT, RelaxSettings(keep_symmetry=tol))[0] for tol in (None, 0.2))
    assert free.cell is not None
    assert kept.cell is not None
    assert group(free.cell, 1e-4) < 221
    assert group(kept.cell, 1e-4) == 221
    assert kept.initial_energy == free.initial_energy == EMT.energy(cell)
    assert kept.energy_per_atom == pytest.approx(free.energy_per_atom, abs=2e-3)


def test_symmetry_is_kept_in_a_fixed_cell() -> None:
    cell = breathing("heights")
    (one,) = relax([cell], EMT, RelaxSettings(cell=False, keep_symmetry=0.05))
    assert one.cell is not None
    np.testing.assert_allclose(one.cell.lattice, cell.lattice, atol=1e-6)
    assert group(one.cell) == 123
    assert one.energy_drop_per_atom is not None
    assert one.energy_drop_per_atom > 0


def test_the_error_of_a_failed_potential_is_kept() -> None:
    sodium = Cell.of(fcc("Na", 5.3))
    (one,) = relax([sodium], EMT)
    assert one.reason == "failed"
    assert "Na" in one.detail
    double = Cell(np.array([29, 29]), np.array([[0, 0, 0], [0.01, 0, 0]]), 3.6 * np.eye(3))
    (one,) = relax([double], EMT, RelaxSettings(keep_symmetry=0.1))
    assert one.reason == "no_symmetry"
    assert "no space group can be found within 0.1 Å" in one.detail


def test_every_result_is_reported_as_it_comes(tmp_path: Path) -> None:
    cache, told = tmp_path / "cache.sqlite", []
    relax(ALLOYS[:1], EMT, ONE_STEP, work=Work(cache=cache))
    found = relax(
        [*ALLOYS, ALLOYS[0]],
        EMT,
        ONE_STEP,
        work=Work(cache=cache),
        on_result=lambda place, one: told.append((place, one)),
    )
    assert sorted(place for place, _ in told) == list(range(len(ALLOYS) + 1))
    assert all(same(one, found[place]) for place, one in told)
    assert all(one.seconds > 0 and one.fmax is not None for one in found)
