"""The order of the data, and its batches on the device."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nucleate.data.feed import Feed
from nucleate.training.batches import StepPlan
from tests.training.tiny import mixed_sizes, random_table


@pytest.mark.parametrize(
    ("crystals", "batch", "slices"), [(50, 8, 4), (50, 10, 4), (7, 7, 4), (33, 1, 4), (40, 3, 5), (64, 64, 2)]
)
def test_every_step_has_its_batch_and_an_epoch_repeats_nothing(crystals, batch, slices):
    plan = StepPlan(np.array(mixed_sizes(crystals)), batch, 200, 3, slices)
    for epoch in range(2):
        steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
        seen = [np.concatenate(plan.step(step)) for step in steps]
        assert all(len(step) == batch for step in seen)
        assert len(np.unique(np.concatenate(seen))) == batch * plan.steps_per_epoch


def test_a_plan_is_a_function_of_seed_and_step():
    sizes = np.array(mixed_sizes(60))
    first, second, other = (StepPlan(sizes, 8, 200, seed) for seed in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first.step(11), second.step(11), strict=True))
    assert not np.array_equal(np.concatenate(first.step(11)), np.concatenate(other.step(11)))


def test_steps_mix_sizes_and_micro_batches_keep_the_budget():
    sizes = np.array([1, 2, 4, 8] * 64)
    plan = StepPlan(sizes, 32, 300, 0)
    for step in range(8):
        batches = plan.step(step)
        assert {1, 2, 4, 8} == set(sizes[np.concatenate(batches)].tolist())
        assert all(len(b) * sizes[b].max() ** 2 <= 300 for b in batches)


def test_feed_gives_what_the_table_gives():
    rng = np.random.default_rng(0)
    columns = {"gap": rng.random(20), "energy": np.where(rng.random(20) < 0.5, np.nan, rng.random(20))}
    table, names = replace(random_table(mixed_sizes(20)), properties=columns), ("energy", "gap")
    feed = Feed(table, torch.device("cpu"), names)
    for rows in ([0], [3, 4, 19], [7, 7, 1]):
        mine, theirs = (
            feed.batch(torch.tensor(rows), int(table.sizes[rows].max())),
            table.batch(rows, conditions=names),
        )
        assert (mine.mask == theirs.mask).all()
        assert (mine.species == theirs.species).all()
        assert torch.equal(mine.frac, theirs.frac)
        assert torch.equal(mine.lattice, theirs.lattice)
        torch.testing.assert_close(mine.condition, theirs.condition, rtol=0, atol=0, equal_nan=True)
        assert mine.condition is not None
    assert Feed(table, torch.device("cpu")).batch(torch.tensor([1]), 6).condition is None
