"""What every network owes: the symmetries of a crystal, independence of its neighbours in a batch, sound numbers."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from nucleate.networks import cspnet
from nucleate.networks.base import Denoiser, Head, Shown
from nucleate.networks.cspnet import CSPNet, CSPNetSettings
from nucleate.networks.torus_transformer import TorusTransformer, TorusTransformerSettings

HEADS = {"frac": Head("atom", 3), "lattice": Head("cell", 6)}
SIZES = [7, 3, 12, 1, 5, 12]


def build(name: str) -> Denoiser:
    """A small network with weights that make every input matter."""
    torch.manual_seed(1)
    if name == "torus-transformer":
        net = TorusTransformer(TorusTransformerSettings(48, 2, 4, 16, 8, 16), HEADS)
    else:
        net = CSPNet(CSPNetSettings(width=48, layers=2, frequencies=16, time_width=16), HEADS)
    with torch.no_grad():
        for weight in net.heads.parameters():
            weight.copy_(0.3 * torch.randn_like(weight))
        for layer in net.layers if isinstance(net, CSPNet) else ():
            layer.velocity.weight.mul_(5)
            layer.edge_1.weight.mul_(3)
    return net


@pytest.fixture(params=["torus-transformer", "cspnet, dense edges", "cspnet, packed edges"])
def net(request, monkeypatch) -> Denoiser:
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", 1 if "packed" in request.param else 10**9)
    return build(request.param.split(",")[0])


def batch(sizes: list[int], seed: int = 0) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(sizes)) < torch.tensor(sizes).unsqueeze(1)
    real = mask.unsqueeze(-1)
    inputs = {
        "species": torch.randint(1, 90, mask.shape, generator=rng) * mask,
        "frac": (torch.rand(*mask.shape, 3, generator=rng) - 0.5) * real,
        "velocity": 0.16 * torch.randn(*mask.shape, 3, generator=rng) * real,
        "lattice": torch.randn(len(sizes), 6, generator=rng),
    }
    return inputs, torch.rand(len(sizes), generator=rng), mask


def predict(net: Denoiser, inputs: dict[str, Tensor], t: Tensor, mask: Tensor) -> dict[str, Tensor]:
    with torch.no_grad():
        predictions = net(inputs, t, mask)
    return {"frac": predictions["frac"] * mask.unsqueeze(-1), "lattice": predictions["lattice"]}


def assert_same(ours: dict[str, Tensor], theirs: dict[str, Tensor], tolerance: float = 2e-5) -> None:
    for name, x in theirs.items():
        assert x.abs().max() > 1e-2, "the test needs predictions that are not zero"
        torch.testing.assert_close(ours[name].to(x.dtype), x, atol=tolerance * float(x.abs().max()), rtol=0)


def test_predictions_have_the_shapes_of_the_heads(net):
    predictions = net(*batch(SIZES))
    assert {name: tuple(x.shape) for name, x in predictions.items()} == {
        "frac": (6, 12, 3),
        "lattice": (6, 6),
    }


def test_atoms_permute(net):
    inputs, t, mask = batch([9, 9])
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    moved = {name: x if name == "lattice" else x[:, order] for name, x in inputs.items()}
    before, after = predict(net, inputs, t, mask), predict(net, moved, t, mask)
    assert_same(after, {"frac": before["frac"][:, order], "lattice": before["lattice"]})


def test_origin_on_the_torus_and_images_of_atoms_do_not_matter(net):
    inputs, t, mask = batch(SIZES)
    rng = torch.Generator().manual_seed(3)
    shift = torch.rand(len(SIZES), 1, 3, generator=rng)
    images = torch.randint(-1, 2, inputs["frac"].shape, generator=rng)
    moved = inputs | {"frac": (inputs["frac"] + shift + images) * mask.unsqueeze(-1)}
    assert_same(predict(net, moved, t, mask), predict(net, inputs, t, mask), 1e-4)


def test_a_common_velocity_does_not_matter(net):
    inputs, t, mask = batch(SIZES)
    moved = inputs | {"velocity": (inputs["velocity"] + torch.tensor([0.3, -0.2, 0.1])) * mask.unsqueeze(-1)}
    assert_same(predict(net, moved, t, mask), predict(net, inputs, t, mask))


@pytest.mark.parametrize("name", ["species", "frac", "velocity", "lattice", "t"])
def test_every_input_matters(net, name):
    inputs, t, mask = batch(SIZES)
    other, other_t, _ = batch(SIZES, seed=1)
    before = predict(net, inputs, t, mask)
    after = (
        predict(net, inputs, other_t, mask)
        if name == "t"
        else predict(net, inputs | {name: other[name]}, t, mask)
    )
    for key in before:
        assert (after[key] - before[key]).abs().max() > 1e-3 * before[key].abs().max()


def test_a_crystal_alone_is_the_same_in_a_padded_batch(net):
    inputs, t, mask = batch(SIZES)
    together = predict(net, inputs, t, mask)
    for number, size in enumerate(SIZES):
        alone = {
            name: x[number : number + 1] if name == "lattice" else x[number : number + 1, :size]
            for name, x in inputs.items()
        }
        prediction = predict(net, alone, t[number : number + 1], torch.ones(1, size, dtype=torch.bool))
        expected = {
            "frac": together["frac"][number : number + 1, :size],
            "lattice": together["lattice"][number : number + 1],
        }
        for key, x in expected.items():
            torch.testing.assert_close(prediction[key], x, atol=2e-5, rtol=1e-4)


def test_the_content_of_padding_does_not_matter(net):
    inputs, t, mask = batch(SIZES)
    other, _, _ = batch([12] * 6, seed=4)
    dirty = {
        name: x
        if name == "lattice"
        else torch.where(mask if x.ndim == 2 else mask.unsqueeze(-1), x, other[name])
        for name, x in inputs.items()
    }
    assert_same(predict(net, dirty, t, mask), predict(net, inputs, t, mask))


def test_float32_agrees_with_float64(net):
    inputs, t, mask = batch(SIZES)
    double = {name: x.double() if x.is_floating_point() else x for name, x in inputs.items()}
    exact = predict(copy.deepcopy(net).double(), double, t.double(), mask)
    assert_same(predict(net, inputs, t, mask), exact, 5e-5)


def test_gradients_in_float32_agree_with_float64(net):
    inputs, t, mask = batch(SIZES)
    double = {name: x.double() if x.is_floating_point() else x for name, x in inputs.items()}
    exact = copy.deepcopy(net).double()
    gradients = []
    for network, given, time in ((net, inputs, t), (exact, double, t.double())):
        predictions = network(given, time, mask)
        (
            (predictions["frac"] * mask.unsqueeze(-1)).square().sum() + predictions["lattice"].square().sum()
        ).backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
    ours, theirs = gradients
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        assert torch.isfinite(ours[name]).all(), name
        distance = (ours[name] - gradient).norm() / gradient.norm().clamp(min=1e-3)
        assert distance < 1e-3, f"{name}: {distance:.1e}"


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [1, 4]])
def test_cells_of_one_atom(net, sizes):
    inputs, t, mask = batch(sizes)
    predictions = net(inputs, t, mask)
    assert all(torch.isfinite(x).all() for x in predictions.values())
    sum(x.square().sum() for x in predictions.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_state_survives_saving(net):
    inputs, t, mask = batch(SIZES)
    other = build("torus-transformer" if isinstance(net, TorusTransformer) else "cspnet")
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()
    other.load_state_dict(net.state_dict())
    assert_same(predict(other, inputs, t, mask), predict(net, inputs, t, mask), 0)


def test_parameter_counts():
    def count(net: Denoiser) -> int:
        return sum(p.numel() for p in net.parameters())

    assert count(CSPNet(CSPNetSettings(), HEADS)) == 14_924_800
    assert count(CSPNet(CSPNetSettings(layers=4), HEADS)) == 10_187_776
    with_types = HEADS | {"species": Head("atom", 100)}
    assert count(CSPNet(CSPNetSettings(), with_types)) == 14_976_100
    assert count(TorusTransformer(TorusTransformerSettings(), HEADS)) == 5_797_824


def test_vectors_of_species_have_a_skip_connection():
    """A network of 16 channels learns to hand 64 noisy ones through, which its layers alone can't."""
    torch.manual_seed(0)
    settings = TorusTransformerSettings(16, 1, 2, 8, 4, 8)
    errors = {}
    for skip in (False, True):
        net = TorusTransformer(replace(settings, skip=skip), {"species": Head("atom", 64)}, Shown(species=64))
        adam = torch.optim.Adam(net.parameters(), lr=1e-2)
        for step in range(200):
            inputs, t, mask = batch([4] * 32, seed=step)
            inputs["species"] = torch.randn(*mask.shape, 64)
            error = (net(inputs, t, mask)["species"] - inputs["species"]).square().mean()
            adam.zero_grad()
            error.backward()
            adam.step()
        errors[skip] = error.item()
    assert errors[True] < 0.02
    assert errors[False] > 0.5


