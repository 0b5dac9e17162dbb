"""Masked discrete diffusion of the species: at t = 0 no element is known, at t = 1 all are.

Shi et al. 2024 (MD4, arXiv 2406.04329); as the third species process of KLDM (arXiv 2507.03602), which counts time
u = 1 - t. An atom is shown with probability alpha(t), independently of the others; once shown it stays. The network
gives logits over the elements, and the evidence bound weights the cross entropy of the hidden atoms with
alpha' / (1 - alpha). Public codes can end with atoms that were never shown; here the last step shows them all.

`remask` is the species noise eta of OMatG (arXiv 2502.02582; Campbell et al. 2024, arXiv 2402.04997): atoms are hidden
again at the rate eta and shown correspondingly more often, so that the share shown at each time stays the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool
from torch import Tensor
from torch.distributions import Categorical

from nucleate.arrays import Mask, PerCrystal
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.geometry.noise import Noise
from nucleate.geometry.precision import at_least_float32
from nucleate.processes.base import Move, Noised, Process, State
from nucleate.processes.laws import of_crystals
from nucleate.settings import check_limits, within

HIDDEN = 0
"""Stands for an element that is not known yet, and for padding."""


@dataclass(frozen=True)
class MaskedSettings:
    """Settings of masked diffusion.

    Attributes:
        schedule: alpha(t), the share of atoms shown: `linear` t, `cosine` 1 - cos(pi t / 2),
            `polynomial` 1 - (1 - t)^2.
        weight: weight of a hidden atom's cross entropy: `bound`, alpha' / (1 - alpha) of the evidence bound, or
            `flat`, 1.
        all_shown: share of the training crystals whose species are all shown at every time, so that the model learns
            to predict structures of a given composition too.
        known_by: time from which all atoms are shown, so that below 1 the composition is there before the structure:
            alpha(t) is the schedule's at t / known_by.
        remask: rate at which the sampler hides atoms again, for the linear schedule; none in the last step.
    """

    schedule: Literal["linear", "cosine", "polynomial"] = "linear"
    weight: Literal["bound", "flat"] = "bound"
    all_shown: float = 0.0
    known_by: float = 1.0
    remask: float = 0.0

    def __post_init__(self) -> None:
        within(self, 0, 0.999, "all_shown", "masked.")
        within(self, 0.01, 1, "known_by", "masked.")
        within(self, 0, 1000, "remask", "masked.")


@dataclass(frozen=True, kw_only=True)
class MaskedStep:
    """Settings of a step.

    Attributes:
        temperature: of the softmax that elements are drawn from; below 1 it favours probable ones.
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        limits = {"temperature": (0 <= self.temperature <= 100, "at least 0 and at most 100")}
        check_limits("the sampler", self, limits)


