"""Symmetric relaxation and races: the minima of `relax` in fewer evaluations, stops, budgets, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nucleate.energies.racing as racing
from nucleate.cell import Cell
from nucleate.energies.potentials import potential_named
from nucleate.energies.racing import OUT_OF_BUDGET, STOPPED, Raced, RaceSettings, race, race_all
from nucleate.energies.relax import REASONS, Relaxed, RelaxSettings, relax
from nucleate.energies.symmetric import DescentSettings, relax_symmetric
from nucleate.errors import NucleateError
from nucleate.work import Work
from tests.energies.crystals import EMT, BrokenPotential, copper_gold, fcc, rattled
from tests.energies.test_free_parameters import polar

TIGHT = DescentSettings(fmax=0.005)
L12 = Cell.of(copper_gold()["Cu3Au"])


def stretched(cell: Cell, *factors: float) -> Cell:
    return cell._replace(lattice=cell.lattice @ np.diag(factors))


def four() -> list[Cell]:
    """Cu3Au as L1_2, ordered along one axis, and both far from their minima."""
    return [
        stretched(polar(), 1, 1, 1.06),
        stretched(L12, 1.05, 1.05, 1.05),
        stretched(L12, 1.6, 1, 1.2),
        polar(),
    ]


def same(one: Relaxed, other: Relaxed) -> bool:
    cells = [found.cell and [part.tolist() for part in found.cell] for found in (one, other)]
    numbers = [(found.energy, found.initial_energy, found.steps, found.reason) for found in (one, other)]
    return cells[0] == cells[1] and numbers[0] == numbers[1]


def test_the_minima_are_those_of_relax_in_fewer_evaluations() -> None:
    cells = [*four()[:2], rattled(copper_gold()["CuAu"]), rattled(copper_gold()["CuAu3"], seed=2)]
    fast = relax_symmetric(cells, EMT, TIGHT)
    slow = relax(cells, EMT, RelaxSettings(fmax=0.005, max_steps=500))
    for one, other in zip(fast, slow, strict=True):
        assert one.converged
        assert other.converged
        assert one.energy == pytest.approx(other.energy, abs=2e-3)
        assert one.initial_energy == pytest.approx(other.initial_energy, abs=1e-6)
        assert one.steps < other.steps / 3


def test_forces_are_below_fmax() -> None:
    for one in relax_symmetric(four(), EMT):
        assert one.cell is not None
        said = EMT.evaluate([one.cell])[0]
        assert one.converged
        assert np.linalg.norm(said.forces, axis=1).max() < 0.06
        assert np.linalg.norm(said.stress * one.cell.volume / len(one.cell.species), axis=1).max() < 0.06


def test_rock_salt_like_crystals_need_a_handful() -> None:
    (one,) = relax_symmetric([Cell.of(fcc("Cu", 3.75))], EMT, TIGHT)
    assert one.steps <= 6
    assert one.cell is not None
    assert np.allclose(one.cell.lattice, one.cell.lattice[0, 0] * np.eye(3), atol=1e-9)
    assert one.cell.lattice[0, 0] == pytest.approx(3.59, abs=0.02)


def test_a_fixed_cell_stays() -> None:
    (one,) = relax_symmetric([polar()], EMT, replace(TIGHT, cell=False))
    assert one.cell is not None
    assert one.converged
    assert np.allclose(one.cell.lattice, polar().lattice)
    assert not np.allclose(one.cell.frac, polar().frac, atol=1e-3)


def test_batch_order_and_processes_change_nothing(tmp_path: Path) -> None:
    together = relax_symmetric(four(), EMT)
    assert all(map(same, relax_symmetric(four()[::-1], EMT)[::-1], together))
    assert all(map(same, relax_symmetric(four(), EMT, work=Work.local(2)), together))
    cached = Work(cache=tmp_path / "kept.sqlite")
    assert all(map(same, relax_symmetric(four(), EMT, work=cached), together))
    again = relax_symmetric(four(), BrokenPotential(ValueError("asked again")), work=cached)
    assert [one.reason for one in again] == ["failed"] * 4, "another potential has results of its own"
    assert all(map(same, relax_symmetric(four(), EMT, work=cached), together))


def test_a_race_finds_what_relaxing_all_finds() -> None:
    cells = four()
    found = race(cells, EMT, RaceSettings(TIGHT))
    every = relax(cells, EMT, RelaxSettings(fmax=0.005, max_steps=500))
    energies = [one.energy_per_atom for one in every]
    assert [one.energy_per_atom is None for one in every] == [False] * 4
    winner = int(np.argmin(np.array(energies, dtype=float)))
    assert found[winner].place == 1
    assert found[winner].above == 0.0
    assert found[winner].status == "relaxed"
    assert found[winner].energy_per_atom == pytest.approx(energies[winner], abs=1e-3)
    assert sorted(one.place for one in found) == [1, 2, 3, 4]
    assert sum(one.relaxed.steps for one in found) < sum(one.steps for one in every) / 3
    assert all(one.relaxed.seconds > 0 for one in found)


def test_losing_candidates_are_stopped_and_marked() -> None:
    cells, certain = [L12, stretched(L12, 1.6, 1, 1.2)], RaceSettings(doubt=1)
    good, bad = race(cells, EMT, certain)
    assert (good.status, bad.status) == ("relaxed", STOPPED)
    assert bad.above is not None
    assert bad.above > certain.margin
    assert bad.detail == f"stopped: {1000 * bad.above:.0f} meV/atom above the best"
    alone = race(cells, EMT, RaceSettings(margin=1e6))[1]
    assert alone.status != STOPPED
    assert alone.relaxed.steps > bad.relaxed.steps


def test_no_candidate_is_stopped_before_its_rounds() -> None:
    cells = [L12, stretched(L12, 1.6, 1, 1.2)]
    counts = [
        race(cells, EMT, RaceSettings(doubt=1, margin=0, rounds=rounds))[1].relaxed.steps for rounds in (1, 4)
    ]
    assert counts[0] < 4
    assert counts[1] == 4


def test_a_budget_of_evaluations_is_kept() -> None:
    everything = race(four(), EMT)
    for limit in (1, 5, 9):
        found = race(four(), EMT, RaceSettings(evaluations=limit))
        assert sum(one.relaxed.steps for one in found) == limit
        assert OUT_OF_BUDGET in {one.status for one in found}
        assert [one.status for one in found if one.relaxed.cell is None] == [OUT_OF_BUDGET] * max(
            0, 4 - limit
        )
    plenty = race(four(), EMT, RaceSettings(evaluations=10_000))
    assert all(same(one.relaxed, other.relaxed) for one, other in zip(plenty, everything, strict=True))


def test_a_budget_of_seconds_evaluates_all_once() -> None:
    found = race(four(), EMT, RaceSettings(seconds=1e-9))
    assert [one.relaxed.steps for one in found] == [1] * 4
    assert {one.status for one in found} == {OUT_OF_BUDGET}
    assert sorted(one.place for one in found) == [1, 2, 3, 4]


def test_races_are_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(cache=tmp_path / "kept.sqlite")
    race(four(), EMT, RaceSettings(seconds=1e-9), work)
    first = race(four(), EMT, work=work)
    assert {one.status for one in first} != {OUT_OF_BUDGET}, "what ran out of time was kept"

    def no(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(racing, "advance", no)
    again = race(four(), EMT, work=work)
    assert all(same(one.relaxed, other.relaxed) for one, other in zip(first, again, strict=True))
    assert [(one.place, one.status, one.detail, one.above) for one in again] == [
        (one.place, one.status, one.detail, one.above) for one in first
    ]
    with pytest.raises(AssertionError, match="asked again"):
        race(four(), EMT, RaceSettings(margin=0.5), work)


def test_races_of_many_compositions_are_those_of_each(tmp_path: Path) -> None:
    groups = [four()[:2], [Cell.of(fcc("Cu", 3.7)), Cell.of(fcc("Cu", 4.0))], []]
    alone = [race(group, EMT) for group in groups]
    for work in (Work(), Work.local(2, cache=tmp_path / "kept.sqlite")):
        for one, other in zip(race_all(groups, EMT, work=work), alone, strict=True):
            assert [found.place for found in one] == [found.place for found in other]
            assert all(same(a.relaxed, b.relaxed) for a, b in zip(one, other, strict=True))


def test_a_failed_candidate_does_not_spoil_the_race() -> None:
    chgnet = potential_named("chgnet")
    strange = [L12._replace(frac=L12.frac * np.nan), stretched(L12, 0.4, 0.4, 0.4)]
    found = race([strange[0], L12, strange[1]], EMT)
    assert [one.status for one in found] == ["not_finite", "relaxed", "too_dense"]
    assert [one.place for one in found] == [2, 1, 3]
    assert [one.above for one in found] == [None, 0.0, None]
    assert {one.status for one in race(strange, chgnet)} == {"not_finite", "too_dense"}
    assert race([], EMT) == []


def test_a_failing_potential_is_reported_as_such() -> None:
    for given, reason in ((float("nan"), "diverged"), (ValueError("no"), "failed")):
        found: list[Raced] = race([L12, polar()], BrokenPotential(given))
        assert [one.status for one in found] == [reason] * 2
        assert reason in REASONS
        (one,) = relax_symmetric([L12], BrokenPotential(given))
        assert one.reason == reason
        assert one.detail == ("no" if reason == "failed" else "")


def test_a_race_is_of_one_composition() -> None:
    with pytest.raises(NucleateError, match="2 compositions are in one race") as caught:
        race([L12, Cell.of(fcc("Cu", 3.6))], EMT)
    assert "by themselves" in caught.value.hint
    twice = L12._replace(
        species=np.tile(L12.species, 2),
        frac=np.concatenate([L12.frac, L12.frac + np.eye(3)[0]]) / [2, 1, 1],
        lattice=L12.lattice * [[2], [1], [1]],
    )
    first, second = race([L12, twice], EMT, RaceSettings(TIGHT))
    assert first.energy_per_atom == pytest.approx(second.energy_per_atom, abs=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"margin": -1.0}, {"doubt": 0.5}, {"rounds": 0}, {"evaluations": 0}, {"seconds": -1.0}]
)
def test_impossible_races_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(NucleateError):
        RaceSettings(**wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "wrong", [{"fmax": 0.0}, {"max_evaluations": 0}, {"symprec": -1.0}, {"timeout": -1.0}]
)
def test_impossible_descents_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(NucleateError):
        DescentSettings(**wrong)  # pyright: ignore[reportArgumentType]
