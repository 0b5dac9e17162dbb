"""A scatter CSPNet in the place of a Denoiser, with the same weights, so that whole models can be compared."""

from __future__ import annotations

from torch import Tensor, nn

from nucleate.networks.base import Head
from nucleate.networks.cspnet import CSPNet
from nucleate.recipes.base import Recipe
from scatter_cspnet import Graph, ScatterCSPNet


class Scatter(nn.Module):
    """A scatter network in the place of a Denoiser: padded batches in and out, edges made once for each mask."""

    def __init__(self, dense: CSPNet, recipe: Recipe) -> None:
        super().__init__()
        heads = {
            name: Head(dense.levels[name], _last(head).out_features)  # pyright: ignore[reportArgumentType]
            for name, head in dense.heads.items()
        }
        self.net = ScatterCSPNet(recipe.cspnet, heads, dense.shown)
        self.net.load_state_dict(dense.state_dict())
        self.loops, self.levels = recipe.cspnet.loops, dense.levels
        self.known: dict[int, tuple[Tensor, Graph, Tensor]] = {}

    def forward(self, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
        if id(mask) not in self.known:
            # The mask is kept so that its id is not used again.
            self.known[id(mask)] = mask, Graph.of(mask, self.loops), mask.flatten().nonzero()[:, 0]
        _, graph, real = self.known[id(mask)]
        flat = {n: x if n == "lattice" else x.flatten(0, 1)[real] for n, x in inputs.items()}
        said = self.net(flat, t, graph)
        return {n: self._padded(x, real, mask) if self.levels[n] == "atom" else x for n, x in said.items()}

    def _padded(self, x: Tensor, real: Tensor, mask: Tensor) -> Tensor:
        whole = x.new_zeros(mask.numel(), x.shape[-1]).index_copy(0, real, x)
        return whole.unflatten(0, mask.shape)


def _last(head: nn.Module) -> nn.Linear:
    last = head[-1] if isinstance(head, nn.Sequential) else head
    assert isinstance(last, nn.Linear)
    return last
