"""CSPNet against the plain scatter implementation; its edges and its wave table against direct sums."""

import sys
from pathlib import Path

import pytest
import torch

from nucleate.networks import cspnet, packed_edges
from nucleate.networks.base import Head, torus_waves
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.packed_edges import PackedEdges
from nucleate.networks.wave_table import WaveTable

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from scatter_cspnet import Graph, ScatterCSPNet
from tests.networks import layouts
from tests.networks.layouts import LAYOUTS, Layout

HEADS = {"frac": Head("atom", 3), "lattice": Head("cell", 6), "species": Head("atom", 100)}
SMALL = CSPNetSettings(width=64, layers=3, frequencies=128, time_width=32)


def batch(sizes: list[int]) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    mask = torch.arange(max(sizes)) < torch.tensor(sizes).unsqueeze(1)
    inputs = {
        "species": torch.randint(0, 101, mask.shape, generator=rng),
        "frac": torch.rand(*mask.shape, 3, generator=rng) - 0.5,
        "velocity": 0.16 * torch.randn(*mask.shape, 3, generator=rng),
        "lattice": torch.randn(len(sizes), 6, generator=rng),
    }
    return inputs, torch.rand(len(sizes), generator=rng), mask


def pair() -> tuple[CSPNet, ScatterCSPNet]:
    torch.manual_seed(0)
    ours, plain = CSPNet(SMALL, HEADS), ScatterCSPNet(SMALL, HEADS)
    with torch.no_grad():
        for layer in ours.layers:
            layer.velocity.weight.mul_(5)
            layer.edge_1.weight.mul_(2)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


@pytest.mark.parametrize("enough", [1, 10**9], ids=["packed", "dense"])
@pytest.mark.parametrize("block", [1, 40, 1024])
def test_equal_to_the_plain_scatter_implementation(enough, block, monkeypatch):
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
    monkeypatch.setattr(packed_edges, "BLOCK", block)
    ours, plain = pair()
    inputs, t, mask = batch([4, 1, 9, 20, 2, 1])
    flat = {name: x if name == "lattice" else x[mask] for name, x in inputs.items()}
    predictions, expected = ours(inputs, t, mask), plain(flat, t, Graph.of(mask))
    for name, x in expected.items():
        prediction = predictions[name] if name == "lattice" else predictions[name][mask]
        torch.testing.assert_close(prediction, x, atol=5e-5 * float(x.detach().abs().max()), rtol=0)
        (prediction.square().sum()).backward(retain_graph=True)
        x.square().sum().backward(retain_graph=True)
    gradients = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        theirs = gradients[name].grad
        assert (parameter.grad - theirs).norm() < 2e-4 * theirs.norm().clamp(min=1e-3), name


@pytest.mark.parametrize("enough", [1, 10**9], ids=["packed", "dense"])
@pytest.mark.parametrize("block", [1, 40, 1024])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_equals_the_plain_scatter_implementation(layout: Layout, enough, block, monkeypatch):
    """Predictions and the gradients of all parameters, self edges among them."""
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
    monkeypatch.setattr(packed_edges, "BLOCK", block)
    ours = layouts.build("cspnet", layout)
    plain = ScatterCSPNet(layouts.small(layout.settings), layout.heads, layout.shown)
    plain.load_state_dict(ours.state_dict())
    inputs, t, mask = layouts.batch(layout, [4, 1, 9, 12, 2, 1])
    flat = {name: x if name == "lattice" else x[mask] for name, x in inputs.items()}
    predictions, expected = ours(inputs, t, mask), plain(flat, t, Graph.of(mask, layout.settings.loops))
    assert predictions.keys() == expected.keys() == layout.heads.keys()
    for name, x in expected.items():
        prediction = predictions[name] if name == "lattice" else predictions[name][mask]
        torch.testing.assert_close(prediction, x, atol=1e-4 * float(x.detach().abs().max()), rtol=0)
        prediction.square().mean().backward(retain_graph=True)
        x.square().mean().backward(retain_graph=True)
    gradients = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        theirs = gradients[name].grad
        assert (parameter.grad - theirs).norm() < 3e-4 * theirs.norm().clamp(min=1e-3), name


