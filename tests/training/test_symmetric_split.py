"""Training under symmetry: crystals made exact, operations found once, losses of states that obey."""

from __future__ import annotations

import errno
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch

from nucleate.data.table import CrystalTable
from nucleate.errors import NucleateError
from nucleate.geometry.noise import Noise
from nucleate.runs.train import _symmetric
from nucleate.training import symmetric_split
from nucleate.training.symmetric_split import SymmetricFeed, SymmetricSplit
from tests.model.test_symmetric import FRAC, model
from tests.symmetry.test_template import RUTILE, WURTZITE, shaken

CELLS = [shaken(RUTILE, 0.01), shaken(WURTZITE, 0.4), shaken(WURTZITE, 0.01)]


def table() -> CrystalTable:
    sizes = [len(cell.species) for cell in CELLS]
    return CrystalTable(
        ["rutile", "nothing", "wurtzite"],
        np.concatenate([cell.species for cell in CELLS]),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([cell.frac for cell in CELLS]) % 1,
        np.stack([cell.lattice for cell in CELLS]),
    )


def test_crystals_are_made_exact_and_others_left() -> None:
    split = SymmetricSplit.of(table())
    assert [one is None for one in split.freedoms] == [False, True, False]
    np.testing.assert_array_equal(split.table.cell(1).frac, table().cell(1).frac)
    np.testing.assert_array_equal(split.table.cell(1).lattice, table().cell(1).lattice)
    rutile = split.table.cell(0)
    np.testing.assert_allclose(rutile.lattice @ rutile.lattice.T, np.diag([4.6**2, 4.6**2, 3**2]), atol=0.5)
    assert abs(np.linalg.norm(rutile.lattice[0]) - np.linalg.norm(rutile.lattice[1])) < 1e-12


def test_operations_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run" / "symmetry.npz"
    first = SymmetricSplit.of(table(), file)
    monkeypatch.setattr(symmetric_split, "_freedom", None)
    again = SymmetricSplit.of(table(), file)
    for one, other in zip(first.freedoms, again.freedoms, strict=True):
        assert (one is None) == (other is None)
        for field in fields(one) if one else ():
            left, right = getattr(one, field.name), getattr(other, field.name)
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


def test_a_file_of_another_split_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "symmetry.npz"
    SymmetricSplit.of(table(), file)
    other = replace(table(), ids=["a", "b", "c"])
    file_of_other = SymmetricSplit.of(other.select([1, 0, 2]), file)
    assert file_of_other.freedoms[0] is None
    file.write_bytes(b"broken")
    assert SymmetricSplit.of(table(), file).freedoms[1] is None


def test_a_write_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(out: IO[bytes], **arrays: np.ndarray) -> None:
        out.write(b"half of it")
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(np, "savez_compressed", cut)
    with pytest.raises(NucleateError, match="no space left on the disk"):
        SymmetricSplit.of(table(), tmp_path / "run" / "symmetry.npz")
    assert list((tmp_path / "run").iterdir()) == []


@dataclass
class Rank:
    """One of two processes, as Fabric describes it: nothing fails in the first one."""

    global_rank: int
    world_size: int = 2

    def broadcast(self, failed: bool) -> bool:
        return failed if self.global_rank == 0 else False


def test_only_the_first_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "symmetry.npz"
    assert _symmetric(Rank(1), table(), file).freedoms[1] is None
    assert not file.exists()
    _symmetric(Rank(0), table(), file)
    monkeypatch.setattr(symmetric_split, "_freedom", None)
    assert _symmetric(Rank(1), table(), file).freedoms[0] is not None


def test_the_loss_is_of_symmetric_crystals() -> None:
    split, one = SymmetricSplit.of(table()), model(FRAC["kinetic"])
    crystals = split.table.batch([0, 1, 2])
    rules = split.rules(np.arange(3), one, crystals.mask)
    shown: list[dict[str, torch.Tensor]] = []
    one.network.register_forward_pre_hook(lambda _, given: shown.append(given[0]))
    losses = one.loss(crystals, torch.tensor([0.2, 0.5, 0.8]), Noise.of(0, torch.arange(3)), rules)
    assert all(torch.isfinite(loss).all() for loss in losses.values())
    gap = rules.projection.positions(shown[0]["frac"]) - shown[0]["frac"]
    assert (gap - gap.round()).abs().max() < 1e-5
    feed = SymmetricFeed(split, torch.device("cpu"), one)
    tensors = feed.tensors(torch.arange(3), 6)
    by_feed = one(**tensors, t=torch.tensor([0.2, 0.5, 0.8]), keys=Noise.of(0, torch.arange(3)).keys)
    torch.testing.assert_close(by_feed, losses)
    free = one.loss(crystals, torch.tensor([0.2, 0.5, 0.8]), Noise.of(0, torch.arange(3)))
    # a crystal without symmetry is trained as it was
    assert torch.equal(losses["frac"][1], free["frac"][1])
    assert not torch.equal(losses["frac"][0], free["frac"][0])
