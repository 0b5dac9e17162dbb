"""Muon against singular values, against another implementation, and in a run that is killed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from nucleate.errors import RecipeError
from nucleate.model.trainable import Trainable
from nucleate.recipes.registry import get_recipe
from nucleate.training.muon import Muon, orthogonal
from nucleate.training.optimisers import block_matrices, optimisers
from nucleate.training.settings import TrainingSettings
from tests.training.test_resume import killed_and_resumed
from tests.training.tiny import SHRINK

MUON = "training.optimiser=muon"


class Blockless(Trainable):
    """A single layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, **tensors: Tensor) -> dict[str, Tensor]:
        return {}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 20)])
def test_singular_values_become_nearly_one_in_the_same_directions(shape, dtype):
    torch.manual_seed(0)
    matrices = torch.randn(3, *shape) * torch.tensor([1.0, 1e-3, 50.0])[:, None, None]
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    sizes = u.mT @ orthogonal(matrices, dtype) @ v.mT
    values = torch.diagonal(sizes, dim1=-2, dim2=-1)
    assert values.min() > 0.6
    assert values.max() < 1.25
    assert (sizes - torch.diag_embed(values)).abs().max() < (0.05 if dtype == torch.bfloat16 else 1e-4)


def test_a_matrix_of_zeros_stays_zero():
    assert orthogonal(torch.zeros(1, 4, 6)).eq(0).all()


def test_steps_are_those_of_torch():
    """`torch.optim.Muon` keeps its momentum as a sum and takes its products in bfloat16, a matrix at a time."""
    torch.manual_seed(0)
    ours = [nn.Parameter(torch.randn(shape) / 4) for shape in ((12, 8), (12, 8), (8, 16))]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    one = Muon(ours, lr=0.1, weight_decay=0.2, dtype=torch.bfloat16)
    other = torch.optim.Muon(theirs, lr=0.1, weight_decay=0.2, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for number in range(4):
        for a, b in zip(ours, theirs, strict=True):
            b.grad = torch.randn(a.shape, generator=torch.Generator().manual_seed(7 * number + a.numel()))
            a.grad = b.grad.clone()
        one.step()
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0.02)  # a step is 0.08 in size


def test_a_parameter_without_a_gradient_stays():
    lonely = nn.Parameter(torch.ones(4, 4))
    Muon([lonely], lr=0.1, weight_decay=0.2).step()
    assert lonely.eq(1).all()


@pytest.mark.parametrize("network", ["torus-transformer", "cspnet"])
def test_muon_takes_the_matrices_of_the_blocks_and_adamw_everything_else(network):
    recipe = get_recipe("kldm-csp-tiny", [*SHRINK, f"network={network}", MUON])
    model = recipe.build()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    adamw, muon = optimisers(model, recipe.training)
    matrices, rest = ({names[id(p)] for g in one.param_groups for p in g["params"]} for one in (muon, adamw))
    assert matrices | rest == set(names.values())
    assert not matrices & rest
    assert all(".blocks." in name or ".layers." in name for name in matrices)
    assert all(name.endswith("weight") and "norm" not in name for name in matrices)
    left = {
        n for n in rest if (".blocks." in n or ".layers." in n) and dict(model.named_parameters())[n].ndim > 1
    }
    assert not left


def test_products_are_in_bfloat16_where_those_of_the_network_are():
    recipe = get_recipe("kldm-csp-tiny", [*SHRINK, MUON])
    model = recipe.build()
    for model.bf16, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        assert optimisers(model, recipe.training)[1].dtype == dtype


def test_shared_matrices_are_trained_once():
    layer = nn.Linear(4, 4)
    assert len(block_matrices(nn.ModuleList([nn.Sequential(layer), nn.Sequential(layer)]))) == 1


def test_a_model_without_blocks_is_refused():
    with pytest.raises(RecipeError, match="no blocks of layers"):
        optimisers(Blockless(), TrainingSettings(optimiser="muon"))


def test_an_unknown_optimiser_is_refused_with_those_there_are():
    with pytest.raises(RecipeError, match="muno"):
        get_recipe("kldm-csp-tiny", ["training.optimiser=muno"])


def test_killed_and_resumed_is_the_same_run(data, tmp_path):
    """Momenta of both optimisers are in the checkpoint."""
    killed_and_resumed(data, tmp_path, MUON)
