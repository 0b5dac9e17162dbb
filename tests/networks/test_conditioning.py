"""The layers of conditions: nothing at the start, nothing for what is not asked, in both networks and all layouts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from nucleate.data.described import Described
from nucleate.networks.conditioning import Category, Conditioning, Elements, Number
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from tests.networks.layouts import LAYOUTS, batch

TOLD = (("gap", Described(mean=1.0, scale=2.0)), ("system", Described("category", categories=("a", "b", "c"))),
        ("elements", Described("elements")))  # fmt: skip
NETWORKS = {
    "cspnet": (CSPNet, CSPNetSettings(width=16, layers=2, frequencies=3, time_width=8)),
    "torus-transformer": (TorusTransformer, TorusTransformerSettings(16, 2, 2, 8, 3, 8)),
}
SIZES = [4, 1, 6]


def network(name: str, told=TOLD, sizes=SIZES):
    """A network with layers that do something, its inputs, and the same network without them."""
    layout = next(iter(LAYOUTS.values()))
    kind, settings = NETWORKS[name]
    torch.manual_seed(1)
    bare = kind(settings, layout.heads, layout.shown)
    torch.manual_seed(1)
    net = kind(settings, layout.heads, replace(layout.shown, told=told))
    for made in (bare, net):
        torch.manual_seed(2)
        for head in made.heads.values():
            for p in head.parameters():
                torch.nn.init.normal_(p, std=0.3)
    return net, bare, batch(layout, sizes)


def awake(net) -> None:
    torch.manual_seed(3)
    for layers in net.conditioning.values():
        for layer in layers.adds:
            torch.nn.init.normal_(layer.weight, std=0.3)


def condition(rows: int) -> torch.Tensor:
    made = torch.full((rows, 102), math.nan)
    made[0, 0], made[0, 1], made[0, 2:] = 2.0, 1.0, 0.0
    made[0, 10] = 1.0
    return made


def inputs_with(inputs, told):
    return {**inputs, "condition": told, "present": ~told.isnan()}


@pytest.mark.parametrize("name", NETWORKS)
def test_at_the_start_conditions_change_nothing(name):
    net, bare, (inputs, t, mask) = network(name)
    with torch.no_grad():
        told, plain = net(inputs_with(inputs, condition(3)), t, mask), bare(inputs, t, mask)
    assert all(torch.equal(told[key], plain[key]) for key in plain)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("sizes", [SIZES, [20] * 8])
def test_a_crystal_of_which_nothing_is_asked_is_as_without_layers_bit_for_bit(name, sizes):
    """Others of its batch may be asked of. 8 crystals of 20 atoms are enough edges for CSPNet's packed layout."""
    net, bare, (inputs, t, mask) = network(name, sizes=sizes)
    awake(net)
    with torch.no_grad():
        told, plain = net(inputs_with(inputs, condition(len(sizes))), t, mask), bare(inputs, t, mask)
    for key in plain:
        assert not torch.allclose(told[key][0], plain[key][0])
        assert torch.equal(told[key][1:], plain[key][1:])


@pytest.mark.parametrize("name", NETWORKS)
def test_each_crystal_is_told_its_own(name):
    net, _, (inputs, t, mask) = network(name)
    awake(net)
    rows = torch.full((3, 102), math.nan)
    rows[:, 0] = torch.tensor([1.0, -2.0, 5.0])
    with torch.no_grad():
        together = net(inputs_with(inputs, rows), t, mask)
        for row in range(3):
            same = rows[row].expand(3, -1)
            alone = net(inputs_with(inputs, same), t, mask)
            for key, value in alone.items():
                torch.testing.assert_close(together[key][row], value[row])


def test_a_value_that_is_not_there_is_not_read():
    layers = Conditioning(TOLD, 8, 1)
    rows = torch.full((1, 102), math.nan)
    told, asked = layers.embed(rows, ~rows.isnan())
    assert not asked.any()
    assert (told == 0).all()
    rows[0, 1] = 2.0
    told, asked = layers.embed(rows, ~rows.isnan())
    assert asked.all()
    torch.testing.assert_close(told, layers.embeddings[1](torch.tensor([[2.0]])))


def test_numbers_are_told_as_the_labels_are_spread():
    plain, log = (
        Number(Described(mean=1.0, scale=2.0), 4),
        Number(Described(mean=1.0, scale=2.0, floor=0.5), 4),
    )
    x = torch.tensor([[3.0]])
    assert plain.scaled(x).item() == 1.0
    assert log.scaled(x).item() == pytest.approx((math.log(1 + 3.0 / 0.5) - 1) / 2)
    assert log.scaled(torch.tensor([[-1.0]])).isfinite()
    assert plain.scaled(torch.tensor([[1e9]])).item() == 10.0


def test_different_values_are_told_apart():
    x, words, held = torch.tensor([[0.0], [0.1]]), torch.tensor([[0.0], [2.0]]), torch.eye(100)[:2]
    for kind, one, values in (
        (Number, Described(), x), (Category, TOLD[1][1], words), (Elements, TOLD[2][1], held),
    ):  # fmt: skip
        found = kind(one, 8)(values)
        assert not torch.allclose(found[0], found[1])
