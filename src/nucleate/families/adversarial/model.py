"""A conditional Wasserstein GAN with penalties on the gradient (Gulrajani et al. 2017, arXiv 1704.00028) and distances.

CrystalGAN (Nouira et al. 2018, arXiv 1810.11203) made A-B-H from A-H and B-H with constraints on distances. Here the
condition is the family, the elements that a crystal may have, and atoms closer than `least_distance` are penalised:

    critic       D(made) - D(known) + penalty_weight (|grad D(between)| - 1)^2
    maker        -D(made) + distance_weight mean over pairs of max(0, least_distance - d)^2

The critic is updated at each step, the maker at every `critic_steps`-th (5 as published): in the other steps its losses
have no gradient, and an optimiser leaves weights without one alone. Validation has no critic in it: it is the energy
score of made crystals against held-out ones of the same family, which is least for their distribution (Gneiting and
Raftery 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import functional_call

from nucleate.arrays import Cells, Mask, PerCrystal, Species
from nucleate.data.feed import Feed
from nucleate.data.table import CrystalTable
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.errors import DataError
from nucleate.families.adversarial.networks import Critic, Family, Maker, Soft, cells, distances, soft
from nucleate.families.cdvae.cells import ScaledParameters
from nucleate.families.ftcp.tensor import ordered_table
from nucleate.geometry.noise import Noise
from nucleate.model.trainable import Trainable
from nucleate.settings import within
from nucleate.streams import SUBSET

KEPT = 2048
"""Training compositions that are kept, to draw families from."""


@dataclass(frozen=True)
class AdversarialWeights:
    """Weights of the penalties.

    Attributes:
        gradient: of the critic's gradient.
        distance: of atoms that are too close.
        least_distance: Å.
    """

    gradient: float = 10.0
    distance: float = 1.0
    least_distance: float = 1.5

    def __post_init__(self) -> None:
        within(self, 0, 1e6, "gradient distance", "penalties.")
        within(self, 0, 10.0, "least_distance", "penalties.")


class Adversarial(Trainable):
    """See the module's text.

    Attributes:
        maker, critic: the two networks.
        codec: of the lattice.
        atoms: in every cell.
        noise: numbers that a crystal is made of.
        critic_steps: updates of the critic for each of the maker.
        kept: compositions of training crystals. [KEPT, atoms]
    """

    kept: Tensor

    def __init__(
        self, maker: Maker, critic: Critic, noise: int, atoms: int, penalties: AdversarialWeights,
        critic_steps: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.critic_steps = critic_steps
        self.maker, self.critic, self.noise, self.atoms = maker, critic, noise, atoms
        self.penalties, self.codec = penalties, ScaledParameters(standardise=True)
        self.register_buffer("kept", torch.ones(KEPT, atoms))

    def fit(self, table: CrystalTable) -> None:
        """Scales of the lattice, and compositions. Raises DataError without a crystal of `atoms` atoms."""
        found = self._fitting(table)
        self.codec.fit(torch.tensor(found.lattice), torch.tensor(found.sizes))
        species = torch.tensor(found.species).view(-1, self.atoms)
        chosen = torch.from_numpy(SUBSET.generator(0).permutation(len(species))[:KEPT])
        self.kept.copy_(species[chosen][torch.arange(KEPT) % len(chosen)])

    def _fitting(self, table: CrystalTable) -> CrystalTable:
        """The crystals of `atoms` atoms, these in order."""
        rows = (table.sizes == self.atoms).nonzero()[0]
        if not len(rows):
            raise DataError(f"no crystal has {self.atoms} atoms", "set 'atoms' to that of the data")
        return ordered_table(table.select(rows))

    def examples(self, table: CrystalTable, device: torch.device) -> Feed:
        """The crystals of `atoms` atoms; others are left out."""
        return Feed(self._fitting(table), device)

    def drawn(self, seed: int, step: int, count: int) -> dict[str, Tensor]:
        """Whether it is the maker's turn. [count]"""
        return {"turn": torch.full((count,), (step + 1) % self.critic_steps == 0)}

    def forward(
        self, species: Species, frac: Tensor, lattice: Cells, mask: Mask, keys: Tensor,
        condition: Tensor | None = None, turn: Tensor | None = None,
    ) -> dict[str, PerCrystal]:  # fmt: skip
        """The losses of both networks; in evaluation mode the energy score. turn: whether the maker's are to have a
        gradient. [crystals]"""
        noise, family = Noise(keys), family_of(species)
        known = soft(self.codec.encode(lattice, mask.sum(1)), frac, species)
        if not self.training:
            made, other = (self.maker(noise.normal(self.noise), family) for _ in range(2))
            return {"energy_score": energy_score(known.vector(), made.vector(), other.vector())}
        with torch.set_grad_enabled(turn is None or bool(turn.all())):
            made = self.maker(noise.normal(self.noise), family)
            of_maker = self._of_maker(made, family)
        real, false = known.vector(), made.vector().detach()
        share = noise.uniform(1)
        return {
            "critic": self.critic(false, family) - self.critic(real, family),
            "gradient": gradient_penalty(self.critic, share * real + (1 - share) * false, family),
            **of_maker,
        }

    def _of_maker(self, made: Soft, family: Family) -> dict[str, PerCrystal]:
        """The losses that move the maker: the critic's weights stand still."""
        fixed = {name: value.detach() for name, value in self.critic.state_dict(keep_vars=True).items()}
        gap = distances(made.frac, cells(made, self.codec))
        return {
            "maker": -functional_call(self.critic, fixed, (made.vector(), family)),
            "distance": (self.penalties.least_distance - gap).clamp(min=0).square().mean(1),
        }

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        weights = {"gradient": self.penalties.gradient, "distance": self.penalties.distance}
        return torch.stack([weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum(0)

    def made(self, z: Tensor, family: Family) -> tuple[Soft, Cells]:
        """Crystals with their cells, Å."""
        soft_ = self.maker(z, family)
        return soft_, cells(soft_, self.codec)


def family_of(species: Species) -> Family:
    """The elements of each crystal. [crystals, elements]"""
    family = torch.zeros(len(species), MAX_ATOMIC_NUMBER, device=species.device)
    return family.scatter_(1, (species - 1).clamp(min=0), 1.0)


def gradient_penalty(critic: Critic, between: Tensor, family: Family) -> PerCrystal:
    """(|grad D| - 1)^2 at points between known and made crystals."""
    between = between.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, family).sum(), between, create_graph=True)
    return (slope.square().sum(1) + 1e-12).sqrt().sub(1).square()


def energy_score(known: Tensor, made: Tensor, other: Tensor) -> PerCrystal:
    """Mean distance of two draws from what is known, minus half of that between the draws."""
    near = 0.5 * ((made - known).norm(dim=1) + (other - known).norm(dim=1))
    return near - 0.5 * (made - other).norm(dim=1)
