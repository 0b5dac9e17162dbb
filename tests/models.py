"""A small untrained model in a folder, for tests of everything around the network."""

from pathlib import Path

import torch

from nucleate.crystals import Crystals
from nucleate.recipes.registry import get_recipe
from nucleate.runs.model_folder import save_model

SHRINK = [
    "torus_transformer.width=16", "torus_transformer.layers=1", "torus_transformer.heads=2",
    "torus_transformer.pair_width=8", "torus_transformer.frequencies=2", "torus_transformer.time_width=8",
    "sampler.method=pc", "sampler.steps=6",
]  # fmt: skip
CARD = {
    "recipe": "kldm-csp-tiny", "task": "csp", "data": {"name": "made", "crystals": 3}, "parameters": 1,
    "elements": [8, 11, 17, 22, 38], "largest_cell": 20, "metrics": {},
}  # fmt: skip


def tiny_model(folder: Path) -> Path:
    """Write a model folder whose lattice statistics come from three cubic cells."""
    recipe = get_recipe("kldm-csp-tiny", SHRINK)
    model = recipe.build()
    cells = torch.stack([torch.eye(3) * a for a in (3.0, 4.0, 5.0)])
    crystals = Crystals.pad(
        [torch.ones(n) for n in (1, 2, 5)], [torch.rand(n, 3) for n in (1, 2, 5)], list(cells)
    )
    model.codec.fit(crystals.lattice, crystals.sizes)
    for head in model.network.heads.values():
        torch.nn.init.normal_(head[2].weight, std=0.3, generator=torch.Generator().manual_seed(1))
    save_model(folder, model, recipe, CARD)
    return folder
