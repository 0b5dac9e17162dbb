"""Distances of atoms in space as features of pairs, in the cell that the state shows.

For each ordered pair the distance to the nearest of 27 images, for an atom and itself to its nearest own image, in
units of (volume / atoms)^(1/3), in Gaussians of even spacing. A gate for each channel, a function of time and cell,
says how much of them counts: near the noise they mean nothing. In the manner of the attention bias of Crystalite
(arXiv 2604.02270).
"""

from __future__ import annotations

from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nucleate.arrays import Cells, Mask, PerAtom3

CENTRES, FARTHEST = 16, 3.0
LEAST_VOLUME = 1e-3
"""Å^3 for each atom, below which a cell is as good as flat."""


class DistanceFeatures(nn.Module):
    """Gated features of pairs; zero at the start. [crystals, atoms, atoms, pair_width]"""

    images: Tensor
    centres: Tensor

    def __init__(self, width: int, pair_width: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.tensor([*product((-1.0, 0.0, 1.0), repeat=3)]), persistent=False)
        self.register_buffer("centres", torch.linspace(0, FARTHEST, CENTRES), persistent=False)
        self.read = nn.Linear(CENTRES, pair_width, bias=False)
        self.gate = nn.Linear(width, pair_width)
        nn.init.zeros_(self.read.weight)

    def forward(
        self, frac: PerAtom3, cell: Cells, mask: Mask, summary: Float[Tensor, "crystals width"]
    ) -> Float[Tensor, "crystals atoms atoms pair_width"]:
        """cell: rows are the vectors, Å. summary: of time and cell."""
        with torch.autocast(frac.device.type, enabled=False):
            apart = nearest(frac, cell, self.images) / spacing(cell, mask).reshape(-1, 1, 1)
            places = (apart.unsqueeze(-1) - self.centres.to(apart.dtype)) * ((CENTRES - 1) / FARTHEST)
            waves = torch.exp(-0.5 * places.square())
        return self.read(waves) * torch.sigmoid(self.gate(summary))[:, None, None]


def nearest(
    frac: PerAtom3, cell: Cells, images: Float[Tensor, "images 3"]
) -> Float[Tensor, "crystals atoms atoms"]:
    """Distances (Å) from each atom to the nearest image of each other, and to its own nearest image but itself."""
    metric = cell @ cell.mT
    way = frac.unsqueeze(1) - frac.unsqueeze(2)
    way = way - way.round()
    shift = images.to(frac.dtype)
    # |way + shift|^2 in the metric, without the vectors of all images
    reach = torch.einsum("bijx,bxy->bijy", way, metric)
    square = (reach * way).sum(-1, keepdim=True) + 2 * reach @ shift.T
    square = square + torch.einsum("kx,bxy,ky->bk", shift, metric, shift)[:, None, None]
    own = torch.eye(frac.shape[1], dtype=torch.bool, device=frac.device)[:, :, None] & (shift == 0).all(-1)
    return square.masked_fill(own, torch.inf).amin(-1).clamp(min=0).sqrt()


def spacing(cell: Cells, mask: Mask) -> Float[Tensor, "crystals"]:
    """(volume / atoms)^(1/3), Å."""
    atoms = mask.sum(1).to(cell.dtype)
    return (torch.linalg.det(cell).abs() / atoms).clamp(min=LEAST_VOLUME) ** (1 / 3)