@pytest.mark.parametrize("name", ["diffcsp", "diffcsp, guess", "equicsp"])
def test_gradients_of_every_input_agree_on_both_paths(name, monkeypatch):
    gradients = []
    for enough in (1, 10**9):
        monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
        net, (inputs, t, mask) = (
            layouts.build("cspnet", LAYOUTS[name]),
            layouts.batch(LAYOUTS[name], [4, 9, 1]),
        )
        leaves = [inputs[key].requires_grad_() for key in ("velocity", "lattice") if key in inputs]
        sum(x.square().sum() for x in net(inputs, t, mask).values()).backward()
        gradients.append([leaf.grad for leaf in leaves])
    assert len(gradients[0]) == 1 + bool(LAYOUTS[name].velocity)
    for packed, dense in zip(*gradients, strict=True):
        torch.testing.assert_close(packed, dense, atol=1e-4 * float(dense.abs().max()), rtol=1e-3)


def test_a_lone_atom_gets_its_own_message_only_with_loops(monkeypatch):
    """What the first edge layer's bias changes must come by a message."""
    for enough in (1, 10**9):
        monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
        for name in ("kldm", "equicsp"):
            net, given = layouts.build("cspnet", LAYOUTS[name]), layouts.batch(LAYOUTS[name], [1, 1])
            before = layouts.predict(net, *given)["frac"]
            with torch.no_grad():
                net.layers[0].edge_1.bias.add_(1)
            change = (layouts.predict(net, *given)["frac"] - before).abs().max()
            assert (change > 1e-3) == (name == "equicsp")


def test_no_gradient_means_the_same_prediction(monkeypatch):
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 1)
    ours, _ = pair()
    given = batch([4, 9, 20])
    with_gradient = ours(*given)
    with torch.no_grad():
        without = ours(*given)
    assert all(torch.equal(with_gradient[name], without[name]) for name in without)


def test_gradients_of_coordinates_take_the_dense_path(monkeypatch):
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 1)
    ours, _ = pair()
    inputs, t, mask = batch([4, 9])
    inputs["frac"].requires_grad_()
    ours(inputs, t, mask)["lattice"].sum().backward()
    assert inputs["frac"].grad is not None
    assert inputs["frac"].grad[mask].abs().min() > 0


def test_gradients_of_velocities_and_lattice_agree_on_both_paths(monkeypatch):
    gradients = []
    for enough in (1, 10**9):
        monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
        ours, _ = pair()
        inputs, t, mask = batch([4, 9])
        leaves = [inputs[name].requires_grad_() for name in ("velocity", "lattice")]
        ours(inputs, t, mask)["frac"][mask].square().sum().backward()
        gradients.append([leaf.grad for leaf in leaves])
    for packed, dense in zip(*gradients, strict=True):
        torch.testing.assert_close(packed, dense, atol=1e-5 * float(dense.abs().max()), rtol=1e-3)


def test_autocast_keeps_waves_in_float32_and_products_close():
    ours, _ = pair()
    given = batch([4, 9, 20])
    with torch.no_grad():
        exact = ours(*given)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = ours(*given)
            sines, _ = torus_waves(given[0]["frac"], torch.arange(128))
    assert sines.dtype == torch.float32
    assert rounded["lattice"].dtype == torch.bfloat16
    for name, x in exact.items():
        real = (rounded[name].float() - x) if name == "lattice" else (rounded[name].float() - x)[given[2]]
        assert real.abs().max() < 0.05 * x.abs().max()


