"""Dropout of the torus transformer: in training alone, and a function of the step."""

from __future__ import annotations

import torch

from nucleate.geometry.noise import Noise
from nucleate.recipes.registry import get_recipe
from nucleate.streams import TRAINING
from tests.training.test_resume import killed_and_resumed
from tests.training.tiny import SHRINK, mixed_sizes, random_table

DROPPED = "torus_transformer.dropout=0.3"


def losses(model, step: int) -> torch.Tensor:
    """Of the same crystals at the same times with the noise of step 0, and what is dropped at `step`."""
    table = random_table(mixed_sizes(6))
    tensors = model.examples(table, torch.device("cpu")).tensors(torch.arange(6), int(table.sizes.max()))
    keys = Noise.of(0, torch.arange(6)).at(TRAINING.step(step)).keys
    return model.total(model(**tensors, t=torch.full((6,), 0.5), keys=keys))


def built(*settings: str):
    torch.manual_seed(0)
    model = get_recipe("kldm-csp-tiny", [*SHRINK, *settings]).build()
    model.fit(random_table(mixed_sizes(30)))
    for head in model.network.heads.values():  # which are zero at the start
        torch.nn.init.normal_(head[-1].weight, std=0.3)
    return model


def test_training_drops_by_the_step_and_judging_drops_nothing():
    model, whole = built(DROPPED), built()
    model.load_state_dict(whole.state_dict())
    first = losses(model, 3)
    torch.rand(5)  # whatever else draws from torch's generator
    assert torch.equal(losses(model, 3), first)
    assert not torch.allclose(first, losses(whole, 3))
    before = torch.random.get_rng_state()
    losses(model, 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    model.eval()
    assert torch.equal(losses(model, 3), losses(whole.eval(), 3))


def test_other_steps_drop_others():
    """The species that the blocks are given, in which the noise of the step has no part."""
    model, seen = built(DROPPED), []
    model.network.blot.register_forward_hook(lambda layer, inputs, species: seen.append(species == 0))
    for step in (1, 1, 2):
        losses(model, step)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert 0.2 < seen[0].float().mean() < 0.4


def test_killed_and_resumed_is_the_same_run(data, tmp_path):
    killed_and_resumed(data, tmp_path, DROPPED)
