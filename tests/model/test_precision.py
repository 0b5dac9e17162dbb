"""Only the network is ever in bfloat16, whoever asks for it: the model, a launcher, the caller's autocast.

bfloat16 is emulated where the CPU has none, which is slow and gives the same numbers, so the networks are tiny.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch

from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks import cspnet
from nucleate.recipes.registry import get_recipe
from nucleate.sampling.loop import sample
from nucleate.sampling.settings import SamplerSettings
from tests.recipes.test_every_recipe import DISTINCT, SMALL
from tests.training.tiny import mixed_sizes, random_table

ROUNDING = 0.02
"""Of a loss: bfloat16 has 8 bits, 0.4 per cent, and a network a few layers of them."""
EDGES = {"packed": 1, "dense": 10**9}
CSPNETS = [name for name in DISTINCT if get_recipe(name).network == "cspnet"]


@pytest.fixture(scope="module")
def crystals():
    return random_table(mixed_sizes(6)).batch(torch.arange(6).numpy())


def build(name: str, crystals, **changes) -> CrystalModel:
    """A shrunk recipe with heads that say something, which at the start most don't."""
    recipe = get_recipe(name, list(SMALL))
    model = replace(recipe, **changes).build()
    model.codec.fit(crystals.lattice, crystals.sizes)
    rng = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in model.network.heads.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=rng))
    return model


def losses(model: CrystalModel, crystals, autocast=nullcontext) -> tuple[dict, dict]:
    """The losses of all crystals, and what the network was shown first."""
    shown = []
    handle = model.network.register_forward_pre_hook(lambda _, given: shown.append(given))
    t = torch.linspace(0.02, 0.999, len(crystals.lattice))
    with autocast():
        found = model.loss(crystals, t, Noise.of(0, torch.arange(len(t))))
    handle.remove()
    inputs, times, mask = shown[0]
    return found, inputs | {"t": times, "mask": mask}


def bf16() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16)


def close(one: dict, other: dict, tolerance: float = ROUNDING) -> None:
    assert one.keys() == other.keys()
    for name, exact in other.items():
        assert one[name].dtype == torch.float32
        assert (one[name] - exact).abs().max() < tolerance * exact.abs().max(), name


@pytest.mark.parametrize("name", DISTINCT)
@pytest.mark.parametrize("caller", [False, True], ids=["the model's own", "the caller's autocast"])
def test_every_recipe_has_the_same_inputs_and_losses_in_both_precisions(name, caller, crystals):
    model = build(name, crystals)
    exact, shown = losses(model, crystals)
    model.bf16 = not caller
    rounded, shown_again = losses(model, crystals, bf16 if caller else nullcontext)
    assert shown.keys() == shown_again.keys()
    for key, x in shown.items():
        assert x.dtype == shown_again[key].dtype
        assert torch.equal(x, shown_again[key]), key
    close(rounded, exact)
    assert any(not torch.equal(rounded[key], exact[key]) for key in exact), "nothing was rounded"


@pytest.mark.parametrize("edges", EDGES)
@pytest.mark.parametrize("name", CSPNETS)
def test_dense_edges_as_on_a_gpu_and_packed_ones(name, edges, crystals, monkeypatch):
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", EDGES[edges])
    model = build(name, crystals)
    exact, _ = losses(model, crystals)
    model.bf16 = True
    rounded, _ = losses(model, crystals)
    close(rounded, exact)


@pytest.mark.parametrize("name", DISTINCT)
def test_a_launcher_that_casts_all_inputs_gets_finite_losses(name, crystals):
    """As Fabric and Lightning do under bf16-mixed: coordinates, cells and times arrive in 8 bits."""
    fabric = pytest.importorskip("lightning.fabric").Fabric(accelerator="cpu", precision="bf16-mixed")
    model = build(name, crystals)
    t = torch.tensor([0.0, 0.3, 0.6, 0.9, 0.99, 0.999])
    keys = Noise.of(0, torch.arange(6)).keys
    forward = fabric.setup_module(model)
    found = forward(crystals.species, crystals.frac, crystals.lattice, crystals.mask, t, keys)
    assert all(torch.isfinite(loss).all() for loss in found.values())
    fabric.backward(model.total(found).sum())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", ["kldm-csp-tiny", "kldm-csp"])
@pytest.mark.parametrize("caller", [False, True], ids=["the model's own", "the caller's autocast"])
def test_a_guess_without_gradients_leaves_those_of_the_step(name, caller, crystals):
    """Autocast keeps the weights it has cast: those of the guess have no gradient and must not be found again."""
    gradients = []
    for autocast in (nullcontext, bf16):
        model = build(name, crystals, self_conditioning=True)
        model.bf16 = autocast is bf16 and not caller
        with autocast() if caller else nullcontext():
            t, noise = torch.full((6,), 0.5), Noise.of(0, torch.arange(6))
            model.total(model.loss(crystals, t, noise)).sum().backward()
        gradients.append({k: p.grad for k, p in model.named_parameters() if p.grad is not None})
    exact, rounded = gradients
    assert exact.keys() == rounded.keys()
    for key, gradient in exact.items():
        assert (rounded[key] - gradient).norm() < 0.1 * gradient.norm().clamp(min=1e-2), key


@pytest.mark.parametrize("name", DISTINCT)
def test_a_sampler_under_autocast_moves_in_float32(name, crystals, monkeypatch):
    """With the network's answers held in float32 nothing else may change, not by a bit."""
    model = build(name, crystals)
    plain = model.network.forward

    def exactly(*given):
        with torch.autocast("cpu", enabled=False):
            return plain(*given)

    monkeypatch.setattr(model.network, "forward", exactly)
    recipe, mask, noise = get_recipe(name), crystals.mask, Noise.of(1, torch.arange(6))
    given = None
    if recipe.task == "csp":
        from nucleate.sampling.given import Given

        given = Given.composition(crystals.species, mask)
    settings: SamplerSettings = replace(recipe.sampler, steps=3)
    one = sample(model, mask, settings, noise, given)
    with bf16():
        other = sample(model, mask, settings, noise, given)
    assert torch.equal(one.species, other.species)
    assert torch.equal(one.frac, other.frac)
    assert torch.equal(one.lattice, other.lattice)
