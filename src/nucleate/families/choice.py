"""How words are drawn: among those that are allowed, by temperature, top-k and top-p."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nucleate.geometry.noise import Noise


@dataclass(frozen=True)
class Choice:
    """How words are chosen.

    Attributes:
        temperature: logits are divided by it; 1 draws from the model, less favours likely words.
        top_p: only the likeliest words that together have this probability.
        top_k: only so many of the likeliest words; 0 for all.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0


def choose(
    logits: Float[Tensor, "sequences words"],
    allowed: Bool[Tensor, "sequences words"],
    noise: Noise,
    choice: Choice,
) -> tuple[Int[Tensor, " sequences"], Float[Tensor, " sequences"]]:
    """A word for each sequence, by inverting the distribution function, and its log-probability among those allowed
    at temperature 1."""
    masked = logits.double().masked_fill(~allowed, -torch.inf)
    weights = torch.softmax(masked / choice.temperature, -1)
    if choice.top_k:
        least = weights.topk(min(choice.top_k, weights.shape[-1]), -1).values[:, -1:]
        weights = weights * (weights >= least)
    if choice.top_p < 1:
        ordered, places = weights.sort(-1, descending=True)
        # The first word is always kept; the others while those before them have less than top_p.
        ordered = ordered * (ordered.cumsum(-1) - ordered < choice.top_p)
        weights = torch.zeros_like(weights).scatter(-1, places, ordered)
    below = weights.cumsum(-1)
    aim = noise.uniform(1).double() * below[:, -1:]
    last = weights.shape[-1] - 1 - (weights > 0).flip(-1).int().argmax(-1)
    words = torch.minimum((below <= aim).sum(-1), last)
    return words, torch.log_softmax(masked, -1).gather(-1, words[:, None])[:, 0]
