"""Progress of a run: its budget, its counters, and the clock that several processes share."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from nucleate.errors import TrainingError

AGREE_EVERY = 10
MOST_MINUTES = 10_000_000


@dataclass(frozen=True)
class Budget:
    """Length of a run in optimiser steps or minutes, whichever ends first. Both count from the start of the run.

    Attributes:
        steps: optimiser steps.
        minutes: None for any number.
        timer: seconds of what the minutes are: of the wall clock, or `time.process_time`, which counts the work of this
            process alone, whatever else the machine does.
    """

    steps: int
    minutes: float | None = None
    timer: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes <= MOST_MINUTES:
            raise TrainingError(
                f"a run must last more than 0 and at most {MOST_MINUTES} minutes; got {self.minutes}",
                "change --minutes, or give --epochs",
            )

    def progress(self, step: int, seconds: float) -> float:
        """Fraction of the run that is done."""
        share = step / max(1, self.steps)
        return max(share, seconds / (60 * self.minutes)) if self.minutes else share


@dataclass
class Counters:
    """What a checkpoint holds besides tensors.

    Attributes:
        step: optimiser steps taken.
        crystals: crystals trained on.
        seconds: time spent in training steps.
        paused: time spent in validation, prediction and saving.
        best: lowest validation loss so far.
        best_match: highest match rate so far, -1 before the first.
        recent: running mean of each process's loss.
        data: checksum of the training split that the run was started on.
        precisions: precisions of the network's products so far, the current one last.
    """

    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    crystals: int = 0
    recent: dict[str, float] = field(default_factory=dict)
    paused: float = 0.0
    best_match: float = -1.0
    data: str = ""
    precisions: list[str] = field(default_factory=list)


class Clock:
    """Adds up the time of training and of pauses. Several processes synchronise to the longest time at intervals."""

    def __init__(
        self, fabric: Any, counters: Counters, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        self.fabric, self.counters, self.timer = fabric, counters, timer
        self.times = [counters.seconds, counters.paused]
        self.mark = timer()
        self.stop = False

    def lap(self, paused: bool = False) -> None:
        """Add the time since the last call."""
        now = self.timer()
        self.times[paused] += now - self.mark
        self.mark = now
        if self.fabric.world_size == 1:
            self.counters.seconds, self.counters.paused = self.times

    def agree(self, step: int, stop: bool) -> bool:
        """Whether any process was asked to stop. Without agreement they would end at different steps and hang."""
        if self.fabric.world_size == 1:
            return stop
        if step % AGREE_EVERY == 0:
            values = torch.tensor([*self.times, float(stop)], device=self.fabric.device)
            *self.times, asked = self.fabric.all_reduce(values, reduce_op="max").tolist()
            self.counters.seconds, self.counters.paused = self.times
            self.stop = asked > 0
        return self.stop
