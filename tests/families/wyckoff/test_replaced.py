"""Sequences with another element: those of the crystals with that element."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.cell import Cell
from nucleate.families.wyckoff.replaced import ReplacedSequences
from nucleate.families.wyckoff.sequences import Sequences
from nucleate.families.wyckoff.trainable import SequenceExamples
from nucleate.geometry.noise import Noise
from nucleate.prototypes.files import read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.shipped import INDEX
from nucleate.runs.replacing import KNOWN, knowledge_of, with_replaced
from nucleate.symmetry.finding import find_sites
from nucleate.training.replaced import with_another

PARTS = ("group", "position", "element", "asked", "counts")


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    index: Index = read_index(INDEX).of_sources({"mp_20"})
    rows = np.random.default_rng(3).permutation(len(index))[:150]
    return [index.cell(int(row)) for row in rows]


def examples_of(cells: list[Cell], share: float = 1.0) -> ReplacedSequences:
    plain = SequenceExamples.__new__(SequenceExamples)
    plain.sequences = Sequences.of([find_sites(cell).canonical() for cell in cells])
    plain.sizes, plain.device = plain.sequences.sites.numpy() + 2, torch.device("cpu")
    plain.ids = [str(number) for number in range(len(cells))]
    found = with_replaced(plain, share, knowledge_of(Path(KNOWN), write=False))
    assert isinstance(found, ReplacedSequences)
    return found


def shown(examples: ReplacedSequences):
    """All examples as they are, as a step shows them, and what was drawn."""
    rows = torch.arange(len(examples.ids))
    tensors = examples.tensors(rows, int(examples.sizes.max()))
    return tensors, examples.varied(tensors, Noise.of(0, rows).keys)


def test_they_are_the_sequences_of_the_crystals_with_that_element(cells: list[Cell]) -> None:
    plain, other = shown(examples_of(cells))
    moved = 0
    for row, cell in enumerate(cells):
        before, after = ({int(z) for z in each["asked"][row] if z} for each in (plain, other))
        if before == after:
            continue
        (old,), (new,) = before - after, after - before
        species = with_another(*map(torch.tensor, ([cell.species.tolist()], [True], [old], [new])))
        same = Cell(species[0].numpy(), cell.frac, cell.lattice)
        expected = Sequences.of([find_sites(same).canonical()])
        for name in PARTS:
            got, want = other[name][row], getattr(expected, name)[0]
            assert got[: want.numel()].tolist() == want.tolist() if want.ndim else got == want
            assert not want.ndim or not got[want.numel() :].any()
        naive = torch.where(plain["element"][row] == old, new, plain["element"][row])
        moved += naive.tolist() != other["element"][row].tolist()
    assert moved >= 3  # of which another description is the canonical one now


def test_only_what_was_drawn_changes(cells: list[Cell]) -> None:
    examples = examples_of(cells, 0.4)
    plain, other = shown(examples)
    changed = (plain["asked"] != other["asked"]).any(1)
    assert changed.float().mean() == pytest.approx(0.4, abs=0.12)
    for name in PARTS:
        assert torch.equal(other[name][~changed], plain[name][~changed])
    plain, other = shown(examples_of(cells, 0.0))
    assert all(torch.equal(plain[name], other[name]) for name in PARTS)


def test_the_same_keys_draw_the_same(cells: list[Cell]) -> None:
    examples = examples_of(cells, 0.5)
    rows = torch.arange(len(cells))
    tensors, first = shown(examples)
    changed = (tensors["asked"] != first["asked"]).any(1)
    assert changed.float().mean() == pytest.approx(0.5, abs=0.12)
    again, later = (examples.varied(tensors, Noise.of(0, rows).at(step).keys) for step in (4, 5))
    assert torch.equal(again["asked"], examples.varied(tensors, Noise.of(0, rows).at(4).keys)["asked"])
    assert not torch.equal(again["asked"], later["asked"])