BRANCHES = {
    (enough, rounded): f"{'packed' if enough == 1 else 'dense'}, {'bfloat16' if rounded else 'float32'}"
    for enough in (1, 10**9)
    for rounded in (False, True)
}


def answers_and_gradients(layout: Layout, rounded: bool) -> tuple[dict, dict, str]:
    net, (inputs, t, mask) = layouts.build("cspnet", layout), layouts.batch(layout, [4, 1, 9, 12, 2, 1])
    with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
        taken, made = net.layout(inputs["frac"], mask), net(inputs, t, mask)
    made = {name: x.float() if name == "lattice" else x.float()[mask] for name, x in made.items()}
    sum(x.square().mean() for x in made.values()).backward()
    return made, {k: p.grad for k, p in net.named_parameters() if p.grad is not None}, taken


@pytest.mark.parametrize("block", [40, 1024])
@pytest.mark.parametrize(("enough", "rounded"), BRANCHES, ids=BRANCHES.values())
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_branch_agrees(layout: Layout, enough, rounded, block, monkeypatch):
    """Predictions and gradients on dense edges in float32: to 1e-4, and to 2 and 3 per cent with bfloat16 products."""
    monkeypatch.setattr(packed_edges, "BLOCK", block)
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 10**9)
    exact, exact_gradients, taken = answers_and_gradients(layout, False)
    assert taken == "dense"
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
    made, gradients, taken = answers_and_gradients(layout, rounded)
    assert taken == ("packed" if enough == 1 else "dense")
    assert made.keys() == exact.keys()
    assert gradients.keys() == exact_gradients.keys()
    for name, x in exact.items():
        assert (made[name] - x).abs().max() < (0.02 if rounded else 1e-4) * x.abs().max(), name
    for name, x in exact_gradients.items():
        assert gradients[name].dtype == torch.float32
        assert (gradients[name] - x).norm() < (0.03 if rounded else 3e-4) * x.norm().clamp(min=1e-3), name


@pytest.mark.parametrize(
    ("device", "weights", "products", "edges", "differentiated", "expected"),
    [
        ("cpu", torch.float32, torch.float32, 2048, False, "packed"),
        ("cpu", torch.float32, torch.bfloat16, 2048, False, "packed"),
        ("cpu", torch.float32, torch.float32, 2047, False, "dense"),
        ("cpu", torch.float32, torch.bfloat16, 2047, False, "dense"),
        ("cpu", torch.float32, torch.bfloat16, 2048, True, "dense"),
        ("cpu", torch.float32, torch.float16, 2048, False, "dense"),
        ("cpu", torch.float64, torch.float32, 2048, False, "dense"),
        ("cuda", torch.float32, torch.float32, 10**6, False, "dense"),
        ("cuda", torch.float32, torch.bfloat16, 10**6, False, "dense"),
    ],
)
def test_which_edges_are_taken(device, weights, products, edges, differentiated, expected):
    assert cspnet.layout_of(device, weights, products, edges, differentiated) == expected


def test_edge_tensors_are_in_the_precision_of_the_products(monkeypatch):
    """What the backward pass keeps of the edges: half the bytes in bfloat16."""
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 1)
    for rounded, dtype in ((False, torch.float32), (True, torch.bfloat16)):
        ours, _ = pair()
        kept: list[torch.dtype] = []

        def keep(x: torch.Tensor, kept=kept) -> torch.Tensor:
            if tuple(x.shape) == (12 + 72, 64):
                kept.append(x.dtype)
            return x

        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x),
            torch.autocast("cpu", torch.bfloat16, enabled=rounded),
        ):
            ours(*batch([4, 9]))
        assert kept == [dtype] * 6


