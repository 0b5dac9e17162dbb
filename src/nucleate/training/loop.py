"""The training loop. Everything random in it is a function of (seed, step), so a run that resumes repeats itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nucleate.data.table import CrystalTable
from nucleate.errors import TrainingError
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import EARLIEST_NOISE, CrystalModel
from nucleate.training.batches import StepPlan
from nucleate.training.checkpoint import load_checkpoint, save_checkpoint
from nucleate.training.ema import AveragedWeights
from nucleate.training.log import MetricsLog, TrainingBar
from nucleate.training.schedule import learning_rate_factor
from nucleate.training.settings import TrainingSettings
from nucleate.training.validation import validation_loss, validation_subset

LOG_EVERY = 50


@dataclass(frozen=True)
class Budget:
    """How long a run lasts: optimiser steps, or minutes of training, whichever ends first."""

    steps: int
    minutes: float | None = None

    def progress(self, step: int, seconds: float) -> float:
        """Share of the run that is over."""
        share = step / max(1, self.steps)
        return max(share, seconds / (60 * self.minutes)) if self.minutes else share


@dataclass
class Counters:
    """What a checkpoint keeps beside tensors."""

    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    crystals: int = 0
    recent: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Hooks:
    """What a run does with its model besides training: `export(model, kind, metrics)` writes it as the `best` or `last`
    model, `match_rate(model)` judges predictions on validation (None where that is not possible)."""

    export: Callable[[CrystalModel, str, dict[str, float]], None]
    match_rate: Callable[[CrystalModel], dict[str, float]] | None = None


class Trainer:
    """One training run in one folder."""

    def __init__(
        self, fabric: Any, model: CrystalModel, train: CrystalTable, val: CrystalTable,
        settings: TrainingSettings, budget: Budget, run: Path, hooks: Hooks,
    ) -> None:  # fmt: skip
        self.fabric, self.model, self.train, self.val = fabric, model, train, val
        self.settings, self.budget, self.run, self.hooks = settings, budget, run, hooks
        optimiser = torch.optim.AdamW(
            model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay,
            amsgrad=settings.amsgrad, fused=True,
        )  # fmt: skip
        self.forward, self.optimiser = fabric.setup(model, optimiser)
        self.ema = AveragedWeights(model, settings.ema)
        self.plan = StepPlan(train.sizes, min(settings.batch, len(train)), settings.edges, settings.seed)
        self.validation = validation_subset(val)
        self.counters = Counters()

    @property
    def checkpoint(self) -> Path:
        return self.run / "last.ckpt"

    def resume(self) -> None:
        """Go on from last.ckpt, if there is one."""
        if self.checkpoint.exists():
            self.counters = Counters(**load_checkpoint(self.checkpoint, self.model, self.ema, self.optimiser.optimizer))

    def fit(self, visible: bool = True) -> Counters:
        """Train until the budget is used up. A keyboard interrupt saves a checkpoint first."""
        main = self.fabric.global_rank == 0
        resumed = self.counters.step if self.checkpoint.exists() else None
        self.log = MetricsLog(self.run, resumed) if main else None
        try:
            with TrainingBar(visible and main) as bar:
                while self.progress < 1:
                    self._step(bar)
        except KeyboardInterrupt:
            self._save()
            raise
        finally:
            if self.log is not None:
                self.log.close()
        return self.counters

    @property
    def progress(self) -> float:
        return self.budget.progress(self.counters.step, self.counters.seconds)

    def _step(self, bar: TrainingBar) -> None:
        started, counters, settings = time.perf_counter(), self.counters, self.settings
        factor = learning_rate_factor(settings, counters.step, self.progress)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * factor
        losses = self._gradients()
        norm = self._clip()
        if not math.isfinite(norm):
            self._refuse_gradients()
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.ema.update(self.model, counters.step)
        counters.step += 1
        counters.crystals += self.plan.batch
        counters.seconds += time.perf_counter() - started
        for name, value in losses.items():
            counters.recent[name] = value + 0.98 * (counters.recent.get(name, value) - value)
        self._visit(bar, {"gradient_norm": norm, "learning_rate": settings.learning_rate * factor})

    def _gradients(self) -> dict[str, float]:
        """Gradients of the mean loss over the step's crystals, one micro-batch after another."""
        step, world, rank = self.counters.step, self.fabric.world_size, self.fabric.global_rank
        batches = self.plan.step(step)
        times = dict(zip(np.concatenate(batches).tolist(), self._times(step), strict=True))
        if len(batches) < world:
            raise TrainingError(f"a step of {self.plan.batch} crystals is too small for {world} devices", "raise training.batch")
        mine, sums = batches[rank::world], {}
        for number, indices in enumerate(mine):
            crystals = self.train.batch(indices).to(self.fabric.device)
            t = torch.tensor([times[i] for i in indices.tolist()], dtype=torch.float32, device=self.fabric.device)
            keys = Noise.of(self.settings.seed, torch.as_tensor(indices, device=self.fabric.device)).at(step).keys
            with self.fabric.no_backward_sync(self.forward, enabled=number + 1 < len(mine)):
                losses = self.forward(crystals.species, crystals.frac, crystals.lattice, crystals.mask, t, keys)
                total = self.model.total(losses).sum() * world / self.plan.batch
                self.fabric.backward(total)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.detach().sum() * world / self.plan.batch
        return {name: float(self._mean(value)) for name, value in sums.items()}

    def _mean(self, value: Tensor) -> Tensor:
        return self.fabric.all_reduce(value, reduce_op="mean") if self.fabric.world_size > 1 else value

    def _times(self, step: int) -> list[float]:
        """Times that cover (0, 1 - EARLIEST_NOISE) evenly, in random order."""
        rng = np.random.default_rng((self.settings.seed, 1, step))
        strata = (rng.permutation(self.plan.batch) + rng.random()) / self.plan.batch
        return (1 - (EARLIEST_NOISE + (1 - EARLIEST_NOISE) * strata)).tolist()

    def _clip(self) -> float:
        limit = self.settings.clip or math.inf
        return float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit))

    def _refuse_gradients(self) -> None:
        step = self.counters.step
        ids = [self.train.ids[i] for i in np.concatenate(self.plan.step(step)).tolist()]
        shown = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
        raise TrainingError(
            f"the gradient of step {step} is not finite; crystals: {shown}",
            "check these crystals, or set training.clip=1 or a lower training.learning_rate and resume",
        )

    def _visit(self, bar: TrainingBar, extra: dict[str, float]) -> None:
        """Everything that happens at intervals: log, validate, judge, save."""
        counters, settings, done = self.counters, self.settings, self.progress >= 1
        rate, share = counters.crystals / max(counters.seconds, 1e-9), max(self.progress, 1e-9)
        if counters.step % 10 == 0 or done:
            left = counters.seconds * (1 - share) / share
            bar.update(share, counters.step, rate, counters.recent, left)
        if self.log is not None and (counters.step % LOG_EVERY == 0 or done):
            losses = {f"train/{name}": value for name, value in counters.recent.items()}
            self.log.write(counters.step, **losses, **extra, crystals_per_second=rate, seconds=counters.seconds)
        if counters.step % settings.validate_every == 0 or done:
            self._validate(done)
        if counters.step % settings.checkpoint_every == 0 or done:
            self._save()
        self.fabric.barrier()

    def _validate(self, done: bool) -> None:
        if self.log is None:
            return
        self.ema.swap(self.model)
        self.model.eval()
        losses = validation_loss(self.model, self.val, self.validation, self.settings.edges, self.fabric.device)
        total = float(self.model.total({name: torch.tensor(value) for name, value in losses.items()}))
        metrics = {f"val/{name}": value for name, value in losses.items()} | {"val/total": total}
        every = self.settings.match_every
        if self.hooks.match_rate is not None and every and (self.counters.step % every == 0 or done):
            metrics |= self.hooks.match_rate(self.model)
        self.log.write(self.counters.step, **metrics, seconds=self.counters.seconds)
        kinds = ["last"] if done else []
        if total < self.counters.best:
            self.counters.best = total
            kinds.append("best")
        for kind in kinds:
            self.hooks.export(self.model, kind, metrics)
        self.model.train()
        self.ema.swap(self.model)

    def _save(self) -> None:
        if self.fabric.global_rank == 0:
            progress = vars(self.counters)
            save_checkpoint(self.checkpoint, self.model, self.ema, self.optimiser.optimizer, progress)
