"""Species codecs: atomic numbers to and from the channels of a process, zero in padding.

One-hot vectors and analog bits (Chen et al. 2022, arXiv 2208.04202) make chemistry Euclidean, so that the diffusion of
the lattice applies to it too. Public codes of analog bits read 7 signs as a number, and 28 of the 128 numbers are no
element; here a vector becomes the element with the nearest code, which is the same wherever the signs are an element's.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nucleate.arrays import Mask, Species
from nucleate.elements import MAX_ATOMIC_NUMBER

Representation = Literal["numbers", "onehot", "bits"]
LEAST_SHARE = 1e-4
"""Probability that an element, or a bit, has at least, whatever a network says."""


class Numbers(nn.Module):
    """Atomic numbers as they are, for processes on discrete states. 0 also stands for an unknown element."""

    width = 0

    def encode(self, species: Species, mask: Mask) -> Tensor:
        return species

    def decode(self, x: Tensor, mask: Mask) -> Species:
        return x * mask


class Codes(nn.Module):
    """A vector for each element: [crystals, atoms] to and from [crystals, atoms, width]. All codes have one length."""

    codes: Tensor

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        self.width = codes.shape[1]
        self.register_buffer("codes", codes, persistent=False)

    @property
    def range(self) -> tuple[float, float]:
        """Least and largest number of any code."""
        return float(self.codes.min()), float(self.codes.max())

    def encode(self, species: Species, mask: Mask) -> Tensor:
        """Atomic numbers to their codes."""
        return self.codes[(species - 1).clamp(min=0)] * mask.unsqueeze(-1)

    def decode(self, x: Tensor, mask: Mask) -> Species:
        """Vectors to the element whose code is nearest."""
        return ((x @ self.codes.T).argmax(-1) + 1) * mask

    def nearest(self, x: Tensor, allowed: Tensor) -> Tensor:
        """The code that is nearest among those of allowed elements [crystals, atoms, elements]."""
        near = (x @ self.codes.T).masked_fill(~allowed, -torch.inf)
        return self.codes[near.argmax(-1)]

    def restricted(self, x: Tensor, allowed: Tensor) -> Tensor:
        """Expected codes x, given that the element is an allowed one [crystals, atoms, elements].

        Of unit vectors an expectation holds the elements' probabilities; of bits it says those of each bit, which are
        taken as independent.
        """
        low, high = self.range
        share = ((x - low) / (high - low)).clamp(LEAST_SHARE, 1 - LEAST_SHARE)
        if low == 0:
            scores = share.log()
        else:
            ones = (self.codes > 0).to(x)
            scores = share.log() @ ones.T + (1 - share).log() @ (1 - ones).T
        return scores.masked_fill(~allowed, -torch.inf).softmax(-1) @ self.codes


def species_codec(representation: Representation) -> Numbers | Codes:
    """`numbers`; `onehot`: unit vectors, width 100; `bits`: atomic numbers in binary as -1 and 1, width 7."""
    if representation == "numbers":
        return Numbers()
    numbers = torch.arange(1, MAX_ATOMIC_NUMBER + 1)
    if representation == "onehot":
        return Codes(F.one_hot(numbers - 1).float())
    places = torch.arange(MAX_ATOMIC_NUMBER.bit_length() - 1, -1, -1)
    return Codes(2.0 * ((numbers[:, None] >> places) & 1) - 1)
