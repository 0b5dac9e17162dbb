"""Informed cells: a prior that already looks like cells, with log-normal lengths and uniform angles.

Independent log-normal lengths by maximum likelihood on the training split, the same for every number of atoms, and
independent uniform angles (FlowMM, Miller et al. 2024, arXiv 2406.04713: 59.9 to 120.1 degrees; OMatG, Höllmer et al.
2025, arXiv 2502.02582: 60 to 120). Angles that form no cell are moved towards 90 until they do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nucleate.arrays import Cells, Mask
from nucleate.geometry.lattice import Triples, cell_from_parameters
from nucleate.geometry.noise import Noise

FLOWMM_ANGLES = (59.9, 120.1)
MARGIN = 1.0


class InformedCells(nn.Module):
    """A distribution of cells in Å, with lengths about 1 Å until it is fitted.

    Attributes:
        mu: mean of log a, log b, log c (Å). [3]
        sigma: their standard deviation. [3]
        low: lower bound of the angles in degrees.
        high: upper bound.
    """

    mu: Tensor
    sigma: Tensor

    def __init__(self, low: float = FLOWMM_ANGLES[0], high: float = FLOWMM_ANGLES[1]) -> None:
        """Raises ValueError unless 0 < low < high < 180."""
        super().__init__()
        if not 0 < low < high < 180:
            raise ValueError(
                f"the bounds of the angles must satisfy 0 < low < high < 180; got {low} to {high}"
            )
        self.low, self.high = low, high
        self.register_buffer("mu", torch.zeros(3))
        self.register_buffer("sigma", torch.ones(3))

    def fit(self, lattice: Cells) -> None:
        """Maximum likelihood: mean and (biased) standard deviation of the log lengths. lattice: [crystals, 3, 3], Å."""
        logs = lattice.double().norm(dim=-1).log()
        self.mu.copy_(logs.mean(0))
        self.sigma.copy_(logs.std(0, correction=0))

    def draw(self, mask: Mask, noise: Noise) -> Cells:
        """A cell for each crystal of the noise, float32; their numbers of atoms make no difference."""
        lengths = (self.mu + self.sigma * noise.normal(3)).double().exp()
        angles = closing(self.low + (self.high - self.low) * noise.uniform(3).double())
        return cell_from_parameters(lengths, torch.deg2rad(angles)).float()


def closing(angles: Triples) -> Triples:
    """Angles in degrees that form a cell: those that don't are moved on a straight line towards 90 until they do.

    Three angles form a cell if their sum stays below 360 and each is below the sum of the other two: four linear
    conditions on the distances d from 90, of the form s1 d1 + s2 d2 + s3 d3 < 90. Where all hold with a MARGIN of one
    degree the angles stay as they are.
    """
    from_right = angles - 90
    excess = torch.stack(
        [from_right.sum(-1), *(2 * from_right - from_right.sum(-1, keepdim=True)).unbind(-1)]
    )
    shrink = (90 - MARGIN) / excess.amax(0).clamp(min=90 - MARGIN)
    return 90 + shrink.unsqueeze(-1) * from_right
