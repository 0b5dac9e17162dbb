"""One step of the loop against what it stands for: the mean loss of a batch, however it is cut up and shared out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nucleate.geometry.noise import Noise
from nucleate.model.times import EARLIEST_NOISE, training_times
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware, launch
from nucleate.training.hooks import Hooks
from nucleate.training.log import MetricsLog
from nucleate.training.loop import Trainer
from nucleate.training.progress import Budget, Clock
from nucleate.training.validation import validation_loss
from tests.training.tiny import SHRINK, mixed_sizes, random_table

BATCH = 12
HOOKS = Hooks(export=lambda *found: None)


class Rank:
    """A device of several, which in truth is alone: the others' gradients are left out."""

    def __init__(self, fabric, rank: int, world: int) -> None:
        self.fabric, self.global_rank, self.world_size = fabric, rank, world

    def __getattr__(self, name: str):
        return getattr(self.fabric, name)


def trainer(run: Path, *settings: str, rank: int = 0, world: int = 1) -> Trainer:
    """Of 30 crystals, whose batches of 12 need several forward passes each."""
    given = (*SHRINK, f"training.batch={BATCH}", "training.edges=64", *settings)
    recipe = get_recipe("kldm-csp-tiny", list(given))
    torch.manual_seed(0)
    fabric = Rank(launch(Hardware(accelerator="cpu")), rank, world)
    train, val = random_table(mixed_sizes(30)), random_table(mixed_sizes(10, 1), 1)
    model = recipe.build()
    splits = (model.examples(split, fabric.device) for split in (train, val))
    return Trainer(fabric, model, *splits, recipe.training, Budget(100), run, HOOKS)


def gradients(one: Trainer) -> dict[str, torch.Tensor]:
    one.model.zero_grad()
    one._gradients()
    return {name: p.grad.clone() for name, p in one.model.named_parameters() if p.grad is not None}


def close(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    assert first.keys() == second.keys()
    return all(torch.allclose(first[name], second[name], rtol=1e-3, atol=1e-5) for name in first)


def test_gradients_are_those_of_the_mean_loss_over_the_batch(tmp_path):
    """However unequal the micro-batches: the same crystals, times and noise in one forward pass."""
    one = trainer(tmp_path)
    batches = one.plan.step(0)
    assert len({len(batch) for batch in batches}) > 1
    found = gradients(one)
    order = np.concatenate(batches)
    noise = Noise.of(one.settings.seed, torch.from_numpy(order)).at(0)
    one.model.zero_grad()
    losses = one.model.loss(random_table(mixed_sizes(30)).batch(order), training_times(0, 0, BATCH), noise)
    one.model.total(losses).mean().backward()
    expected = {name: p.grad for name, p in one.model.named_parameters() if p.grad is not None}
    assert max(float(grad.abs().max()) for grad in expected.values()) > 1e-3
    assert close(found, expected)


def test_the_mean_over_devices_is_the_gradient_of_one(tmp_path):
    """What ddp does with gradients is to average them."""
    alone = gradients(trainer(tmp_path))
    first, second = (gradients(trainer(tmp_path, rank=rank, world=2)) for rank in (0, 1))
    assert not close(first, second)
    assert close({name: (first[name] + second[name]) / 2 for name in first}, alone)


def test_times_of_a_step_take_one_of_every_stratum(tmp_path):
    one = trainer(tmp_path)
    steps = [one.model.drawn(one.settings.seed, step, BATCH)["t"].double() for step in range(200)]
    for times in steps:
        noise_left = (1 - times - EARLIEST_NOISE) / (1 - EARLIEST_NOISE)
        strata = (noise_left * BATCH).floor().long()
        assert strata.sort().values.tolist() == list(range(BATCH))
    assert torch.stack(steps).mean(0).sub(0.5).abs().max() < 5 * 0.29 / 200**0.5


def test_every_step_has_its_own_noise_and_times_independent_of_sizes(tmp_path):
    one = trainer(tmp_path)
    seen, times, places, parameter = [], [], [], next(one.model.parameters())

    def forward(species, frac, lattice, mask, t, keys, condition):
        assert condition is None
        seen.extend(keys.tolist())
        times.extend(t.tolist())
        places.extend(range(len(t)))
        return {"frac": parameter.sum() * torch.ones(len(t))}

    one.forward, one.fabric.no_backward_sync = forward, lambda module, enabled: torch.no_grad()
    one.fabric.backward = lambda loss: None
    for step in range(100):
        one.counters.step = step
        one._gradients()
    assert len(seen) == len(set(seen)) == 100 * BATCH
    assert abs(np.corrcoef(places, times)[0, 1]) < 4 / len(times) ** 0.5


def test_a_step_moves_the_weights_at_its_rate_and_the_average_after_them(tmp_path):
    """AdamW's first step is the learning rate times the sign of the gradient, plus the decay of the weights."""
    one = trainer(tmp_path, "training.weight_decay=0.5", "training.warmup=4", "training.learning_rate=0.01")
    one.clock = Clock(one.fabric, one.counters)
    before = {name: p.detach().clone() for name, p in one.model.named_parameters()}
    slopes = gradients(one)
    one.model.zero_grad()
    one._step()
    for name, p in one.model.named_parameters():
        if name not in slopes or slopes[name].abs().min() < 1e-5:
            continue
        expected = before[name] * (1 - 0.0025 * 0.5) - 0.0025 * slopes[name].sign()
        torch.testing.assert_close(p.detach(), expected, rtol=0, atol=2e-5)
        average = before[name] + 0.9 * (p.detach() - before[name])
        torch.testing.assert_close(one.ema.weights[name], average)
    assert one.counters.step == 1
    assert one.learning_rate == pytest.approx(0.0025)


def test_the_validation_loss_does_not_depend_on_batches(tmp_path):
    """Told by losses that are known: the time, the number of atoms, and a number of the crystal's noise."""
    one, seen = trainer(tmp_path), []

    def loss(crystals, t, noise, *rest):
        known = zip(crystals.sizes.tolist(), noise.keys.tolist(), t.tolist(), strict=True)
        seen.append(list(known))
        return {"time": t.double(), "atoms": crystals.sizes.double()}

    one.model.loss = loss
    for edges in (10**6, 40):
        found = validation_loss(one.model, one.val, one.validation, edges)
        assert found["atoms"] == pytest.approx(one.val.sizes.mean())
        assert found["time"] == pytest.approx(1 - EARLIEST_NOISE - (1 - EARLIEST_NOISE) / 2)
    assert len(seen) > 2
    # The same noise and time for every crystal in both.
    assert [row for part in seen[1:] for row in part] == seen[0]
    assert len({key for _, key, _ in seen[0]}) == len({t for _, _, t in seen[0]}) == len(one.val.sizes)


def test_the_averaged_weights_are_judged_and_exported_and_the_others_trained_on(tmp_path):
    one, seen = trainer(tmp_path), []
    raw = [p.detach().clone() for p in one.model.parameters()]
    for weights in one.ema.weights.values():
        weights.add_(1)

    def note(model) -> dict[str, float]:
        seen.append(all(torch.equal(p, w + 1) for p, w in zip(model.parameters(), raw, strict=True)))
        return {"val/match_rate": 0.5}

    one.hooks = Hooks(export=lambda model, kind, metrics, counters: note(model), match_rate=note)
    one.log = MetricsLog(tmp_path, None)
    one._validate(done=True, judge=True)
    one.log.close()
    # Judged once; exported as the last, the best and the best match.
    assert seen == [True] * 4
    assert all(torch.equal(p, w) for p, w in zip(one.model.parameters(), raw, strict=True))
