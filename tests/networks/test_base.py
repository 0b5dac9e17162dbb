"""What the networks share: what they see of a lattice, what turns predictions with it, sinusoids of the step."""

import math

import numpy as np
import pytest
import torch

from nucleate.networks.base import Shown, SinusoidalTime, along_lattice, check_lattice, invariants


def test_invariants_and_products_against_numpy():
    numbers = torch.randn(5, 18, generator=torch.Generator().manual_seed(0))
    seen, first = invariants(numbers), invariants(numbers[:, :9])
    o = torch.randn(5, 18, generator=torch.Generator().manual_seed(1))
    for n in range(5):
        matrices = numbers[n].numpy().reshape(2, 3, 3)
        products = np.stack([L @ L.T for L in matrices])
        np.testing.assert_allclose(seen[n].numpy().reshape(2, 3, 3), products, atol=1e-5)
        np.testing.assert_allclose(first[n].numpy().reshape(3, 3), products[0], atol=1e-5)
        for lattice in (numbers, numbers[:, :9]):
            pair = along_lattice(o, lattice)[n].numpy().reshape(2, 3, 3)
            np.testing.assert_allclose(pair, o[n].numpy().reshape(2, 3, 3) @ matrices[0], atol=1e-5)


def test_product_by_hand():
    """Row 1 of o picks the sum of a and b, row 2 twice c, row 3 nothing."""
    cell = torch.tensor([[4.0, 0, 0, 1, 5, 0, 0, 2, 6]])
    o = torch.tensor([[1.0, 1, 0, 0, 0, 2, 0, 0, 0]])
    assert along_lattice(o, cell).tolist() == [[5, 5, 0, 0, 4, 12, 0, 0, 0]]
    assert invariants(cell).tolist() == [[16, 4, 0, 4, 26, 10, 0, 10, 40]]


@pytest.mark.parametrize("width", [6, 12])
def test_other_representations_stay_as_they_are(width):
    numbers = torch.randn(4, width)
    assert torch.equal(invariants(numbers), numbers)
    assert torch.equal(along_lattice(numbers[:, :6], numbers), numbers[:, :6])


@pytest.mark.parametrize("step", [0, 1, 17, 500, 1000])
def test_sinusoids_of_the_step(step):
    features = SinusoidalTime(256)(torch.tensor([step / 1000], dtype=torch.float64))[0]
    for k in range(128):
        phase = step * 10000 ** (-k / 127)
        assert features[k].item() == pytest.approx(math.sin(phase), abs=1e-4)
        assert features[128 + k].item() == pytest.approx(math.cos(phase), abs=1e-4)


def test_sinusoids_need_an_even_width():
    with pytest.raises(ValueError, match=r"time_width must be even .* got 5"):
        SinusoidalTime(5)


@pytest.mark.parametrize("width", [0, 3, 7, 27])
def test_unknown_lattice_widths(width):
    with pytest.raises(ValueError, match=f"a lattice must have .* got {width}"):
        check_lattice(Shown(width), {})