def test_the_skip_connection_is_only_for_vectors():
    heads = {"species": Head("atom", 90), "frac": Head("atom", 3)}
    settings = TorusTransformerSettings(48, 2, 4, 16, 8, 16, skip=True)
    assert TorusTransformer(settings, heads).skip is None
    assert TorusTransformer(settings, {"frac": Head("atom", 3)}, Shown(species=7)).skip is None
    guessed = TorusTransformer(settings, {"species": Head("atom", 7)}, Shown(species=14))
    assert guessed.skip is not None
    inputs, t, mask = batch(SIZES)
    inputs["species"] = torch.randn(*mask.shape, 14)
    before = guessed(inputs, t, mask)["species"]
    with torch.no_grad():
        guessed.skip[-1].weight.normal_()
        passed = guessed(inputs, t, mask)["species"] - before
    ratio = passed / inputs["species"][..., :7]
    torch.testing.assert_close(ratio, ratio[:, :1, :1].expand_as(ratio), rtol=1e-3, atol=1e-3)


def test_attention_on_a_cpu_is_in_float32_and_the_layers_are_not():
    """Under autocast: products of weights in bfloat16, those of queries, keys, values and pairs in float32."""
    from torch.utils._python_dispatch import TorchDispatchMode

    seen: dict[str, set[torch.dtype]] = {}

    class Products(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            name = func._schema.name
            if name in ("aten::mm", "aten::addmm", "aten::bmm"):
                seen.setdefault("bmm" if name == "aten::bmm" else "mm", set()).add(args[-1].dtype)
            return func(*args, **(kwargs or {}))

    torch.manual_seed(0)
    net = TorusTransformer(TorusTransformerSettings(48, 2, 4, 16, 8, 16), {"frac": Head("atom", 3)})
    mask = torch.ones(2, 5, dtype=torch.bool)
    inputs = {
        "species": torch.randint(1, 90, (2, 5)), "frac": torch.rand(2, 5, 3), "velocity": torch.rand(2, 5, 3),
        "lattice": torch.randn(2, 6),
    }  # fmt: skip
    with torch.autocast("cpu", torch.bfloat16), Products():
        net(inputs, torch.rand(2), mask)
    assert seen == {"mm": {torch.bfloat16}, "bmm": {torch.float32}}