class Masked(Process):
    """Species. State: `x`, atomic numbers, 0 where hidden; `guess`, what hidden atoms would be shown as."""

    level = "atom"
    target_width = MAX_ATOMIC_NUMBER
    step_settings = MaskedStep
    told = True

    def __init__(self, settings: MaskedSettings) -> None:
        if settings.remask > 0 and settings.schedule != "linear":
            raise ValueError(f"remask = {settings.remask} needs schedule = linear, not {settings.schedule}")
        self.settings = settings

    def clock(self, t: PerCrystal) -> PerCrystal:
        """t / known_by, at most 1: the time of the schedule."""
        return t if self.settings.known_by == 1 else (t / self.settings.known_by).clamp(max=1)

    def shown(self, t: PerCrystal) -> PerCrystal:
        """alpha(t)."""
        t = self.clock(t)
        if self.settings.schedule == "linear":
            return t
        if self.settings.schedule == "cosine":
            return 1 - torch.cos(0.5 * math.pi * t)
        return 1 - (1 - t) ** 2

    def loss_weight(self, t: PerCrystal) -> PerCrystal:
        """alpha'(t) / (1 - alpha(t)), or 1. Of no meaning from `known_by` on, where no atom is hidden."""
        if self.settings.weight == "flat":
            return torch.ones_like(t)
        t = self.clock(t).clamp(max=1 - 1e-4)
        if self.settings.schedule == "cosine":
            rate = 0.5 * math.pi * torch.tan(0.5 * math.pi * t)
        else:
            rate = (1 if self.settings.schedule == "linear" else 2) / (1 - t)
        return rate / self.settings.known_by

    def prior(self, mask: Mask, noise: Noise) -> State:
        hidden = torch.full(mask.shape, HIDDEN, dtype=torch.long, device=mask.device)
        return {"x": hidden, "guess": hidden}

    def corrupt(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> Noised:
        """Data are atomic numbers. The target is 0 for atoms that are shown, which the loss leaves out."""
        show = noise.uniform(mask.shape[1]) < self.shown(t).unsqueeze(-1)
        show = show | (noise.uniform(1) < self.settings.all_shown)
        x = torch.where(show, data, HIDDEN)
        return Noised({"x": x, "guess": data}, torch.where(show, HIDDEN, data), self.loss_weight(t))

    def given(self, data: Tensor, noised: Noised, which: Bool[Tensor, " crystals"]) -> Noised:
        """All atoms are shown."""
        which = which.unsqueeze(-1)
        x = torch.where(which, data, noised.state["x"])
        return replace(
            noised, state={**noised.state, "x": x}, target=torch.where(which, HIDDEN, noised.target)
        )

    def inputs(self, state: State, t: PerCrystal) -> dict[str, Tensor]:
        return {"species": state["x"]}

    def loss(self, prediction: Tensor, noised: Noised, mask: Mask) -> PerCrystal:
        """Cross entropy of the hidden atoms, summed over them and divided by all atoms, times the weight."""
        hidden = mask & (noised.target != HIDDEN)
        target = (noised.target - 1).clamp(min=0)
        entropy = F.cross_entropy(prediction.float().flatten(0, 1), target.flatten(), reduction="none")
        return (entropy.reshape(mask.shape) * hidden).sum(1) / mask.sum(1).clamp(min=1) * noised.weight

    def step(self, state: State, prediction: Tensor, move: Move) -> State:
        """Show each hidden atom with probability (alpha' - alpha) / (1 - alpha), as a draw from the softmax.

        With `remask` this is multiplied by 1 + eta t, and shown atoms are hidden with probability eta (t_next - t);
        both by the times of `clock`.
        """
        mask, noise, rate = move.mask, move.noise, self._rate(move)
        # In bfloat16 one draw in 512 is 1, whose logarithm's logarithm is infinite.
        prediction = at_least_float32(prediction)
        draw = noise.uniform(mask.shape[1], MAX_ATOMIC_NUMBER).to(prediction.dtype)
        gumbel = -torch.log(-torch.log(draw))
        guess = ((prediction + move.of(MaskedStep).temperature * gumbel).argmax(-1) + 1) * mask
        hidden = state["x"] == HIDDEN
        x = torch.where(hidden & (noise.uniform(mask.shape[1]) < rate), guess, state["x"])
        if self.settings.remask == 0:
            return {"x": x, "guess": guess}
        again = ~hidden & (noise.uniform(mask.shape[1]) < self._hide(move))
        # A sampler that stops before t = 1 leaves some hidden: they keep the element they had.
        return {"x": torch.where(again, HIDDEN, x), "guess": torch.where(hidden, guess, state["x"])}

    def distribution(self, state: State, prediction: Tensor, move: Move) -> Categorical:
        """The distribution of `x` over HIDDEN and the elements."""
        x, rate = state["x"], self._rate(move).unsqueeze(-1)
        logits = at_least_float32(prediction)
        warmth = move.of(MaskedStep).temperature
        guess = (
            F.one_hot(logits.argmax(-1), MAX_ATOMIC_NUMBER) if warmth == 0 else (logits / warmth).softmax(-1)
        )
        drawn = torch.cat([1 - rate.expand(*x.shape, 1), rate * guess], -1)
        hide = self._hide(move).unsqueeze(-1)
        stays = (1 - hide) * F.one_hot(x, MAX_ATOMIC_NUMBER + 1)
        stays[..., HIDDEN] += hide.squeeze(-1)
        return Categorical(torch.where((x == HIDDEN).unsqueeze(-1), drawn, stays))

    def log_probability(self, state: State, after: State, prediction: Tensor, move: Move) -> PerCrystal:
        """Of `x`. What hidden atoms would be shown as does not count: a last step shows them all."""
        return of_crystals(self.distribution(state, prediction, move).log_prob(after["x"]), move.mask)

    def _rate(self, move: Move) -> Tensor:
        """Probability that a hidden atom is shown, [crystals, 1]."""
        now, then = self.shown(move.t), self.shown(move.t_next)
        more = 1 + self.settings.remask * self.clock(move.t)
        return ((then - now) / (1 - now).clamp(min=1e-6) * more).unsqueeze(-1)

    def _hide(self, move: Move) -> Tensor:
        """Probability that a shown atom is hidden again, [crystals, 1]."""
        now, then = self.clock(move.t), self.clock(move.t_next)
        return (self.settings.remask * (then - now) * (then < 1)).unsqueeze(-1)

    def tilted(self, state: State, prediction: Tensor, gradient: State, t: PerCrystal, mask: Mask) -> Tensor:
        """Logits plus what showing each element would change, to first order (Nisonoff et al. 2024, arXiv 2406.01572).

        gradient: `x`, with respect to probabilities of HIDDEN and the elements. [crystals, atoms, elements + 1]
        """
        shown, hidden = gradient["x"][..., 1:], gradient["x"][..., :1]
        return prediction + (shown - hidden) * mask.unsqueeze(-1)

    def endpoint(self, state: State, prediction: Tensor, t: PerCrystal, mask: Mask) -> Tensor:
        """The species that are shown, the most probable ones elsewhere."""
        return torch.where(state["x"] == HIDDEN, prediction.argmax(-1) + 1, state["x"]) * mask

    def decode(self, state: State) -> Tensor:
        return torch.where(state["x"] == HIDDEN, state["guess"], state["x"])

    def held(self, data: Tensor, t: PerCrystal, mask: Mask, noise: Noise) -> State:
        """What is known is shown at every time."""
        return {"x": data, "guess": data}
