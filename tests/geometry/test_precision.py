"""Tables are read in float32 whatever comes in: in bfloat16 their spacing is zero, and they divide by it."""

import pytest
import torch

from nucleate.geometry.circular import mean_free_law
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.geometry.wrapped_normal import FisherRoot
from nucleate.processes.base import Move
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings

LOW = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])


def test_only_low_precision_is_raised():
    for dtype in (torch.bfloat16, torch.float16, torch.float32):
        assert at_least_float32(torch.ones(1, dtype=dtype)).dtype == torch.float32
    assert at_least_float32(torch.ones(1, dtype=torch.float64)).dtype == torch.float64


@LOW
def test_the_root_of_the_fisher_information(dtype):
    sigma = torch.tensor([1e-3, 0.02, 0.3, 1.5, 3.0], dtype=dtype)
    table = FisherRoot(3.2)
    assert torch.equal(table(sigma), table(sigma.float()))


@LOW
def test_the_law_about_the_circular_mean(dtype):
    atoms, sigma = torch.tensor([2, 7, 200]), torch.tensor([0.05, 0.3, 2.0], dtype=dtype)
    for one, other in zip(mean_free_law(atoms, sigma), mean_free_law(atoms, sigma.float()), strict=True):
        assert torch.equal(one, other)


@LOW
def test_the_angle_of_the_kinetic_flow(dtype):
    process, t = Kinetic(KineticSettings()), torch.tensor([0.1, 0.5, 0.9], dtype=dtype)
    assert torch.equal(process.angle(t), process.angle(t.float()))


@LOW
def test_species_are_drawn_from_the_softmax(dtype):
    """One of 512 uniform numbers is 1 in bfloat16, its Gumbel number infinite, and the logit it meets would win."""
    mask = torch.ones(64, 20, dtype=torch.bool)
    logits = torch.full((64, 20, 100), -30.0, dtype=dtype)
    logits[..., 7] = 30.0
    zero, one = torch.zeros(64), torch.ones(64)
    move = Move(zero, one, mask, Noise.of(0, torch.arange(64)))
    process = Masked(MaskedSettings())
    made = process.step(process.prior(mask, move.noise), logits, move)
    assert (made["x"] == 8).all()
