"""A small CDVAE."""

from __future__ import annotations

from nucleate.families.cdvae.model import CDVAE
from nucleate.recipes.registry import get_recipe
from tests.training.tiny import SHRINK

SMALL = (*SHRINK, "latent=8", "hidden=16", "training.slices=1")
"""Settings of a small one."""


def built(name: str, *assignments: str) -> CDVAE:
    """A recipe, made small, as it begins."""
    model = get_recipe(name, [*SMALL, *assignments]).build()
    assert isinstance(model, CDVAE)
    return model.eval()
