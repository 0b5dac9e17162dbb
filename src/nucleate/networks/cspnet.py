"""CSPNet with velocities, the network of KLDM (arXiv 2507.03602, appendix I) after DiffCSP (arXiv 2309.04475)."""

from __future__ import annotations

from dataclasses import dataclass

from nucleate.networks.base import Denoiser, Head


@dataclass(frozen=True)
class CSPNetSettings:
    """Settings of CSPNet; the defaults are the paper's for MP-20.

    Attributes:
        width: channels of a node. layers: message-passing layers (the paper takes 4 for Perov-5).
        frequencies: waves of the coordinate differences on each axis, 0 to this number minus 1.
        time_width: random Fourier features of time.
    """

    width: int = 512
    layers: int = 6
    frequencies: int = 128
    time_width: int = 256


class CSPNet(Denoiser):
    """To be built."""

    def __init__(self, settings: CSPNetSettings, heads: dict[str, Head], lattice_width: int = 6) -> None:
        super().__init__()
        raise NotImplementedError
