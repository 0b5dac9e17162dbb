"""The fast decoder: any process of coordinates, in the cell and with the composition that the heads say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nucleate.arrays import Mask, PerCrystal
from nucleate.codecs.base import LatticeCodec
from nucleate.crystals import Crystals
from nucleate.families.cdvae.decoder import Decoder, Lesson
from nucleate.families.latent import Latents
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.base import Denoiser
from nucleate.processes.base import Process, State
from nucleate.processes.fixed import Fixed
from nucleate.sampling.given import Given
from nucleate.sampling.loop import trajectory
from nucleate.sampling.settings import SamplerSettings


class FixedCell(Fixed):
    """A known lattice, six numbers."""

    level = "cell"

    def prior(self, mask: Mask, noise: Noise) -> State:
        return {"x": torch.zeros(len(mask), 6, device=mask.device)}

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        return {"lattice": state["x"]}


class ProcessDecoder(Decoder):
    """A diffusion model or flow of coordinates alone, told of the latent vector.

    The atoms of a composition begin anywhere, so that which of them has which element is left to chance.

    Attributes:
        model: processes and network.
    """

    def __init__(self, network: Denoiser, codec: LatticeCodec, process: Process, latent: int) -> None:
        super().__init__()
        parts = {"species": Fixed(), "frac": process, "lattice": FixedCell()}
        columns = tuple(f"z{number}" for number in range(latent))
        self.model = CrystalModel(parts, codec, network, conditions=columns)

    @property
    def codec(self) -> LatticeCodec:
        """Of the lattice."""
        return self.model.codec

    def losses(self, lesson: Lesson, noise: Noise) -> dict[str, PerCrystal]:
        """`coordinates`: that of the process, in the true cell and with the true elements."""
        one = lesson.crystals
        crystals = Crystals(one.species, one.frac, one.lattice, one.mask, lesson.z)
        return {"coordinates": self.model.loss(crystals, lesson.t, noise)["frac"]}

    def decoded(
        self, start: Crystals, given: bool, z: Latents, settings: SamplerSettings, noise: Noise,
        on_step: Callable[[], None],
    ) -> tuple[Crystals, int]:  # fmt: skip
        everywhere = torch.ones(len(start), dtype=torch.bool, device=z.device)
        held = Given(start, {"species": start.mask, "lattice": everywhere})
        before = self.model.evaluations
        way = trajectory(self.model, start.mask, settings, noise, held, condition=z)
        _, states = next(way)
        for _, states in way:  # noqa: B007
            on_step()
        found = self.model.decode(states, start.mask)
        return Crystals(found.species, found.frac, start.lattice, start.mask), self.model.evaluations - before

    def steps(self, settings: Any) -> int:
        return settings.steps
