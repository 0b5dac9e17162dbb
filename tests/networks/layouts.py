"""The layouts of inputs and heads that the published models need, as small networks and batches for the tests."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nucleate.networks.base import Denoiser, Head, Shown
from nucleate.networks.cspnet import DIFFCSP, CSPNet, CSPNetSettings
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings


@dataclass(frozen=True)
class Layout:
    """Widths of what a network is shown and asked for; settings are those of CSPNet."""

    settings: CSPNetSettings
    lattice: int
    velocity: int
    species: int
    heads: dict[str, Head]

    @property
    def shown(self) -> Shown:
        return Shown(self.lattice, self.species, self.velocity)


KLDM = CSPNetSettings()


def heads(frac: int, lattice: int, species: int = 0) -> dict[str, Head]:
    coordinates = {"frac": Head("atom", frac), "lattice": Head("cell", lattice)}
    return coordinates | ({"species": Head("atom", species)} if species else {})


LAYOUTS = {
    "kldm": Layout(KLDM, 6, 3, 0, heads(3, 6)),
    "kldm, guess": Layout(KLDM, 12, 6, 0, heads(3, 6)),
    "diffcsp": Layout(DIFFCSP, 9, 0, 0, heads(3, 9)),
    "diffcsp, types": Layout(DIFFCSP, 9, 0, 100, heads(3, 9, 100)),
    "diffcsp, guess": Layout(DIFFCSP, 18, 6, 0, heads(6, 18)),
    "equicsp": Layout(DIFFCSP, 6, 0, 0, heads(6, 6)),
}


def small(settings: CSPNetSettings, frequencies: int = 16) -> CSPNetSettings:
    return replace(settings, width=48, layers=2, frequencies=frequencies, time_width=16)


def build(network: str, layout: Layout) -> Denoiser:
    """A small network with weights that make every input matter."""
    torch.manual_seed(1)
    if network == "torus-transformer":
        settings = TorusTransformerSettings(48, 2, 4, 16, 8, 16)
        net: Denoiser = TorusTransformer(settings, layout.heads, layout.shown)
    else:
        net = CSPNet(small(layout.settings), layout.heads, layout.shown)
    with torch.no_grad():
        for weight in net.heads.parameters():
            weight.copy_(0.3 * torch.randn_like(weight))
        for layer in net.layers if isinstance(net, CSPNet) else ():
            layer.edge_1.weight.mul_(3)
            if layer.velocity is not None:
                layer.velocity.weight.mul_(5)
            # Inner products are hundreds of square Å where all else is of order one.
            if layout.lattice in (9, 18):
                layer.edge_1.weight[:, 96 : 96 + layout.lattice] *= 0.02
    return net


def batch(layout: Layout, sizes: list[int], seed: int = 0) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Inputs, times and mask; padding is zero, matrices are skewed cells of 3 to 9 Å."""
    rng = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(sizes)) < torch.tensor(sizes).unsqueeze(1)
    real = mask.unsqueeze(-1)
    species = torch.randint(1, 90, mask.shape, generator=rng) * mask
    lattice = torch.randn(len(sizes), layout.lattice, generator=rng)
    if layout.lattice in (9, 18):
        cells = torch.diag_embed(3 + 6 * torch.rand(len(sizes), layout.lattice // 9, 3, generator=rng))
        lattice = cells.flatten(1) + lattice
    inputs = {
        "species": species,
        "frac": (torch.rand(*mask.shape, 3, generator=rng) - 0.5) * real,
        "lattice": lattice,
    }
    if layout.velocity:
        inputs["velocity"] = 0.16 * torch.randn(*mask.shape, layout.velocity, generator=rng) * real
    if layout.species:
        noise = torch.randn(*mask.shape, layout.species, generator=rng)
        inputs["species"] = (torch.nn.functional.one_hot(species.clamp(min=1) - 1, 100) + noise) * real
    return inputs, torch.rand(len(sizes), generator=rng), mask


def predict(net: Denoiser, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Predictions, zero in the padding."""
    with torch.no_grad():
        predictions = net(inputs, t, mask)
    return {name: x * mask.unsqueeze(-1) if x.ndim == 3 else x for name, x in predictions.items()}


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float = 2e-5) -> None:
    """Equal to the tolerance times the largest number of each prediction."""
    assert ours.keys() == theirs.keys()
    for name, x in theirs.items():
        assert x.abs().max() > 1e-2, "the test needs predictions that are not zero"
        torch.testing.assert_close(ours[name].to(x.dtype), x, atol=tolerance * float(x.abs().max()), rtol=0)
