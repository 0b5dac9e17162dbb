"""Counter-based random numbers: every number is a pure function of (seed, crystal, step, draw, position).

A crystal therefore gets the same noise whatever the batch size, the padding, the order or the device, and an
interrupted run resumes without a generator state. The mixing function is the finaliser of SplitMix64
(Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195); normals come from the Box-Muller transform.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

Map = Callable[[Tensor], Tensor]
Way = Callable[[Tensor, float], Tensor]

_GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_1 = 0xBF58476D1CE4E5B9 - (1 << 64)
_MIX_2 = 0x94D049BB133111EB - (1 << 64)


def _signed(number: int) -> int:
    """An integer modulo 2^64, as the signed number that torch holds."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _shift(x: Tensor, bits: int) -> Tensor:
    """Logical right shift of a signed 64-bit integer."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 30)) * _MIX_1
    x = (x ^ _shift(x, 27)) * _MIX_2
    return x ^ _shift(x, 31)


class Noise:
    """A stream of random numbers for each crystal of a batch.

    Every call of `normal` or `uniform` is a new draw; `at(step)` starts the independent stream of one step.
    """

    def __init__(self, keys: Int[Tensor, " crystals"]) -> None:
        self.keys = keys
        self.draws = 0

    @classmethod
    def of(cls, seed: int, crystals: Int[Tensor, " crystals"]) -> Noise:
        """Streams of crystals, numbered by any integers, under one seed."""
        root = _mix(torch.full_like(crystals, seed % (1 << 63), dtype=torch.int64) + _GOLDEN)
        return cls(_mix(root ^ _mix(crystals.long() * _GOLDEN + _MIX_2)))

    def at(self, step: int) -> Noise:
        """The streams of one step, independent of those of any other step."""
        return Noise(_mix(self.keys + (step + 1) * 2 * 0x632BE59BD9B4E019 % (1 << 63)))

    def normal(self, *shape: int) -> Float[Tensor, "crystals ..."]:
        """Standard normal numbers, float32. [crystals, *shape]"""
        bits = self._bits(shape)
        radius = torch.sqrt(-2 * torch.log(_unit(_shift(bits, 40))))
        return radius * torch.cos(2 * math.pi * _unit(bits & 0xFFFFFF))

    def uniform(self, *shape: int) -> Float[Tensor, "crystals ..."]:
        """Uniform numbers in (0, 1), float32. [crystals, *shape]"""
        return _unit(_shift(self._bits(shape), 40))

    def shortest(self, x: Tensor, period: float = 1.0) -> Tensor:
        """The shortest way between two points of the torus that numbers are drawn on, from their difference x in units
        of which `period` make a cell."""
        return torch.remainder(x + period / 2, period) - period / 2

    def _bits(self, shape: tuple[int, ...]) -> Int[Tensor, "crystals ..."]:
        self.draws += 1
        count = math.prod(shape)
        position = torch.arange(1, count + 1, device=self.keys.device) * _GOLDEN
        stream = _mix(self.keys + _signed(self.draws * 0x2545F4914F6CDD1D))
        return _mix(stream[:, None] ^ _mix(position)).reshape(-1, *shape)


class MappedNoise(Noise):
    """A stream whose numbers pass through functions, such as a projection. Draws are counted on the stream below, which
    others may share.

    normal, uniform: functions of the results of these methods, [crystals, *shape]; None for no change.
    way: in the place of `shortest`, where points are drawn on a part of the torus; None for the whole.
    """

    def __init__(
        self, below: Noise, normal: Map | None = None, uniform: Map | None = None, way: Way | None = None
    ) -> None:
        super().__init__(below.keys)
        self._below, self._maps = below, (normal, uniform, way)

    def at(self, step: int) -> Noise:
        return MappedNoise(self._below.at(step), *self._maps)

    def normal(self, *shape: int) -> Float[Tensor, "crystals ..."]:
        drawn, mapped = self._below.normal(*shape), self._maps[0]
        return mapped(drawn) if mapped else drawn

    def uniform(self, *shape: int) -> Float[Tensor, "crystals ..."]:
        drawn, mapped = self._below.uniform(*shape), self._maps[1]
        return mapped(drawn) if mapped else drawn

    def shortest(self, x: Tensor, period: float = 1.0) -> Tensor:
        way = self._maps[2]
        return way(x, period) if way else self._below.shortest(x, period)


def _unit(bits24: Tensor) -> Tensor:
    """24 random bits to the midpoints of 2^24 equal parts of (0, 1), rounded to float32."""
    # The last midpoint rounds to 1.
    return ((bits24.float() + 0.5) * 2.0**-24).clamp(max=1 - 2.0**-24)
