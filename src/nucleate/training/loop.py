"""The training loop. Everything random in it is a function of (seed, step), so a resumed run repeats the run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nucleate.data.feed import Examples
from nucleate.errors import TrainingError
from nucleate.geometry.noise import Noise
from nucleate.model.trainable import Trainable
from nucleate.streams import TRAINING
from nucleate.training.batches import StepPlan
from nucleate.training.checkpoint import load_checkpoint, save_checkpoint
from nucleate.training.ema import AveragedWeights
from nucleate.training.hooks import Hooks
from nucleate.training.interrupt import StopRequest
from nucleate.training.log import MetricsLog, Tell, TrainingBar
from nucleate.training.optimisers import optimisers
from nucleate.training.progress import Budget, Clock, Counters
from nucleate.training.schedule import learning_rate_factor
from nucleate.training.settings import TrainingSettings
from nucleate.training.unread import Unread, refusal
from nucleate.training.validation import validation_loss, validation_subset

LOG_EVERY = 50
MATCH_RATE = "val/match_rate"


class Trainer:
    """One training run in one folder.

    Attributes:
        model: what is trained.
        train, val: the splits, as the model learns from them.
        forward: the model in the wrapper of its device.
        ema: its averaged weights.
        counters: how far the run is.
    """

    def __init__(
        self, fabric: Any, model: Trainable, train: Examples, val: Examples,
        settings: TrainingSettings, budget: Budget, run: Path, hooks: Hooks,
    ) -> None:  # fmt: skip
        self.fabric, self.model, self.train, self.val = fabric, model, train, val
        self.settings, self.budget, self.run, self.hooks = settings, budget, run, hooks
        self.main = fabric.global_rank == 0
        if settings.compile:
            model.compile_parts()
        self.forward, *self.optimisers = fabric.setup(model, *optimisers(model, settings))
        self.ema = AveragedWeights(model, settings.ema)
        batch = min(settings.batch, len(train.sizes))
        self.plan = StepPlan(train.sizes, batch, settings.edges, settings.seed, settings.slices)
        self.unread = Unread(fabric)
        self.validation = validation_subset(val)
        self.counters = Counters()
        self.log: MetricsLog | None = None

    @property
    def checkpoint(self) -> Path:
        return self.run / "last.ckpt"

    @property
    def progress(self) -> float:
        """Fraction of the run that is done."""
        return self.budget.progress(self.counters.step, self.counters.seconds + self.counters.paused)

    def resume(self) -> bool:
        """Load last.ckpt; False if there is none."""
        if not self.checkpoint.exists():
            return False
        self.counters = Counters(
            **load_checkpoint(
                self.checkpoint, self.model, self.ema, [each.optimizer for each in self.optimisers]
            )
        )
        return True

    def fit(self, visible: bool = True, tell: Tell | None = None) -> bool:
        """Train until the budget is used up (True), or a signal asks to stop and a checkpoint is saved (False)."""
        if self.main:
            self.log = MetricsLog(self.run, self.counters.step or None)
        self.clock = Clock(self.fabric, self.counters, self.budget.timer)
        done, stopped = self.progress >= 1, False
        try:
            with (
                StopRequest() as stop,
                TrainingBar(visible and self.main, tell if self.main else None) as bar,
            ):
                while not (done or stopped):
                    self._step()
                    stopped = self.clock.agree(self.counters.step, stop.asked)
                    done = self.progress >= 1
                    self._visit(bar, done)
                if stopped:
                    self._save()
        finally:
            if self.log is not None:
                self.log.close()
        return not stopped

    def _step(self) -> None:
        """One optimiser step. Nothing in it waits for the device, unless the losses are due to be read."""
        counters, settings = self.counters, self.settings
        factor = learning_rate_factor(settings, counters.step, self.progress)
        self.learning_rate = settings.learning_rate * factor
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate
        losses, finite = self._gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip or math.inf)
        self.unread.add(counters.step, norm, losses, finite)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.ema.update(self.model, counters.step)
        counters.step += 1
        counters.crystals += self.plan.batch
        if self.fabric.device.type == "cpu" or self._due(
            LOG_EVERY, settings.validate_every, settings.checkpoint_every
        ):
            self._read()
        self.clock.lap()

    def _gradients(self) -> tuple[dict[str, Tensor], Tensor]:
        """Gradients of the mean loss over the step's crystals, one micro-batch after another.

        Returns the mean loss of each process, and 1 for each crystal whose loss is finite. [batch]
        """
        step, world, rank = self.counters.step, self.fabric.world_size, self.fabric.global_rank
        batches = self.plan.step(step)
        if len(batches) < world:
            raise TrainingError(
                f"a step of {self.plan.batch} crystals is too small for {world} devices",
                "raise training.batch",
            )
        order = np.concatenate(batches)
        indices = self.train.upload(torch.from_numpy(order))
        drawn = {
            name: self.train.upload(values)
            for name, values in self.model.drawn(self.settings.seed, step, self.plan.batch).items()
        }
        keys = Noise.of(self.settings.seed, indices).at(TRAINING.step(step)).keys
        stops = np.cumsum([len(batch) for batch in batches]).tolist()
        mine, sums, finite = (
            range(rank, len(batches), world),
            {},
            torch.zeros(len(order), device=indices.device),
        )
        for number in mine:
            part = slice(stops[number] - len(batches[number]), stops[number])
            tensors = self.train.tensors(indices[part], int(self.train.sizes[batches[number]].max()))
            tensors |= {name: values[part] for name, values in drawn.items()}
            with self.fabric.no_backward_sync(self.forward, enabled=number != mine[-1]):
                losses = self.forward(**self.train.varied(tensors, keys[part]), keys=keys[part])
                total = self.model.total(losses)
                self.fabric.backward(total.sum() * world / self.plan.batch)
            finite[part] = total.detach().isfinite().to(finite)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + loss.detach().sum() * world / self.plan.batch
        return sums, finite

    def _read(self) -> None:
        """Read the losses of all steps since the last call. Raises TrainingError for one that is not finite.

        Called before every save, so last.ckpt never holds weights from after such a step.
        """
        for record in self.unread.read():
            if not record.sound:
                order = np.concatenate(self.plan.step(record.step)).tolist()
                raise refusal(record, [self.train.ids[i] for i in order], self.model.bf16)
            recent = self.counters.recent
            for name, value in record.losses.items():
                recent[name] = value + 0.98 * (recent.get(name, value) - value)
            self.norm = record.norm

    def _due(self, *intervals: int) -> bool:
        return any(every and self.counters.step % every == 0 for every in intervals)

    def _visit(self, bar: TrainingBar, done: bool) -> None:
        """What is done at intervals: log, validate, judge, save."""
        counters, settings = self.counters, self.settings
        if done:
            self._read()
        if self._due(10) or done or counters.step < 10:
            share = max(self.progress, 1e-9)
            left = (counters.seconds + counters.paused) * max(0.0, 1 - share) / share
            bar.update(share, counters.step, self._rate(), counters.recent, left)
        if self.log is not None and (self._due(LOG_EVERY) or done):
            losses = {f"train/{name}": value for name, value in counters.recent.items()}
            extra = {"gradient_norm": self.norm, "learning_rate": self.learning_rate}
            extra["crystals_per_second"] = self._rate()
            self.log.write(counters.step, **losses, **extra, seconds=counters.seconds)
        every = settings.match_every if self.hooks.match_rate else 0
        if self._due(settings.validate_every, every) or done:
            self._read()
            self._validate(done, judge=self._due(every) or (done and every > 0))
        if self._due(settings.checkpoint_every) or done:
            self._save()
        self.clock.lap(paused=True)

    def _rate(self) -> float:
        return self.counters.crystals / max(self.counters.seconds, 1e-9)

    def _validate(self, done: bool, judge: bool) -> None:
        """Validation loss, and match rate if asked for, of the averaged weights; export what is best so far."""
        if self.log is not None:
            self.ema.swap(self.model)
            self.model.eval()
            metrics = self._metrics(judge)
            self.log.write(self.counters.step, **metrics, seconds=self.counters.seconds)
            for kind in self._kinds(metrics, done):
                self.hooks.export(self.model, kind, metrics, self.counters)
            self.model.train()
            self.ema.swap(self.model)
        self.fabric.barrier()

    def _metrics(self, judge: bool) -> dict[str, float]:
        losses = validation_loss(self.model, self.val, self.validation, self.settings.edges)
        total = float(self.model.total({name: torch.tensor(value) for name, value in losses.items()}))
        metrics = {f"val/{name}": value for name, value in losses.items()} | {"val/total": total}
        if judge and self.hooks.match_rate is not None:
            metrics |= self.hooks.match_rate(self.model)
        return metrics

    def _kinds(self, metrics: dict[str, float], done: bool) -> list[str]:
        """The kinds the model is exported as; updates the best values so far."""
        kinds = ["last"] if done else []
        if metrics["val/total"] < self.counters.best:
            self.counters.best = metrics["val/total"]
            kinds.append("best")
        if metrics.get(MATCH_RATE, -1.0) > self.counters.best_match:
            self.counters.best_match = metrics[MATCH_RATE]
            kinds.append("match")
        return kinds

    def _save(self) -> None:
        self._read()
        if self.main:
            save_checkpoint(
                self.checkpoint,
                self.model,
                self.ema,
                [each.optimizer for each in self.optimisers],
                vars(self.counters),
            )
        self.fabric.barrier()
