"""What is taken from the training split before a network learns: scales, the ridge, and what crystals are familiar.

All are buffers, saved with the weights. The first column is always the target; those that the network gives come after.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from nucleate.data.table import CrystalTable
from nucleate.properties.composition import (
    ELEMENTS,
    Fractions,
    described,
    element_features,
    fractions_of,
    moments,
    widths,
)
from nucleate.properties.labels import Scale, check_scale, from_scale, scale_of, to_scale
from nucleate.properties.ridge import fit_ridge
from nucleate.properties.task import PropertyTask

SCALES: tuple[Scale, ...] = ("linear", "log1p", "log")
FAMILIAR = 0.995
"""Share of the training crystals that count as familiar."""
SOFTEN = 1e-2
"""Added to the variances, so that no direction without variance makes everything far."""


class Statistics(nn.Module):
    """Scales of the labels, the ridge on the composition, and the spread of the training crystals.

    Attributes:
        features: of the elements, so that a model stays the same when a table of them changes. [elements, features]
        slope, bias: of the ridges, on the scales. [1 + columns, described], [1 + columns]
        loc, width: mean and standard deviation of the labels on their scales. [1 + columns]
        kinds: indices into SCALES. [1 + columns]
        counts: training crystals that hold each element. [elements]
        centre, whiten, edge: of the Mahalanobis distance between compositions and volumes.
    """

    features: Tensor
    slope: Tensor
    bias: Tensor
    loc: Tensor
    width: Tensor
    kinds: Tensor
    counts: Tensor
    centre: Tensor
    whiten: Tensor
    edge: Tensor

    def __init__(self, columns: int) -> None:
        super().__init__()
        features = torch.from_numpy(element_features()).float()
        count, described_by = widths(features.shape[1])
        place = count + 1
        self.register_buffer("features", features)
        self.register_buffer("slope", torch.zeros(1 + columns, described_by))
        for name, value in (("bias", 0.0), ("loc", 0.0), ("width", 1.0), ("kinds", 0.0)):
            self.register_buffer(name, torch.full((1 + columns,), value))
        self.register_buffer("counts", torch.zeros(ELEMENTS))
        self.register_buffer("centre", torch.zeros(place))
        self.register_buffer("whiten", torch.eye(place))
        self.register_buffer("edge", torch.tensor(0.0))

    def fit(self, table: CrystalTable, task: PropertyTask) -> None:
        """Take the statistics of labelled crystals. Raises DataError where nothing can be learned from them."""
        labels, mixed = task.labels(table), fractions_of(table)
        x = described(mixed, self.features.double()).numpy()
        for column in range(labels.shape[1]):
            kind = self._kind(labels[:, column], column, task)
            y = to_scale(torch.from_numpy(labels[:, column]), kind).numpy()
            slope, bias = fit_ridge(x, y).slope()
            self.slope[column], self.bias[column] = torch.from_numpy(slope), bias
            self.loc[column], self.width[column] = y.mean(), max(float(y.std()), 1e-6)
            self.kinds[column] = SCALES.index(kind)
        self._fit_places(table, mixed)

    def _kind(self, labels: np.ndarray, column: int, task: PropertyTask) -> Scale:
        """The scale of the target as asked, or by its labels; that of lambda and omega_log is always logarithmic."""
        if column and task.through != "direct":
            kind: Scale = "log"
        else:
            kind = task.scale or scale_of(labels)
        check_scale(labels, kind, task.target if column == 0 else task.columns[column - 1])
        return kind

    def _fit_places(self, table: CrystalTable, mixed: Tensor) -> None:
        self.counts.copy_((mixed > 0).sum(0))
        volume = torch.from_numpy(np.abs(np.linalg.det(table.lattice)) / table.sizes)
        place = self.place(mixed, volume, self.features.double())
        centred = place - place.mean(0)
        covariance = centred.T @ centred / len(place) + SOFTEN * torch.eye(place.shape[1], dtype=place.dtype)
        root = torch.linalg.inv(torch.linalg.cholesky(covariance))
        self.centre.copy_(place.mean(0))
        self.whiten.copy_(root)
        distances = (centred @ root.T).norm(dim=-1)
        self.edge.copy_(torch.quantile(distances, FAMILIAR))

    def place(self, mixed: Fractions, volume: Tensor, features: Tensor) -> Tensor:
        """Moments of the composition and log volume for each atom, Å^3: where a crystal is among others."""
        return torch.cat([moments(mixed, features), volume.clamp(min=1e-3).log().unsqueeze(-1)], -1)

    def distance(self, mixed: Fractions, volume: Tensor) -> Float[Tensor, " crystals"]:
        """How far a crystal is from the training crystals, in units of the distance of the last familiar one."""
        place = self.place(mixed, volume, self.features.to(mixed))
        return ((place - self.centre) @ self.whiten.T).norm(dim=-1) / self.edge.clamp(min=1e-6)

    def unseen(self, mixed: Fractions) -> Bool[Tensor, "crystals elements"]:
        """Which elements of a crystal no training crystal holds."""
        return (mixed > 0) & (self.counts == 0)

    def ridge(self, mixed: Fractions) -> Float[Tensor, "crystals columns"]:
        """The ridges' predictions on the scales, the target first."""
        return described(mixed, self.features.to(mixed)) @ self.slope.T + self.bias

    def kind(self, column: int) -> Scale:
        """The scale of a column."""
        return SCALES[int(self.kinds[column])]

    def on_scale(self, values: Tensor, column: int = 0) -> Tensor:
        """Values in their unit to those on the scale of a column."""
        return to_scale(values, self.kind(column))

    def in_unit(self, values: Tensor, column: int = 0) -> Tensor:
        """Inverse of `on_scale`."""
        return from_scale(values, self.kind(column))

    def standard(self, labels: Float[Tensor, "crystals columns"]) -> Float[Tensor, "crystals columns"]:
        """Labels, the target first, as deviations from the mean on their scales."""
        parts = [self.on_scale(labels[:, column], column) for column in range(labels.shape[1])]
        return (torch.stack(parts, 1) - cast(Tensor, self.loc)) / self.width
