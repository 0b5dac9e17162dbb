"""What is read from a latent vector at once: the number of atoms, the lattice, the composition, perhaps a property."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Mask, PerCrystal, Sizes, Species
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.families.latent import Latents
from nucleate.geometry.noise import Noise

Shares = Float[Tensor, "crystals elements"]


@dataclass(frozen=True)
class Said:
    """What the heads say of latent vectors.

    Attributes:
        atoms: logits of the numbers of atoms 0, 1, ... [crystals, most + 1]
        lattice: as `ScaledParameters` has it. [crystals, 6]
        composition: logits of the elements of any atom. [crystals, elements]
        target: the property, in standard deviations; None without this head. [crystals]
    """

    atoms: Float[Tensor, "crystals numbers"]
    lattice: Float[Tensor, "crystals 6"]
    composition: Shares
    target: PerCrystal | None

    @property
    def shares(self) -> Shares:
        """Of the elements in the composition. [crystals, elements]"""
        return torch.softmax(self.composition, -1)


class Heads(nn.Module):
    """One perceptron with one hidden layer for each. most: atoms in a cell."""

    def __init__(self, latent: int, width: int, most: int, target: bool) -> None:
        super().__init__()
        self.atoms = _perceptron(latent, width, most + 1)
        self.lattice = _perceptron(latent, width, 6)
        self.composition = _perceptron(latent, width, MAX_ATOMIC_NUMBER)
        self.target = _perceptron(latent, width, 1) if target else None

    def forward(self, z: Latents) -> Said:
        said = None if self.target is None else self.target(z).squeeze(-1)
        return Said(self.atoms(z), self.lattice(z), self.composition(z), said)


def _perceptron(given: int, width: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(given, width), nn.ReLU(), nn.Linear(width, out))


def size_loss(said: Said, sizes: Sizes) -> PerCrystal:
    """Cross entropy of the number of atoms, nats."""
    return F.cross_entropy(said.atoms, sizes, reduction="none")


def composition_loss(said: Said, species: Species, mask: Mask) -> PerCrystal:
    """Cross entropy of the elements, nats per atom."""
    nats = -torch.log_softmax(said.composition, -1).gather(1, (species - 1).clamp(min=0))
    return (nats * mask).sum(1) / mask.sum(1)


def divergence(mean: Latents, log_variance: Latents) -> PerCrystal:
    """Of Kullback and Leibler, from normal distributions to the standard one, nats."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(-1)


def drawn_elements(probabilities: Float[Tensor, "... elements"], uniform: Tensor) -> Tensor:
    """Atomic numbers drawn from probabilities, which need not sum to 1, by uniform numbers [...] in (0, 1)."""
    total = probabilities.cumsum(-1)
    below = total < (uniform * total[..., -1]).unsqueeze(-1)
    return 1 + below.sum(-1).clamp(max=probabilities.shape[-1] - 1)


def rounded_compositions(shares: Shares, sizes: Sizes, noise: Noise) -> Species:
    """Atomic numbers of whole atoms by shares of the elements, 0 in padding. [crystals, largest size]

    As published: shares times atoms are rounded; what lacks is drawn from what the rounding left, and of too many some
    are left out by chance. Atoms are in no order.
    """
    most = int(sizes.max())
    fill, order = noise.uniform(most), noise.uniform(4 * most + MAX_ATOMIC_NUMBER)
    found = torch.zeros(len(sizes), most, dtype=torch.long, device=shares.device)
    for row, size in enumerate(sizes.tolist()):
        counts = (shares[row] * size).round()
        atoms = torch.repeat_interleave(counts.long()) + 1
        if len(atoms) < size:
            left = (shares[row] - counts / size).clamp(min=0)
            more = drawn_elements(left.expand(size - len(atoms), -1), fill[row, len(atoms) : size])
            atoms = torch.cat([atoms, more])
        found[row, :size] = atoms[order[row, : len(atoms)].argsort()][:size]
    return found
