"""Results of calculations go back into the ledger, once, to their candidates; the command says what it found."""

from __future__ import annotations

from pathlib import Path

import ase.io
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from typer.testing import CliRunner

from nucleate.cli.main import app
from nucleate.errors import DataError
from nucleate.funnel.ingest import ingest
from nucleate.funnel.run import run
from nucleate.records.computed import computed
from nucleate.records.ledger import Ledger
from nucleate.work import Work
from tests.funnel.crystals import caesium_chloride, plan_of, rocksalt, write_crystals


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished funnel with inputs for GPAW of two salts; the third was rejected."""
    write_crystals(tmp_path / "given.extxyz", [rocksalt(), caesium_chloride(), rocksalt(length=2.0)])
    plan = plan_of(tmp_path, 'kind = "sanitise"', 'kind = "calculations"\ncodes = ["gpaw"]\nrelax = false')
    run(plan, tmp_path / "out", Work())
    return tmp_path / "out"


def finish(path: Path, cell, energy: float) -> None:
    atoms = cell.to_atoms()
    atoms.calc = SinglePointCalculator(atoms, energy=energy)
    ase.io.write(path, atoms)


def test_results_return_to_their_candidates_once(folder: Path, tmp_path: Path) -> None:
    inputs = sorted((folder / "calculations").iterdir())
    assert [one.name for one in inputs] == ["given-0000000", "given-0000001"]
    finish(inputs[0] / "gpaw" / "result.traj", rocksalt(length=5.7), -6.8)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    finish(elsewhere / "a.traj", caesium_chloride(), -6.6)
    finish(elsewhere / "b.traj", rocksalt(19, 53, 7.0), -5.0)
    first = ingest(folder, folder / "calculations")
    assert (len(first.rows), first.new, first.rows[0]["by"]) == (1, 1, "provenance")
    assert first.rows[0]["energy_per_atom"] == -3.4
    assert first.rows[0]["volume_change"] == pytest.approx((5.7 / 5.64) ** 3 - 1)
    assert ingest(folder, folder / "calculations").new == 0
    other = ingest(folder, elsewhere)
    assert [(one.candidate, one.by) for one in other.matches] == [("given-0000001", "structure"), ("", "")]
    assert other.new == 1
    with Ledger.existing(folder) as ledger:
        kept = computed(ledger)
        assert [row["candidate"] for _, row in kept] == ["given-0000000", "given-0000001"]
        number = ledger.number_of("given-0000001")
        assert [row["energy_per_atom"] for _, row in computed(ledger, number)] == [-3.3]


def test_the_command(folder: Path, tmp_path: Path) -> None:
    finish(folder / "calculations" / "given-0000000" / "gpaw" / "result.traj", rocksalt(), -6.8)
    told = CliRunner().invoke(app, ["discover", "ingest", str(folder), str(folder / "calculations")])
    assert told.exit_code == 0
    assert "given-0000000" in told.output
    assert "-3.4000" in told.output
    assert "1 of 1 results belong to candidates, 1 of them new" in told.output
    finish(tmp_path / "b.traj", rocksalt(19, 53, 7.0), -5.0)
    told = CliRunner().invoke(app, ["discover", "ingest", str(folder), str(tmp_path / "b.traj")])
    assert told.exit_code == 1
    assert "no candidate has its composition" in told.output


def test_no_ledger_and_no_results(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no ledger"):
        ingest(tmp_path, folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no results"):
        ingest(folder, tmp_path / "empty")
