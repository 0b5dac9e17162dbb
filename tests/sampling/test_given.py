"""What is given is there at the end, the rest is drawn, and models say what they must be told."""

from __future__ import annotations

import pytest
import torch

from nucleate.crystals import Crystals
from nucleate.errors import FormulaError, ModelError
from nucleate.geometry.noise import Noise
from nucleate.geometry.torus import wrap
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.generate import given_in
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample, trajectory
from nucleate.sampling.request import Known, Limits, draw_sizes, new_requests
from nucleate.sampling.settings import SamplerSettings
from tests.models import SHRINK

LIMITS = Limits(frozenset(range(1, 90)), 20, {}, {2: 0.5, 5: 0.25, 8: 0.25})
CRYSTALS = Crystals.pad(
    [torch.tensor([11, 17]), torch.tensor([22, 8, 8, 38, 8]), torch.tensor([6])],
    [torch.rand(n, 3, generator=torch.Generator().manual_seed(n)) for n in (2, 5, 1)],
    [torch.eye(3) * a for a in (4.0, 3.9, 2.5)],
)


def model(species: str):
    made = get_recipe(f"kldm-dng-{species}-small", SHRINK).build()
    made.codec.fit(CRYSTALS.lattice, CRYSTALS.sizes)
    return made


def draw(species: str, known: dict[str, torch.Tensor], method: str = "pc") -> Crystals:
    given, noise = Given(CRYSTALS, known), Noise.of(0, torch.arange(3))
    return sample(model(species), CRYSTALS.mask, SamplerSettings(method, steps=6), noise, given)


@pytest.mark.parametrize("method", ["em", "pc", "ode"])
@pytest.mark.parametrize("species", ["onehot", "bits", "masked"])
def test_given_parts_are_kept_and_the_rest_is_drawn(species, method):
    some = CRYSTALS.mask & (torch.arange(5) < 2)
    made = draw(
        species, {"species": some, "frac": some, "lattice": torch.tensor([True, True, False])}, method
    )
    assert torch.equal(made.species[some], CRYSTALS.species[some])
    gap = (made.frac - CRYSTALS.frac + 0.5).remainder(1) - 0.5
    assert gap[some].abs().max() < 1e-5
    assert gap[1, 2:].abs().max() > 1e-2
    torch.testing.assert_close(made.lattice[:2], CRYSTALS.lattice[:2], rtol=1e-5, atol=1e-5)
    assert (made.lattice[2] - CRYSTALS.lattice[2]).abs().max() > 1e-3


def test_masked_species_that_are_given_are_shown_from_the_start():
    given = Given(CRYSTALS, {"species": CRYSTALS.mask})
    path = trajectory(
        model("masked"), CRYSTALS.mask, SamplerSettings(steps=3), Noise.of(0, torch.arange(3)), given
    )
    assert all(torch.equal(states["species"]["x"], CRYSTALS.species) for _, states in path)


def test_velocities_keep_their_sum_at_zero_when_a_part_is_held(mask, noise):
    process = Kinetic(KineticSettings())
    state, held = process.prior(mask, noise), process.prior(mask, noise.at(7))
    known = mask & (torch.arange(6) < 2)
    merged = process.merge(state, held, known, mask)
    assert torch.equal(merged["velocity"][known], held["velocity"][known])
    assert torch.equal(merged["theta"], torch.where(known[..., None], held["theta"], state["theta"]))
    free = (mask & ~known).any(1)
    assert merged["velocity"][free].sum(1).abs().max() < 1e-5


def test_a_held_part_is_on_its_forward_path(mask):
    """The displacement from the data has the law of the kernel, and is the same path at every time."""
    process, count = Kinetic(KineticSettings()), 4000
    data, real = torch.full((count, 2, 3), 0.25), torch.ones(count, 2, dtype=torch.bool)
    noise, t = Noise.of(1, torch.arange(count)), torch.full((count,), 0.7)
    held, later = (process.held(data, time, real, noise.at(5)) for time in (t, t + 0.001))
    moved = wrap(held["theta"] - 2 * torch.pi * data)
    tau = torch.tensor(2.0 * 0.3)
    variance = (2 * tau - 3 + 4 * torch.exp(-tau) - torch.exp(-2 * tau)) / 2  # two atoms, centred
    assert moved.var().item() == pytest.approx(variance.item(), rel=0.08)
    assert wrap(held["theta"] - later["theta"]).abs().max() < 0.05


def test_a_csp_model_refuses_to_invent_compositions(mask, noise):
    csp = get_recipe("kldm-csp-tiny", SHRINK).build()
    with pytest.raises(ModelError, match="does not invent species"):
        sample(csp, mask, SamplerSettings(steps=2), noise)


def test_requests_for_new_crystals_hold_the_given_parts():
    cell = ((4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, 4.0))
    requests = new_requests([3, 5], LIMITS, [11], Known(((0.5, 0.5, 0.5),), cell))
    assert [request.species for request in requests] == [(11, 0, 0), (11, 0, 0, 0, 0)]
    given = given_in(requests, torch.arange(5) < torch.tensor([3, 5])[:, None])
    assert given is not None
    assert given.known["species"].sum(1).tolist() == [1, 1]
    assert given.known["frac"].sum(1).tolist() == [1, 1]
    assert given.known["lattice"].tolist() == [True, True]
    assert given_in(new_requests([2], LIMITS), torch.ones(1, 2, dtype=torch.bool)) is None
    keys = {
        request.key for request in [*requests, *new_requests([3, 5], LIMITS), *new_requests([4, 6], LIMITS)]
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    ("sizes", "species", "message"),
    [
        ([2], [11, 17, 17], "2 atoms were asked for, and 3 are known already"),
        ([21], [], "has 21 atoms in the cell, more than the 20"),
        ([3], [95], "holds Am, which the model never saw"),
    ],
)
def test_impossible_requests_are_refused_in_one_sentence(sizes, species, message):
    with pytest.raises(FormulaError, match=message):
        new_requests(sizes, LIMITS, species)


def test_sizes_follow_the_shares_and_do_not_depend_on_how_many_are_drawn():
    sizes = draw_sizes(20_000, LIMITS.sizes, seed=0)
    for size, share in LIMITS.sizes.items():
        assert abs(sizes.count(size) / 20_000 - share) < 0.015
    assert draw_sizes(50, LIMITS.sizes, seed=0) == sizes[:50]
    assert draw_sizes(50, LIMITS.sizes, seed=1) != sizes[:50]
