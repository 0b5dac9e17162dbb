"""The autoencoder of FTCP: one-dimensional convolutions over the rows of the tensor, and a head for a property.

As published: filters 32, 64 and 128 of widths 5, 3 and 3 with strides 2, 2 and 1, a dense layer of 1,024 with
sigmoids, 256 latent numbers; the loss is the sum of the squared errors, 2 times the mean divergence of a latent number,
10 times the squared error of the property, scaled to [0, 1]. Crystals are drawn near those of the training split.
Channels are normalised for each crystal by itself, where the published layers look at the whole batch; and the encoder
reads, and the decoder says, how a tensor differs from the mean one, since most of it is the same for all crystals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucleate.arrays import Cells, Mask, PerCrystal
from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.conditions import completed
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError, StructureError
from nucleate.families.ftcp.tensor import Layout, Tensors, ordered, ordered_table, represented
from nucleate.families.latent import LatentModel, Latents
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.settings import within
from nucleate.streams import SUBSET

KEPT = 2048
"""Training crystals whose latent vectors are kept."""
WIDTHS, STRIDES = (5, 3, 3), (2, 2, 1)
NARROW, PART, SURE = -6.0, 256, 1e-3


@dataclass(frozen=True)
class FTCPWeights:
    """Weights of the losses beside the sum of squared errors."""

    divergence: float = 2.0
    property: float = 10.0

    def __post_init__(self) -> None:
        within(self, 0, 1e6, "divergence property", "loss_weights.")


class FTCP(LatentModel):
    """See the module's text.

    Attributes:
        layout: sizes of the tensor.
        kept: latent vectors of training crystals, with the weights as they are. [KEPT, width]
    """

    kept: Tensor
    centre: Tensor
    least: Tensor
    most: Tensor

    def __init__(
        self, layout: Layout, width: int, filters: int, hidden: int, weights: FTCPWeights, target: str
    ) -> None:
        super().__init__()
        self.layout, self.width, self.weights, self.target = layout, width, weights, target
        rows, columns = layout.shape
        channels = (filters // 4, filters // 2, filters)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for given, out, wide, stride in zip((columns, *channels), channels, WIDTHS, STRIDES, strict=False):
            self.down.append(nn.Conv1d(given, out, wide, stride, padding=wide // 2))
        self.norms_down = nn.ModuleList(nn.GroupNorm(1, out) for out in channels)
        self.norms_up = nn.ModuleList(nn.GroupNorm(1, out) for out in channels[1::-1])
        for given, out, wide, stride in zip(channels[::-1], (*channels[1::-1], columns), WIDTHS[::-1],
                                            STRIDES[::-1], strict=True):  # fmt: skip
            self.up.append(nn.ConvTranspose1d(given, out, wide, stride, wide // 2, output_padding=stride - 1))
        self.short = -(-rows // 4)
        flat = filters * self.short
        self.dense, self.back = nn.Linear(flat, hidden), nn.Linear(width, flat)
        self.mean, self.log_variance = nn.Linear(hidden, width), nn.Linear(hidden, width)
        # Narrow at the start: what is drawn about means that are still alike would teach the decoder to ignore them.
        nn.init.constant_(self.log_variance.bias, NARROW)
        self.head = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, 1)) if target else None
        self.register_buffer("centre", torch.zeros(rows, columns))
        self.register_buffer("kept", torch.zeros(KEPT, width))
        self.register_buffer("least", torch.tensor(0.0))
        self.register_buffer("most", torch.tensor(1.0))

    def fit(self, table: CrystalTable) -> None:
        """The mean tensor, and the range of the property. Raises DataError where no crystal fits into the tensor."""
        self._train = self._fitting(table)
        count, parts = 0, self._tensors()
        self.centre.zero_()
        for part in parts:
            self.centre += part.sum(0)
            count += len(part)
        self.centre /= count
        if self.target:
            known = completed(self._train, [self.target]).numbers([self.target])
            known = torch.tensor(known[~torch.tensor(known).isnan().numpy()])
            if not len(known):
                raise DataError(f"no crystal of the training split has a known {self.target}", "name another")
            self.least.fill_(float(known.min()))
            self.most.fill_(max(float(known.max()), float(known.min()) + 1e-6))

    def _fitting(self, table: CrystalTable) -> CrystalTable:
        """The crystals that fit, atoms in order."""
        rows = self.layout.holds(table).nonzero()[0]
        if not len(rows):
            sites, elements = self.layout.sites, self.layout.elements
            raise DataError(
                f"no crystal has up to {sites} atoms of up to {elements} elements", "raise most or elements"
            )
        return ordered_table(table.select(rows))

    def examples(self, table: CrystalTable, device: torch.device) -> Feed:
        """The crystals that fit; others are left out."""
        names = (self.target,) if self.target else ()
        return Feed(completed(self._fitting(table), names), device, names)

    def posterior(self, x: Tensors) -> tuple[Latents, Latents]:
        """Means and logarithms of the variances of the latent vectors."""
        hidden = (x - self.centre).mT
        for layer, norm in zip(self.down, self.norms_down, strict=True):
            hidden = F.leaky_relu(norm(layer(hidden)), 0.2)
        hidden = torch.sigmoid(self.dense(hidden.flatten(1)))
        return self.mean(hidden), self.log_variance(hidden)

    def decode(self, z: Latents) -> Tensors:
        """Tensors from latent vectors, numbers in (0, 1)."""
        hidden = F.relu(self.back(z)).unflatten(1, (-1, self.short))
        *inner, last = self.up
        for layer, norm in zip(inner, self.norms_up, strict=True):
            hidden = F.relu(norm(layer(hidden)))
        mean = torch.logit(self.centre, SURE)
        return torch.sigmoid(mean + last(hidden)[..., : self.layout.shape[0]].mT)

    def forward(
        self, species: Tensor, frac: Tensor, lattice: Cells, mask: Mask, keys: Tensor,
        condition: Tensor | None = None,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """The losses, without weights. condition: the property. [crystals, 1]"""
        crystals = Crystals(species, at_least_float32(frac), at_least_float32(lattice), mask)
        x = represented(crystals, self.layout)
        mean, log_variance = self.posterior(x)
        z = mean + (0.5 * log_variance).exp() * Noise(keys).normal(self.width)
        losses = {
            "reconstruction": (self.decode(z) - x).square().sum((1, 2)),
            "divergence": -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean(1),
        }
        if self.head is not None and condition is not None:
            known = (condition[:, 0] - self.least) / (self.most - self.least)
            error = torch.sigmoid(self.head(z)).squeeze(1) - known.nan_to_num(0.0)
            losses["property"] = torch.where(known.isnan(), 0.0, error.square())
        return losses

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        weights: dict[str, Any] = {"reconstruction": 1.0, **vars(self.weights)}
        return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum(0)

    @torch.no_grad()
    def settle(self) -> None:
        """Keep the latent vectors of KEPT training crystals, drawn at random, repeated where there are fewer."""
        found = torch.cat([self.posterior(part)[0] for part in self._tensors()])
        self.kept.copy_(found[torch.arange(KEPT, device=found.device) % len(found)])

    def _tensors(self) -> Iterator[Tensors]:
        """Those of up to KEPT training crystals, drawn at random, in parts."""
        chosen = SUBSET.generator(0).permutation(len(self._train))[:KEPT]
        for start in range(0, len(chosen), PART):
            batch = self._train.batch(chosen[start : start + PART]).to(self.kept.device)
            yield represented(batch, self.layout)

    @torch.no_grad()
    def encode(self, cells: Sequence[Cell]) -> Latents:
        for cell in cells:
            atoms, kinds = len(cell.species), len(set(cell.species.tolist()))
            if atoms > self.layout.sites or kinds > self.layout.elements:
                raise StructureError(
                    f"a crystal of {atoms} atoms of {kinds} elements does not fit into the tensor, which holds "
                    f"{self.layout.sites} of {self.layout.elements}",
                    "leave it out, or train with larger most and elements",
                )
        crystals = Crystals.of_cells([ordered(cell) for cell in cells], torch.float32).to(self.kept.device)
        return self.posterior(represented(crystals, self.layout))[0]

    def property_of(self, z: Latents) -> PerCrystal:
        if self.head is None:
            return super().property_of(z)
        said = torch.sigmoid(self.head(z)).squeeze(1)
        return self.least + said * (self.most - self.least)
