"""Every recipe on a GPU says what it says on the CPU, rounds as little, and never waits for the device in a step.

Skipped without a GPU and NUCLEATE_TEST_GPU=1 (tests/conftest.py); tests/model/test_precision.py takes the same branches
on the CPU.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from nucleate.geometry.noise import Noise
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from tests.model.test_precision import build, close
from tests.recipes.test_every_recipe import DISTINCT, SMALL
from tests.training.tiny import losses, mixed_sizes, random_table, write_dataset

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
BETWEEN_DEVICES = 2e-3
"""Of a loss: sines, logarithms and sums are rounded otherwise on a GPU."""


def assigns(name: str) -> bool:
    """Whether atoms of the prior are assigned to those of the data, which SciPy does on the CPU."""
    settings = getattr(get_recipe(name).parts().frac, "settings", None)
    return getattr(settings, "coupling", "none") != "none"


@pytest.fixture(scope="module")
def crystals():
    return random_table(mixed_sizes(6)).batch(torch.arange(6).numpy())


def losses_on(device: str, model, crystals) -> dict[str, torch.Tensor]:
    t = torch.linspace(0.02, 0.999, len(crystals.lattice), device=device)
    found = model.to(device).loss(crystals.to(device), t, Noise.of(0, torch.arange(len(t), device=device)))
    return {name: loss.detach().cpu() for name, loss in found.items()}


@pytest.mark.parametrize("name", DISTINCT)
def test_the_losses_are_those_of_the_cpu(name, crystals):
    model = build(name, crystals)
    exact = losses_on("cpu", model, crystals)
    close(losses_on("cuda", model, crystals), exact, BETWEEN_DEVICES)
    model.bf16 = True
    close(losses_on("cuda", model, crystals), exact)


@pytest.mark.parametrize("name", [name for name in DISTINCT if not assigns(name)])
@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "bf16"])
def test_a_step_never_waits_for_the_device(name, bf16, crystals):
    model = build(name, crystals).cuda()
    model.bf16 = bf16
    there = crystals.to("cuda")
    t = torch.linspace(0.02, 0.999, 6, device="cuda")
    keys = Noise.of(0, torch.arange(6, device="cuda")).keys

    def step() -> None:
        found = model(there.species, there.frac, there.lattice, there.mask, t, keys)
        model.total(found).sum().backward()

    step()  # the first one loads libraries
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", [name for name in DISTINCT if get_recipe(name).task == "csp"])
def test_a_sampler_gives_the_crystals_of_the_cpu(name, crystals):
    model, settings = build(name, crystals), replace(get_recipe(name).sampler, steps=3)
    ends = []
    for device in ("cpu", "cuda"):
        there = crystals.to(device)
        noise = Noise.of(1, torch.arange(6, device=device))
        given = Given.composition(there.species, there.mask)
        ends.append(sample(model.to(device), there.mask, settings, noise, given).to("cpu"))
    one, other = ends
    assert torch.equal(one.species, other.species)
    moved = (one.frac - other.frac + 0.5).remainder(1) - 0.5
    assert moved.abs().max() < 0.01
    assert (one.lattice - other.lattice).abs().max() < 0.01 * one.lattice.abs().max()


@pytest.mark.parametrize("name", ["kldm-csp", "kldm-csp-tiny", "kldm-dng-masked-small", "diffcsp-csp"])
def test_a_run_on_a_gpu_chooses_bf16_and_resumes(name, tmp_path):
    data = write_dataset(
        tmp_path / "data", train=random_table(mixed_sizes(40)), val=random_table(mixed_sizes(8), 1)
    )
    recipe = get_recipe(name, [*SMALL, "training.precision=auto", "training.batch=8"])
    run, hardware = tmp_path / "run", Hardware(accelerator="gpu")
    first = train_recipe(recipe, data, run, epochs=1, hardware=hardware, visible=False)
    second = train_recipe(recipe, data, run, epochs=3, resume=True, hardware=hardware, visible=False)
    assert (first.counters.step, second.counters.step) == (5, 15)
    assert second.counters.precisions == ["bf16-mixed"]
    assert all(math.isfinite(value) for row in losses(run) for value in row.values())
