"""The study of superconductors: what it draws, which rows it keeps, and what is left of relaxed crystals."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import superconductors_relaxed
import superconductors_ways
import targets
from nucleate.cell import Cell
from nucleate.records.verdicts import Verdict
from steered_draws import Method
from superconductors import _chosen, in_order
from superconductors_relaxed import relaxed
from superconductors_table import relaxed as table
from superconductors_ways import Best, drawn, ways


def salt(z: int) -> Cell:
    return Cell(
        np.array([z, 17]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), 2.8 * (np.ones((3, 3)) - np.eye(3))
    )


CELLS = [salt(z) for z in (3, 11, 17, 37, 55, 29, 47, 79)]
"""Salts, and chlorine alone."""


def test_another_base_gets_the_rows_of_the_first_with_its_own_adapter() -> None:
    mine = ways({"rewards A": "tuned/model"}, {"OMatG": "runs/omatg/model"})
    names = [name for name in mine if name.startswith("OMatG: ")]
    assert [name[7:] for name in names] == [
        "nothing asked", "rejection: best of 4", "predictor pulls", "tc, w = 0", "tc, w = 2",
        "tc, w = 2, predictor pulls",
    ]  # fmt: skip
    methods = {name: way.method if isinstance(way, Best) else way for name, way in mine.items()}
    assert {methods[name].model for name in names} == {"runs/omatg/model"}
    assert methods["OMatG: tc, w = 0"].adapters == ("omatg-tc",)
    assert not methods["OMatG: tc, w = 0"].guidance
    assert methods["OMatG: tc, w = 2"].guidance == {"tc": 2}
    assert methods["rewards A"] == Method("rewards-a", model="tuned/model")
    folders = [method.name for name, method in methods.items() if not name.startswith("OMatG: rejection")]
    assert len(set(folders)) == len(folders)


def test_rejection_takes_the_best_of_the_draws_of_which_nothing_asked_shows_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    calls: list[int] = []

    def draw(method: Method, n: int, *more: Any) -> list[Cell]:
        calls.append(n)
        return CELLS[:n]

    temperatures = np.array([0.0, 9, 1, 2, 3, 4, 5, 6])
    said = {cell.formula: tc for cell, tc in zip(CELLS, temperatures, strict=True)}
    monkeypatch.setattr(superconductors_ways, "draw", draw)
    monkeypatch.setattr(
        targets, "judged", lambda cells, half, names: {"tc": np.array([said[one.formula] for one in cells])}
    )
    asked = argparse.Namespace(n=2, draws=tmp_path, halves=tmp_path)
    mine = ways({}, {"OMatG": "model"})
    bench: Any = None
    first = drawn("OMatG: nothing asked", mine, bench, 0, asked)
    best = drawn("OMatG: rejection: best of 4", mine, bench, 0, asked)
    assert calls == [8, 8]
    assert first == CELLS[:2]
    assert [said[one.formula] for one in best if one is not None] == [9, 6]


def test_rows_that_are_not_asked_for_stay_behind_the_others() -> None:
    rows = {"rewards A": 1, "b": 2, "a": 3, "rewards C": 4}
    assert list(in_order(rows, ["a", "b", "c"])) == ["a", "b", "rewards A", "rewards C"]


def test_a_way_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="no way is called 'orderd'"):
        _chosen(argparse.Namespace(ways=["orderd"]), ways({}, {}))


def test_of_relaxed_crystals_the_new_stable_ones_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """Eight draws, one known: six relax, four are stable, one of these turns out known, two are new and above 10 K."""
    module = superconductors_relaxed
    known = {CELLS[0].formula}

    def new_ones(cells: list[Cell], _: Any) -> np.ndarray:
        return np.array([cell.formula not in known for cell in cells])

    def relaxing(**settings: Any) -> Any:
        assert settings["most"] == 0.2
        return SimpleNamespace(
            judge=lambda waiting, work: [Verdict.passed(one.cell) if place else Verdict.failed("not converged")
                                         for place, one in enumerate(waiting)]
        )  # fmt: skip

    def placing(**settings: Any) -> Any:
        energies = [-0.01, 0.05, 0.0, 0.09, 0.15, 0.3]

        def judge(came: list[Any], work: Any) -> list[Verdict]:
            known.add(came[1].cell.formula)
            values = [{"chgnet.e_above_hull": energy} for energy in energies[: len(came)]]
            return [
                Verdict.passed(values=one)
                if one["chgnet.e_above_hull"] <= settings["most"]
                else Verdict.rejected("above the hull")
                for one in values
            ]

        return SimpleNamespace(judge=judge)

    def judged(cells: list[Cell], half: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        assert half == "second"
        return {
            "tc": np.array([12.0, 15, 11, 1])[: len(cells)],
            "band_gap": np.array([0.0, 0, 2, 0]),
            "tc_familiar": np.ones(4),
        }

    for name, double in (
        ("new_ones", new_ones),
        ("Relax", relaxing),
        ("AboveHull", placing),
        ("judged", judged),
    ):
        monkeypatch.setattr(module, name, double)
    asked = argparse.Namespace(draws=tmp_path, data=tmp_path)
    found = relaxed(list(CELLS), None, 8, asked)
    assert (found["relaxed"], found["converged"]) == (7, 6)
    shares = {
        key: round(7 * found[key]["value"])
        for key in ("stable", "sun", "sun_0", "sun_10", "credible_10", "compounds_10")
    }
    assert shares == {"stable": 4, "sun": 3, "sun_0": 2, "sun_10": 2, "credible_10": 1, "compounds_10": 0}
    assert found["reasons"] == {"above the hull": 2, "not converged": 1}
    assert (
        table({"tc": {"relaxed": found}, "others": {}})
        .splitlines()[2]
        .startswith("| tc | 7 | 57 % (25 to 84)")
    )