@pytest.mark.parametrize("frequencies", [3, 16, 128])
def test_wave_table_is_the_sum_of_waves(frequencies):
    torch.manual_seed(0)
    waves, weight = WaveTable(frequencies), torch.randn(5, 6 * frequencies)
    x = torch.cat([torch.zeros(1, 3), torch.full((1, 3), 0.5), 2 * torch.rand(200, 3) - 1])
    taps = waves.taps(x)
    ours = (waves.table(weight)[taps.rows] * taps.weights.unsqueeze(-1)).sum(1)
    phase = 2 * torch.pi * (x.double().unsqueeze(-1) * torch.arange(frequencies)).flatten(1)
    exact = torch.cat([phase.sin(), phase.cos()], 1) @ weight.double().t()
    assert (ours - exact).abs().max() < 1e-5 * exact.std()


def test_wave_table_agrees_with_the_order_of_torus_waves():
    torch.manual_seed(0)
    waves, weight, frac = WaveTable(16), torch.randn(5, 96), torch.rand(1, 6, 3)
    dense = torch.cat(torus_waves(frac, torch.arange(16)), -1) @ weight.t()
    taps = waves.taps(frac[0][None, :].sub(frac[0][:, None]).reshape(-1, 3))
    table = (waves.table(weight)[taps.rows] * taps.weights.unsqueeze(-1)).sum(1)
    torch.testing.assert_close(table.view(6, 6, 5), dense[0], atol=1e-4, rtol=0)


def test_edges_are_all_ordered_pairs_and_know_their_reverse():
    sizes = torch.tensor([3, 1, 5, 2])
    receivers, senders, reverse = packed_edges._edges(sizes)
    crystal = torch.repeat_interleave(torch.arange(4), sizes)
    expected = [(i, j) for i in range(11) for j in range(11) if i != j and crystal[i] == crystal[j]]
    assert list(zip(receivers.tolist(), senders.tolist(), strict=True)) == expected
    assert torch.equal(receivers[reverse], senders)
    assert torch.equal(senders[reverse], receivers)


def test_edges_with_loops_are_all_ordered_pairs_and_know_their_reverse():
    sizes = torch.tensor([3, 1, 5, 2])
    receivers, senders, reverse = packed_edges._edges(sizes, loops=True)
    crystal = torch.repeat_interleave(torch.arange(4), sizes)
    expected = [(i, j) for i in range(11) for j in range(11) if crystal[i] == crystal[j]]
    assert list(zip(receivers.tolist(), senders.tolist(), strict=True)) == expected
    assert torch.equal(receivers[reverse], senders)
    assert torch.equal(senders[reverse], receivers)
    loops = receivers == senders
    assert loops.sum() == 11
    assert torch.equal(reverse[loops], torch.arange(len(receivers))[loops])


@pytest.mark.parametrize("sizes", [[4, 1, 9, 1, 1, 3, 2, 1], [1, 1, 1]])
def test_blocks_with_loops_cover_all_edges_and_atoms_once(sizes, monkeypatch):
    monkeypatch.setattr(packed_edges, "BLOCK", 20)
    inputs, _, mask = batch(sizes)
    blocks = PackedEdges(inputs["frac"], mask, WaveTable(8), loops=True).blocks
    edges = sum(n * n for n in sizes)
    assert [n for b in blocks for n in range(b.edges.start, b.edges.stop)] == list(range(edges))
    assert [n for b in blocks for n in range(b.atoms.start, b.atoms.stop)] == list(range(sum(sizes)))


def test_blocks_cover_all_edges_once(monkeypatch):
    monkeypatch.setattr(packed_edges, "BLOCK", 20)
    inputs, _, mask = batch([4, 1, 9, 1, 1, 3, 2, 1])
    blocks = PackedEdges(inputs["frac"], mask, WaveTable(8)).blocks
    assert len(blocks) > 2
    assert [n for b in blocks for n in range(b.edges.start, b.edges.stop)] == list(range(12 + 72 + 6 + 2))
    atoms = [n for b in blocks for n in range(b.atoms.start, b.atoms.stop)]
    assert atoms == list(range(len(atoms)))
    assert len(atoms) >= 21
