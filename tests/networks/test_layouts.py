"""Every layout of inputs and heads on both networks: the symmetries, what may lack, what must matter, bad widths."""

import copy

import pytest
import torch

from nucleate.networks import cspnet
from nucleate.networks.base import Head, Shown
from nucleate.networks.cspnet import DIFFCSP, CSPNet, CSPNetSettings
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings
from tests.networks.layouts import LAYOUTS, Layout, assert_same, batch, build, heads, predict, small

SIZES = [7, 3, 12, 1, 5, 12]
NETWORKS = ["torus-transformer", "cspnet, dense", "cspnet, packed"]
WITH_MATRICES = [name for name, layout in LAYOUTS.items() if layout.lattice in (9, 18)]


@pytest.fixture(params=LAYOUTS)
def layout(request) -> Layout:
    return LAYOUTS[request.param]


@pytest.fixture(params=NETWORKS)
def network(request, monkeypatch) -> str:
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 1 if "packed" in request.param else 10**9)
    return request.param.split(",")[0]


def rotations(count: int) -> torch.Tensor:
    """Random orthogonal matrices, half of them with a reflection."""
    q, _ = torch.linalg.qr(torch.randn(count, 3, 3, generator=torch.Generator().manual_seed(5)))
    flip = torch.ones(count, 1, 3)
    flip[::2, :, 0] = -torch.linalg.det(q)[::2, None].sign()
    flip[1::2, :, 0] = torch.linalg.det(q)[1::2, None].sign()
    return q * flip


