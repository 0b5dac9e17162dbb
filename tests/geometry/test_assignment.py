"""The assignment of least cost, against all permutations, with padding and bad input."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from nucleate.geometry.assignment import assign, squared_distances


def test_every_crystal_gets_the_best_of_all_permutations(mask):
    cost = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0))
    chosen = assign(cost, mask)
    for row, table, size in zip(chosen.tolist(), cost, mask.sum(1).tolist(), strict=True):
        best = min(
            permutations(range(size)), key=lambda order: sum(table[i, j].item() for i, j in enumerate(order))
        )
        assert row[:size] == list(best)
        assert row[size:] == list(range(size, 6))


def test_real_atoms_that_are_not_the_first_are_paired_among_themselves():
    mask = torch.tensor([[False, True, False, True]])
    cost = torch.zeros(1, 4, 4)
    cost[0, 1, 1] = cost[0, 3, 3] = 1.0
    assert assign(cost, mask).tolist() == [[0, 3, 2, 1]]


def test_padding_may_hold_anything(mask):
    cost = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(1))
    real = mask.unsqueeze(2) & mask.unsqueeze(1)
    assert torch.equal(assign(cost, mask), assign(cost.masked_fill(~real, float("nan")), mask))


def test_distances_are_those_of_the_nearest_images():
    one, other = torch.tensor([[[0.05, 0.5, 0.9]]]), torch.tensor([[[0.95, 0.4, 0.2]]])
    assert squared_distances(one, other, periodic=True).item() == pytest.approx(0.1**2 + 0.1**2 + 0.3**2)
    assert squared_distances(one, other, periodic=False).item() == pytest.approx(0.9**2 + 0.1**2 + 0.7**2)


def test_an_atom_across_the_border_is_near():
    data = torch.tensor([[[0.02, 0.0, 0.0], [0.5, 0.0, 0.0]]])
    drawn = torch.tensor([[[0.45, 0.0, 0.0], [0.97, 0.0, 0.0]]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert assign(squared_distances(data, drawn, True), mask).tolist() == [[1, 0]]
    assert assign(squared_distances(data, drawn, False), mask).tolist() == [[0, 1]]


def test_costs_that_are_not_finite_are_refused():
    cost = torch.full((1, 2, 2), float("nan"))
    with pytest.raises(ValueError, match="must be finite"):
        assign(cost, torch.ones(1, 2, dtype=torch.bool))
