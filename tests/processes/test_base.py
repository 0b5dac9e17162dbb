"""What all processes inherit: the loss of a crystal is an average over its own atoms."""

from __future__ import annotations

import pytest
import torch

from nucleate.processes.base import Noised
from nucleate.processes.gaussian import Gaussian, GaussianSettings


def test_the_loss_is_the_mean_over_real_atoms_times_the_weight(mask):
    """Crystals of 3, 1 and 5 atoms, each padded to 6, counted by hand: atom number i is wrong by i + 1 everywhere."""
    process = Gaussian(GaussianSettings(), name="species", width=4, level="atom")
    wrong = torch.arange(1.0, 7.0).expand(3, 6).unsqueeze(-1).expand(3, 6, 4)
    noised = Noised({}, torch.zeros(3, 6, 4), torch.tensor([1.0, 1.0, 10.0]))
    loss = process.loss(wrong, noised, mask)
    assert loss.tolist() == pytest.approx([(1 + 4 + 9) / 3, 1, 10 * (1 + 4 + 9 + 16 + 25) / 5])


def test_the_loss_of_a_cell_is_the_mean_over_its_channels(mask):
    noised = Noised({}, torch.zeros(3, 2), torch.tensor([1.0, 2.0, 0.0]))
    loss = Gaussian(GaussianSettings(), width=2).loss(torch.tensor([[3.0, 1.0]] * 3), noised, mask)
    assert loss.tolist() == [5, 10, 0]
