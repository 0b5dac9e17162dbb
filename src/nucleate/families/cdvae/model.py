"""CDVAE: a periodic encoder to a latent vector, heads that read it, and a decoder that is told of it.

The losses are the terms of the bound, weighted as published (Xie et al. 2022, arXiv 2110.06197, and its public code):
number of atoms 1, lattice 10, composition 1, coordinates 10, species 1, divergence 0.01, property 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from nucleate.arrays import Cells, Mask, PerCrystal
from nucleate.cell import Cell
from nucleate.codecs.base import LatticeCodec
from nucleate.crystals import Crystals
from nucleate.data.conditions import completed
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.errors import DataError
from nucleate.families.cdvae.decoder import Decoder, Lesson
from nucleate.families.cdvae.heads import Heads, composition_loss, divergence, size_loss
from nucleate.families.latent import LatentModel, Latents
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.model.times import training_times, validation_times
from nucleate.networks.base import Denoiser
from nucleate.settings import within


@dataclass(frozen=True)
class Weights:
    """Weights of the losses; see the module's text."""

    atoms: float = 1.0
    lattice: float = 10.0
    composition: float = 1.0
    coordinates: float = 10.0
    species: float = 1.0
    divergence: float = 0.01
    property: float = 1.0

    def __post_init__(self) -> None:
        names = "atoms lattice composition coordinates species divergence property"
        within(self, 0, 1e6, names, "loss_weights.")


@dataclass(frozen=True)
class Forcing:
    """For how long the decoder sees the true cell instead of what the head says.

    Attributes:
        epochs: of training.
        batch: crystals in a step.
    """

    epochs: int
    batch: int


class CDVAE(LatentModel):
    """See the module's text.

    Attributes:
        encoder: a network with the head `latent` of the cell: means and logarithms of variances.
        heads, decoder: what reads the latent vector.
        width: numbers of a latent vector.
        most: atoms in a cell.
    """

    property_mean: Tensor
    property_spread: Tensor

    def __init__(
        self, encoder: Denoiser, heads: Heads, decoder: Decoder, width: int, most: int, weights: Weights,
        forcing: Forcing, target: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self.encoder, self.heads, self.decoder = encoder, heads, decoder
        self.width, self.most, self.target = width, most, target
        self.weights, self.forcing, self._forced = asdict(weights), forcing, 0
        self.register_buffer("property_mean", torch.tensor(0.0))
        self.register_buffer("property_spread", torch.tensor(1.0))

    @property
    def codec(self) -> LatticeCodec:
        """Of the lattice: one for the head, the encoder and the decoder."""
        return self.decoder.codec

    def fit(self, table: CrystalTable) -> None:
        """Scales of the lattice and of the property. Raises DataError for larger cells than `most`."""
        if table.sizes.max() > self.most:
            raise DataError(
                f"the training split has cells of {table.sizes.max()} atoms, and the model reads up to {self.most}",
                f"give --set most={table.sizes.max()}",
            )
        self.codec.fit(torch.tensor(table.lattice), torch.tensor(table.sizes))
        self._forced = self.forcing.epochs * max(1, len(table) // self.forcing.batch)
        if self.target:
            known = torch.tensor(completed(table, [self.target]).numbers([self.target])[:, 0])
            known = known[~known.isnan()]
            if not len(known):
                raise DataError(
                    f"no crystal of the training split has a known {self.target}", "name another property"
                )
            self.property_mean.fill_(float(known.mean()))
            self.property_spread.fill_(max(float(known.std(unbiased=False)), 1e-6))

    def examples(self, table: CrystalTable, device: torch.device) -> Feed:
        names = (self.target,) if self.target else ()
        return Feed(completed(table, names), device, names)

    def drawn(self, seed: int, step: int, count: int) -> dict[str, Tensor]:
        """Times `t`, and whether the true cell is `forced`."""
        return {
            "t": training_times(seed, step, count),
            "forced": torch.full((count,), step < self._forced),
        }

    def drawn_evenly(self, count: int) -> dict[str, Tensor]:
        return {"t": validation_times(count), "forced": torch.zeros(count, dtype=torch.bool)}

    def posterior(self, crystals: Crystals) -> tuple[Latents, Latents]:
        """Means and logarithms of the variances of the latent vectors. [crystals, width] each"""
        lattice = self.codec.encode(crystals.lattice, crystals.sizes)
        inputs = {"species": crystals.species, "frac": crystals.frac, "lattice": lattice}
        said = self.encoder(inputs, torch.ones_like(lattice[:, 0]), crystals.mask)["latent"].float()
        mean, log_variance = said.chunk(2, -1)
        return mean, log_variance

    def forward(
        self, species: Tensor, frac: Tensor, lattice: Cells, mask: Mask, t: PerCrystal, forced: Tensor,
        keys: Tensor, condition: Tensor | None = None,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """The terms of the bound, without weights. condition: the property. [crystals, 1]"""
        crystals = Crystals(species, at_least_float32(frac), at_least_float32(lattice), mask)
        noise, sizes = Noise(keys), crystals.sizes
        mean, log_variance = self.posterior(crystals)
        z = mean + (0.5 * log_variance).exp() * noise.normal(self.width)
        said, true = self.heads(z), self.codec.encode(crystals.lattice, sizes)
        heard = self.codec.decode(said.lattice.detach(), sizes)
        cells = torch.where(forced[:, None, None], crystals.lattice, heard)
        lesson = Lesson(crystals, z, cells, said.shares.detach(), at_least_float32(t))
        losses = {
            "atoms": size_loss(said, sizes),
            "lattice": (said.lattice - true).square().mean(-1),
            "composition": composition_loss(said, species, mask),
            "divergence": divergence(mean, log_variance),
            **self.decoder.losses(lesson, noise),
        }
        if said.target is not None and condition is not None:
            known = (condition[:, 0] - self.property_mean) / self.property_spread
            error = said.target - known.nan_to_num(0.0)
            losses["property"] = torch.where(known.isnan(), 0.0, error.square())
        return losses

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        return torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum(0)

    @torch.no_grad()
    def encode(self, cells: Sequence[Cell]) -> Latents:
        device = self.property_mean.device
        return self.posterior(Crystals.of_cells(cells, torch.float32).to(device))[0]

    def property_of(self, z: Latents) -> PerCrystal:
        said = self.heads(z).target
        if said is None:
            return super().property_of(z)
        return said * self.property_spread + self.property_mean
