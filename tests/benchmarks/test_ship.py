"""What is put into the package: a model without what only its training asked."""

from __future__ import annotations

import torch

from nucleate.recipes.registry import get_recipe
from ship import drawing
from tests.training.tiny import SHRINK

ASKED = (*SHRINK, "torus_transformer.index=true", "training.order=orbits", "loss_weights.symmetry=0.1")


def test_heads_that_only_training_asks_are_left_out() -> None:
    recipe = get_recipe("kldm-csp-tiny", list(ASKED))
    model = recipe.build()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(0.25)
    bare, plain = drawing(model, recipe)
    assert set(bare.network.heads) == {"frac", "lattice"}
    assert plain.loss_weights.symmetry == 0
    assert plain.loss_weights.lattice == recipe.loss_weights.lattice
    trained = model.state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in bare.state_dict().items())
    assert len(bare.state_dict()) < len(trained)


def test_others_are_shipped_as_they_are() -> None:
    for name, sets in (("kldm-csp-tiny", SHRINK), ("crystal-gan", ())):
        recipe = get_recipe(name, list(sets))
        model = recipe.build()
        assert drawing(model, recipe) == (model, recipe)
