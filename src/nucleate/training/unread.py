"""Losses and gradient norms that are still on the device. Reading them makes the host wait, so it is done in bulk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class StepRecord:
    """What one step found.

    Attributes:
        step: its number, from 0. norm: of the gradient. losses: mean over the step's crystals, by process.
        finite: whether the loss of each crystal is finite, in the order of the step's plan; [] if all gradients are.
    """

    step: int
    norm: float
    losses: dict[str, float]
    finite: list[bool]

    @property
    def sound(self) -> bool:
        return math.isfinite(self.norm) and all(map(math.isfinite, self.losses.values()))


@dataclass
class Unread:
    """Steps whose numbers nobody has looked at yet."""

    fabric: Any
    steps: list[tuple[int, Tensor, dict[str, Tensor], Tensor]] = field(default_factory=list)

    def add(self, step: int, norm: Tensor, losses: dict[str, Tensor], finite: Tensor) -> None:
        """finite: 1.0 for each crystal of the step with a finite loss that this process saw, else 0.0. [batch]"""
        self.steps.append((step, norm.detach(), losses, finite))

    def read(self) -> list[StepRecord]:
        """All records, averaged over the processes, in one transfer. Every process has to call it."""
        if not self.steps:
            return []
        names = list(self.steps[0][2])
        table = torch.stack([torch.stack([norm, *losses.values()]) for _, norm, losses, _ in self.steps])
        several = self.fabric.world_size > 1
        if several:
            table = self.fabric.all_reduce(table, reduce_op="mean")
        records = []
        for (step, _, _, finite), (norm, *losses) in zip(self.steps, table.tolist(), strict=True):
            record = StepRecord(step, norm, dict(zip(names, losses, strict=True)), [])
            if not record.sound:
                seen = self.fabric.all_reduce(finite, reduce_op="sum") if several else finite
                record = StepRecord(step, norm, record.losses, (seen > 0.5).tolist())
            records.append(record)
            if not record.sound:
                break
        self.steps.clear()
        return records
