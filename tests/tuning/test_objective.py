"""Advantages, the clipped objective and the distance against numbers by hand and gradients of a toy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nucleate.tuning.objective import advantages, clipped, distance


def test_advantages_are_relative_to_the_group():
    found = advantages(np.array([1.0, 3.0, 5.0, 5.0, 0.2]), np.array([0, 0, 1, 1, 2]))
    assert found.tolist() == [-1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("new", "advantage", "expected"),
    [
        (0.1, 2.0, -2.0 * np.exp(0.1)),
        (0.5, 2.0, -2.0 * 1.2),
        (-0.5, 2.0, -2.0 * np.exp(-0.5)),
        (0.5, -2.0, 2.0 * np.exp(0.5)),
        (-0.5, -2.0, 2.0 * 0.8),
        (100.0, 1.0, -1.2),
    ],
)
def test_the_clipped_objective(new, advantage, expected):
    said = clipped(torch.tensor([new]), torch.zeros(1), torch.tensor([advantage]), 0.2)
    assert said.item() == pytest.approx(expected, rel=1e-5)


def test_gradients_of_a_toy_policy():
    """A choice among three: before the first step the gradient is that of REINFORCE, sum over draws of A d log p."""
    logits = torch.tensor([0.1, -0.3, 0.6], dtype=torch.float64, requires_grad=True)
    chosen, worth = torch.tensor([0, 2, 1, 2]), torch.tensor([1.5, -0.5, -2.0, 1.0], dtype=torch.float64)
    new = torch.log_softmax(logits, 0)[chosen]
    clipped(new, new.detach(), worth, 0.2).sum().backward()
    probabilities = torch.softmax(logits.detach(), 0)
    expected = -((torch.eye(3, dtype=torch.float64)[chosen] - probabilities) * worth[:, None]).sum(0)
    torch.testing.assert_close(logits.grad, expected)


def test_a_clipped_draw_has_no_gradient():
    new = torch.tensor([0.5, -0.5, 0.1], requires_grad=True)
    clipped(new, torch.zeros(3), torch.tensor([1.0, -1.0, 1.0]), 0.2).sum().backward()
    assert new.grad is not None
    assert new.grad[:2].tolist() == [0, 0]
    assert new.grad[2] < 0


def test_the_gradient_of_the_distance_is_that_of_the_divergence():
    """Averaged exactly over all outcomes of a choice among three."""
    logits = torch.tensor([0.2, -0.4, 0.5], dtype=torch.float64, requires_grad=True)
    base = torch.log_softmax(torch.tensor([1.0, 0.0, -0.5], dtype=torch.float64), 0)
    p = torch.softmax(logits, 0)
    (p * (p.log() - base)).sum().backward()
    exact, logits.grad = logits.grad, None
    new = torch.log_softmax(logits, 0)
    (new.exp().detach() * distance(new, base)).sum().backward()
    torch.testing.assert_close(logits.grad, exact)
