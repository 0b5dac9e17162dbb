"""Crystals of many space groups, and a small network with random weights."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from nucleate.families.cif.trainable import CifTrainable
from nucleate.families.cif.vocabulary import cif_vocabulary
from nucleate.families.language.gpt import GPT, GPTSettings
from nucleate.families.wyckoff.placing import place
from nucleate.symmetry.sites import Sites
from tests.families.wyckoff.cases import OLIVINE, PEROVSKITE, RUTILE, SPINEL

KNOWN = [
    PEROVSKITE,
    RUTILE,
    OLIVINE,
    SPINEL,
    Sites(1, ("a", "a", "a"), (8, 8, 14)),
    Sites(2, ("a", "i"), (26, 8)),
    Sites(5, ("a", "c"), (3, 8)),
    Sites(12, ("a", "i"), (22, 16)),
    Sites(166, ("a", "c"), (3, 8)),
    Sites(194, ("a", "c"), (12, 22)),
    Sites(225, ("a", "b"), (11, 17)),
    Sites(229, ("a",), (26,)),
]


@cache
def placed(seed: int = 0) -> list[Sites]:
    """With drawn cells and parameters."""
    return [place(one, 15.0 * one.atoms, np.random.default_rng(seed), 5) for one in KNOWN]


@cache
def random_model(most: int = 20) -> CifTrainable:
    """Weights are large, so that words are far from alike."""
    torch.manual_seed(0)
    network = GPT(GPTSettings(32, 1, 2, 1024, 0.0), len(cif_vocabulary()))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0)
    return CifTrainable(network, most).eval()
