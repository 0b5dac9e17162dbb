"""The noise that a predictor is trained under: that of KLDM (arXiv 2507.03602), on coordinates, cell and species.

A predictor sees coordinates at rest (`KineticSettings.shown`): where the atoms are without the displacement that their
velocity explains, which is all that the state knows of the data. Species are left as they are for half of the crystals,
as in structure prediction, masked for a quarter, and one-hot vectors in Gaussian noise for the others, seen as the
probabilities of the elements that follow from them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerAtom3, PerCrystal, Vectors
from nucleate.codecs.species import Codes, species_codec
from nucleate.crystals import Crystals
from nucleate.geometry.noise import Noise
from nucleate.processes.gaussian import Gaussian, GaussianSettings
from nucleate.processes.kinetic import Kinetic, KineticSettings
from nucleate.processes.masked import Masked, MaskedSettings
from nucleate.properties.soft import Probabilities, certain, posterior

HORIZON = 3.0
"""Of the kinetic process, as in our KLDM models (`recipes.kldm`)."""
GIVEN, MASKED = 0.5, 0.75
"""Up to these shares of the crystals species are given, and masked."""


class Noising:
    """Draws of noised crystals; at t = 1 they are as they were."""

    def __init__(self) -> None:
        self.frac = Kinetic(KineticSettings(horizon=HORIZON, shown="rest"))
        self.lattice = Gaussian(GaussianSettings(), "lattice", 6)
        self.masked = Masked(MaskedSettings())
        codes = species_codec("onehot")
        assert isinstance(codes, Codes)
        self.codes = codes
        self.onehot = Gaussian(GaussianSettings(), "species", codes.width, "atom")

    def draw(
        self, crystals: Crystals, channels: Vectors, t: PerCrystal, noise: Noise
    ) -> tuple[Probabilities, PerAtom3, Vectors]:
        """Species, coordinates and channels of the lattice at these times. channels: of the clean lattice."""
        mask = crystals.mask
        frac = self._frac(crystals.frac, t, mask, noise)
        lattice = self.lattice.corrupt(channels, t, mask, noise).state["x"]
        clean = t >= 1
        frac = torch.where(clean.reshape(-1, 1, 1), crystals.frac, frac)
        lattice = torch.where(clean.unsqueeze(-1), channels, lattice)
        species = certain(crystals.species, mask, frac.dtype)
        choice = noise.uniform(1)[:, 0]
        hidden = certain(self.masked.corrupt(crystals.species, t, mask, noise).state["x"], mask, frac.dtype)
        soft = self._soft(crystals, t, noise)
        which = torch.where(clean, 0, (choice > GIVEN).long() + (choice > MASKED).long()).reshape(-1, 1, 1)
        return torch.where(which == 1, hidden, torch.where(which == 2, soft, species)), frac, lattice

    def _frac(self, frac: PerAtom3, t: PerCrystal, mask: Mask, noise: Noise) -> Tensor:
        state = self.frac.corrupt(frac, t, mask, noise).state
        return self.frac.inputs(state, t)["frac"] * mask.unsqueeze(-1)

    def _soft(self, crystals: Crystals, t: PerCrystal, noise: Noise) -> Probabilities:
        codes, mask = self.codes.codes.to(crystals.frac), crystals.mask
        clean = codes[(crystals.species - 1).clamp(min=0)] * mask.unsqueeze(-1)
        x = self.onehot.corrupt(clean, t, mask, noise).state["x"]
        return posterior(x, codes, *self.onehot.alpha_sigma(t), mask)
