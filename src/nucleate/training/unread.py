"""Losses and gradient norms still on the device. Reading them makes the host wait, so they are read in bulk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nucleate.errors import TrainingError


@dataclass(frozen=True)
class StepRecord:
    """Losses and gradient norm of one step.

    Attributes:
        step: its number, from 0.
        norm: norm of the gradient.
        losses: means over the step's crystals, by process.
        finite: whether the loss of each crystal is finite, in the order of the step's plan; [] if all gradients are.
    """

    step: int
    norm: float
    losses: dict[str, float]
    finite: list[bool]

    @property
    def sound(self) -> bool:
        return math.isfinite(self.norm) and all(map(math.isfinite, self.losses.values()))


def refusal(record: StepRecord, ids: Sequence[str], bf16: bool) -> TrainingError:
    """The error for a step with numbers that are not finite. It names the step, the precision of the products of the
    network, and the crystals whose loss is not finite, or all of the step's.

    ids: of the crystals, in the order of the plan.
    """
    culprits = [name for name, finite in zip(ids, record.finite, strict=True) if not finite]
    named = culprits or ids
    shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
    precision, other = ("bf16-mixed", "training.precision=32-true, ") if bf16 else ("32-true", "")
    return TrainingError(
        f"the {'loss' if culprits else 'gradient'} of step {record.step} is not finite; crystals: {shown}; "
        f"precision: {precision}",
        f"check these crystals; or set {other}training.clip=1 or a lower training.learning_rate and resume",
    )


@dataclass
class Unread:
    """Steps whose numbers have not been read yet."""

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