def turned(lattice: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """Matrices of nine numbers times an orthogonal matrix from the right."""
    return (lattice.unflatten(1, (-1, 3, 3)) @ by.unsqueeze(1)).flatten(1)


def test_predictions_have_the_shapes_of_the_heads(network, layout):
    predictions = predict(build(network, layout), *batch(layout, SIZES))
    for name, head in layout.heads.items():
        shape = (6, 12, head.width) if head.level == "atom" else (6, head.width)
        assert tuple(predictions[name].shape) == shape


@pytest.mark.parametrize("name", WITH_MATRICES)
def test_predictions_turn_with_the_cell(network, name):
    net, (inputs, t, mask) = build(network, LAYOUTS[name]), batch(LAYOUTS[name], SIZES)
    by = rotations(len(SIZES))
    assert set(torch.linalg.det(by).round().int().tolist()) == {-1, 1}
    before = predict(net, inputs, t, mask)
    after = predict(net, inputs | {"lattice": turned(inputs["lattice"], by)}, t, mask)
    assert (turned(before["lattice"], by) - before["lattice"]).abs().max() > 0.1 * before[
        "lattice"
    ].abs().max()
    assert_same(after, before | {"lattice": turned(before["lattice"], by)}, 1e-4)


def test_atoms_permute(network, layout):
    net, (inputs, t, mask) = build(network, layout), batch(layout, [9, 9])
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    moved = {name: x if name == "lattice" else x[:, order] for name, x in inputs.items()}
    before, after = predict(net, inputs, t, mask), predict(net, moved, t, mask)
    assert_same(after, {name: x[:, order] if x.ndim == 3 else x for name, x in before.items()}, 5e-5)


def test_origin_images_and_common_displacements_do_not_matter(network, layout):
    net, (inputs, t, mask) = build(network, layout), batch(layout, SIZES)
    rng = torch.Generator().manual_seed(3)
    shift = torch.rand(len(SIZES), 1, 3, generator=rng)
    images = torch.randint(-1, 2, inputs["frac"].shape, generator=rng)
    moved = inputs | {"frac": (inputs["frac"] + shift + images) * mask.unsqueeze(-1)}
    if layout.velocity:
        common = torch.randn(len(SIZES), 1, layout.velocity, generator=rng)
        moved["velocity"] = (inputs["velocity"] + common) * mask.unsqueeze(-1)
    assert_same(predict(net, moved, t, mask), predict(net, inputs, t, mask), 1e-4)


def test_every_part_of_every_input_matters(network, layout):
    """The guesses of self-conditioning too: each half by itself."""
    net, (inputs, t, mask) = build(network, layout), batch(layout, SIZES)
    other, other_t, _ = batch(layout, SIZES, seed=1)
    before = predict(net, inputs, t, mask)
    changed = {name: predict(net, inputs | {name: other[name]}, t, mask) for name in inputs}
    changed["t"] = predict(net, inputs, other_t, mask)
    for name, half in (("lattice", layout.lattice // 2), ("velocity", 3)):
        if name in inputs and inputs[name].shape[-1] in (6 if name == "velocity" else 12, 18):
            for part in (slice(0, half), slice(half, None)):
                mixed = inputs[name].clone()
                mixed[..., part] = other[name][..., part]
                changed[f"{name} {part}"] = predict(net, inputs | {name: mixed}, t, mask)
    for name, after in changed.items():
        for key, x in before.items():
            assert (after[key] - x).abs().max() > 1e-3 * x.abs().max(), f"{name} does not change {key}"


def test_padding_and_neighbours_do_not_matter(network, layout):
    net, (inputs, t, mask) = build(network, layout), batch(layout, SIZES)
    other, _, _ = batch(layout, [12] * 6, seed=4)
    dirty = {
        name: x
        if name == "lattice"
        else torch.where(mask if x.ndim == 2 else mask.unsqueeze(-1), x, other[name])
        for name, x in inputs.items()
    }
    together = predict(net, inputs, t, mask)
    assert_same(predict(net, dirty, t, mask), together)
    for number, size in enumerate(SIZES):
        here = slice(number, number + 1)
        alone = {name: x[here] if name == "lattice" else x[here, :size] for name, x in inputs.items()}
        prediction = predict(net, alone, t[here], torch.ones(1, size, dtype=torch.bool))
        for key, x in together.items():
            expected = x[here, :size] if x.ndim == 3 else x[here]
            torch.testing.assert_close(prediction[key], expected, atol=3e-5 * float(x.abs().max()), rtol=1e-4)


def test_float32_agrees_with_float64(network, layout):
    net, (inputs, t, mask) = build(network, layout), batch(layout, SIZES)
    double = {name: x.double() if x.is_floating_point() else x for name, x in inputs.items()}
    assert_same(
        predict(net, inputs, t, mask), predict(copy.deepcopy(net).double(), double, t.double(), mask), 2e-4
    )


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [1, 4]])
def test_cells_of_one_atom(network, layout, sizes):
    net = build(network, layout)
    predictions = net(*batch(layout, sizes))
    assert all(torch.isfinite(x).all() for x in predictions.values())
    sum(x.square().sum() for x in predictions.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_bfloat16_stays_close_and_matrices_in_float32(network):
    layout = LAYOUTS["diffcsp"]
    net, given = build(network, layout), batch(layout, SIZES)
    exact = predict(net, *given)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = predict(net, *given)
    assert rounded["lattice"].dtype == torch.float32
    for name, x in exact.items():
        assert (rounded[name].float() - x).abs().max() < 0.06 * x.abs().max()


def test_without_velocities_no_layer_reads_them(network):
    layout = LAYOUTS["equicsp"]
    net, (inputs, t, mask) = build(network, layout), batch(layout, SIZES)
    assert "velocity" not in inputs
    assert not [name for name, _ in net.named_parameters() if "velocity" in name]
    shown = inputs | {"velocity": torch.randn_like(inputs["frac"])}
    assert_same(predict(net, shown, t, mask), predict(net, inputs, t, mask), 0)


def test_a_network_of_velocities_must_be_shown_them(network):
    inputs, t, mask = batch(LAYOUTS["kldm"], SIZES)
    del inputs["velocity"]
    with pytest.raises(KeyError, match="velocity"):
        build(network, LAYOUTS["kldm"])(inputs, t, mask)


def test_published_parameter_counts():
    def count(name: str, settings: CSPNetSettings = DIFFCSP) -> int:
        layout = LAYOUTS[name]
        return sum(p.numel() for p in CSPNet(settings, layout.heads, layout.shown).parameters())

    assert count("diffcsp") == 12_294_656
    assert count("diffcsp, types") == 12_346_468
    assert count("equicsp") == 12_285_440
    assert count("kldm", CSPNetSettings()) == 14_924_800


def test_published_widths_of_the_edge_layer():
    widths = {"diffcsp": 1801, "diffcsp, types": 1801, "equicsp": 1798}
    for name, width in widths.items():
        net = CSPNet(DIFFCSP, LAYOUTS[name].heads, LAYOUTS[name].shown)
        assert net.layers[0].edge_1.in_features == width


@pytest.mark.parametrize(("width", "head"), [(6, 9), (12, 18), (9, 6), (18, 12), (9, 10)])
def test_unfitting_lattice_heads_are_refused(width, head):
    asked = {"lattice": Head("cell", head)}
    with pytest.raises(ValueError, match=f"lattice of {width} numbers needs .* got {head}"):
        CSPNet(small(DIFFCSP), asked, Shown(width))
    with pytest.raises(ValueError, match=f"lattice of {width} numbers needs .* got {head}"):
        TorusTransformer(TorusTransformerSettings(48, 2, 4, 16, 8, 16), asked, Shown(width))


def test_an_unknown_element_is_not_hydrogen(monkeypatch):
    """DiffCSP's embedding has no row for 0: in padding it is nothing, in an atom an error."""
    net, (inputs, t, mask) = build("cspnet", LAYOUTS["diffcsp"]), batch(LAYOUTS["diffcsp"], SIZES)
    for enough in (1, 10**9):
        monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
        assert (inputs["species"] == 0).any()
        predict(net, inputs, t, mask)
        hidden = inputs["species"].clone()
        hidden[0, 0] = 0
        with pytest.raises(IndexError):
            predict(net, inputs | {"species": hidden}, t, mask)


def test_two_layers_or_one_for_coordinates():
    one, two = (
        CSPNet(CSPNetSettings(48, 1, 4, 16, frac_layers=layers), heads(3, 6)).heads["frac"]
        for layers in (1, 2)
    )
    assert isinstance(one, torch.nn.Linear)
    assert one.bias is None
    assert len(two) == 3
