"""A small network with random weights, and some sites."""

from __future__ import annotations

from functools import cache

import torch

from nucleate.families.wyckoff.model import WyckoffModel
from nucleate.families.wyckoff.network import WyckoffNetwork, WyckoffNetworkSettings
from nucleate.symmetry.sites import Sites

PEROVSKITE = Sites(221, ("a", "b", "c"), (38, 22, 8))
RUTILE = Sites(136, ("a", "f"), (22, 8))
OLIVINE = Sites(62, ("a", "c", "c", "c", "c", "d"), (3, 8, 8, 15, 26, 8))
SPINEL = Sites(227, ("a", "d", "e"), (12, 13, 8))
SOME = [PEROVSKITE, RUTILE, SPINEL, Sites(1, ("a", "a", "a"), (8, 8, 14)), Sites(225, ("a", "b"), (11, 17))]


@cache
def random_model(most: int = 20, seed: int = 0) -> WyckoffModel:
    """Weights are large, so that words are far from alike."""
    torch.manual_seed(seed)
    network = WyckoffNetwork(WyckoffNetworkSettings(width=32, layers=2, heads=2)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)
    return WyckoffModel(network, most)
