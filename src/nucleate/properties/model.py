"""PropertyModel: a small ensemble on crystals, clean or noised, above a ridge on the composition.

Each member adds to the ridge's prediction what its head says, a pooled one on a network that generative models use too.
Members begin with other weights, don't see the same crystals, and share a body or have one each. Intervals are
split-conformal (`conformal.py`), from crystals that no member and no ridge has seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerAtom3, PerCrystal, Vectors
from nucleate.codecs.lattice import lattice_codec
from nucleate.crystals import Crystals
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError, RecipeError
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.model.times import training_times, validation_times
from nucleate.model.trainable import Trainable
from nucleate.networks.base import Denoiser
from nucleate.properties.allen_dynes import critical_temperature
from nucleate.properties.batches import members_of, ridge_of
from nucleate.properties.conformal import conformal_quantile, needed
from nucleate.properties.examples import PropertyExamples
from nucleate.properties.noising import Noising
from nucleate.properties.soft import Probabilities, SoftCrystals, fractions
from nucleate.properties.statistics import Statistics
from nucleate.properties.task import PropertyTask
from nucleate.streams import CLEAN

HEAD = "property"
MOST_SPREAD = 2.0
"""A spread counts up to this many times its mean: beyond, intervals on a logarithmic scale say nothing."""
Members = Float[Tensor, "crystals members"]


class PropertyModel(Trainable):
    """Predicts a property of crystals.

    Attributes:
        networks: the bodies, with a head of the cell `property0`, `property1`, ... for each member.
        size: number of members.
        task: what is learned from which crystals.
        statistics: scales, ridge, and what is familiar.
        quantile, floor: of the intervals: half their length on the scale is quantile (floor + spread), with a spread of
            at most MOST_SPREAD floors.
        ridge_quantile: half the length of the ridge's own intervals, on the scale.
        error: root mean squared error on the crystals for calibration, on the scale.
        ends: the least and the largest label of the training crystals, in their unit; without limits where a card
            does not say.
    """

    quantile: Tensor
    floor: Tensor
    ridge_quantile: Tensor
    error: Tensor
    ends: tuple[float, float] = (-math.inf, math.inf)

    def __init__(self, networks: Sequence[Denoiser], size: int, task: PropertyTask) -> None:
        super().__init__()
        self.networks, self.size, self.task = nn.ModuleList(networks), size, task
        self.codec = lattice_codec("log-lengths", standardise=True)
        self.statistics = Statistics(len(task.columns))
        self.noising = Noising()
        for name in ("quantile", "floor", "ridge_quantile", "error"):
            self.register_buffer(name, torch.tensor(1.0))
        self._train: CrystalTable | None = None

    def fit(self, table: CrystalTable) -> None:
        """Statistics of the crystals that are trained on. Raises DataError where there are too few with a label."""
        if not self.task.target:
            raise RecipeError("no target was given", "name a column of the data set with --target")
        parts = self.task.parts(table)
        known = len(parts.training) + len(parts.calibration)
        if not known:
            raise DataError(
                f"no crystal of the training split has a known {' and '.join(dict.fromkeys(self._names))}",
                "name another target",
            )
        least = needed(self.task.confidence)
        if len(parts.calibration) < least:
            raise DataError(
                f"{len(parts.calibration)} of {known} labelled crystals are kept for calibration, and intervals of "
                f"{self.task.confidence:.0%} need {least}",
                "use more data, or raise 'calibration'",
            )
        self._train = table
        part = table.select(parts.training)
        self.codec.fit(torch.tensor(part.lattice), torch.tensor(part.sizes))
        self.statistics.fit(part, self.task)
        self._calibration = table.select(parts.calibration)
        labels = self.task.labels(part)[:, 0]
        self.ends = float(labels.min()), float(labels.max())

    def facts(self) -> dict[str, Any]:
        return {"label_ends": list(self.ends)}

    @property
    def scaled_ends(self) -> tuple[float, float]:
        """The ends of the labels on the target's scale."""
        low, high = (
            float(self.statistics.on_scale(torch.tensor(end))) if math.isfinite(end) else end
            for end in self.ends
        )
        return low, high

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.task.target, *self.task.columns)

    def examples(self, table: CrystalTable, device: torch.device) -> PropertyExamples:
        """The labelled crystals of a split; of the training split those that are trained on."""
        labels = self.task.labels(table)
        rows = np.flatnonzero(~np.isnan(labels).any(1))
        if table is self._train:
            rows = self.task.parts(table).training
        if not len(rows):
            raise DataError(
                f"no crystal of the validation split has a known {' and '.join(dict.fromkeys(self._names))}",
                "name another target, or split the data again",
            )
        known = self.statistics.standard(torch.from_numpy(labels[rows]).float()).detach()
        return PropertyExamples(table.select(rows), known, self.size, self.task.left_out, device)

    def drawn(self, seed: int, step: int, count: int) -> dict[str, Tensor]:
        """Times `t`: 1 for a share of the crystals, even over (0, 1) for the others."""
        clean = torch.from_numpy(CLEAN.generator(seed, step).random(count)) < self.task.clean
        return {"t": torch.where(clean, 1.0, training_times(seed, step, count))}

    def drawn_evenly(self, count: int) -> dict[str, Tensor]:
        """Times `t`, every second of which is 1."""
        return {"t": torch.where(torch.arange(count) % 2 == 0, 1.0, validation_times(count))}

    def forward(
        self, species: Tensor, frac: Tensor, lattice: Tensor, mask: Mask, t: PerCrystal, keys: Tensor,
        labels: Tensor, seen: Tensor, condition: Tensor | None = None,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """The Huber losses of the columns, in standard deviations, averaged over the members that see a crystal.

        labels: as `Statistics.standard` gives them. seen: by which members. [crystals, members]
        """
        crystals = Crystals(species, at_least_float32(frac), at_least_float32(lattice), mask)
        with torch.autocast(t.device.type, enabled=False), torch.no_grad():
            channels = self.codec.encode(crystals.lattice, crystals.sizes)
            noised = self.noising.draw(crystals, channels, at_least_float32(t), Noise(keys))
        outputs = self._outputs(*noised, at_least_float32(t), mask)
        weight = seen / seen.sum(1, keepdim=True).clamp(min=1)
        error = F.huber_loss(outputs, labels[:, None, 1:].expand_as(outputs), reduction="none").mean(-1)
        losses = {"property": (error * weight).sum(1)}
        if self.task.through != "direct":
            final = (self._target(outputs) - self.statistics.loc[0]) / self.statistics.width[0]
            error = F.huber_loss(final, labels[:, :1].expand_as(final), reduction="none")
            losses["target"] = (error * weight).sum(1)
        return losses

    def members(self, soft: SoftCrystals, t: PerCrystal) -> Members:
        """What each member says, on the target's scale. Has a gradient with respect to the crystals."""
        channels = self.codec.encode(soft.lattice, soft.mask.sum(1))
        return self._target(self._outputs(soft.species, soft.frac, channels, t, soft.mask))

    def _outputs(
        self, species: Probabilities, frac: PerAtom3, channels: Vectors, t: PerCrystal, mask: Mask
    ) -> Float[Tensor, "crystals members columns"]:
        """Each member's columns as standard deviations from the mean."""
        s = self.statistics
        inputs = {"species": torch.cat([species, species @ s.features.to(species)], -1), "frac": frac,
                  "lattice": channels}  # fmt: skip
        base = (s.ridge(fractions(species, mask))[:, 1:] - s.loc[1:]) / s.width[1:]
        device = t.device.type
        with torch.autocast(device, torch.bfloat16, self.bf16, cache_enabled=torch.is_grad_enabled()):
            said: dict[str, Tensor] = {}
            for network in self.networks:
                said |= cast(Denoiser, network)(inputs, t, mask)
        each = [at_least_float32(said[f"{HEAD}{member}"]) for member in range(self.size)]
        return base.unsqueeze(1) + torch.stack(each, 1)

    def _target(self, outputs: Float[Tensor, "crystals members columns"]) -> Members:
        """From the columns to the target, on its scale."""
        s = self.statistics
        values = outputs * s.width[1:] + s.loc[1:]
        if self.task.through == "direct":
            return values[..., 0]
        return s.on_scale(critical_temperature(s.in_unit(values[..., 0], 1), s.in_unit(values[..., 1], 2)))

    def reach(self, spread: Float[np.ndarray, " crystals"]) -> Float[np.ndarray, " crystals"]:
        """Half the length of the intervals on the scale, for a quantile of 1."""
        floor = float(self.floor)
        return floor + np.minimum(spread, MOST_SPREAD * floor)

    def settle(self) -> None:
        """Make the intervals those of the weights as they are now, from the crystals for calibration."""
        table = self._calibration
        said = members_of(self.members, table, self.error.device)
        mean, spread, ridge = said.mean(1), said.std(1), ridge_of(self.statistics, table)
        truth = self.statistics.on_scale(torch.from_numpy(self.task.labels(table)[:, 0])).numpy()
        floor = max(float(spread.mean()), 1e-6)
        confidence = self.task.confidence
        self.floor.fill_(floor)
        self.quantile.fill_(conformal_quantile(np.abs(truth - mean) / self.reach(spread), confidence))
        self.ridge_quantile.fill_(conformal_quantile(np.abs(truth - ridge), confidence))
        self.error.fill_(float(np.sqrt(np.mean((truth - mean) ** 2))))
