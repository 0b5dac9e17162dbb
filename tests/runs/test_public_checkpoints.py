"""DiffCSP's public files: made up in their layout, evaluated by a plain loop that knows only the public names."""

from __future__ import annotations

import math
import re
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from nucleate.errors import ModelError
from nucleate.networks import cspnet
from nucleate.networks.base import Head, Shown
from nucleate.networks.cspnet import DIFFCSP, CSPNet, CSPNetSettings
from nucleate.runs.public_checkpoints import diffcsp_weights

State = dict[str, Tensor]
WIDTH, TIME, WAVES, LAYERS = 32, 16, 5, 3
SIZES = [4, 1, 7]


def public_state(
    typed: bool, width: int = WIDTH, time: int = TIME, waves: int = WAVES, layers: int = LAYERS
) -> State:
    """Random tensors under the names and with the shapes of DiffCSP's checkpoints."""
    rng = torch.Generator().manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {
        "node_embedding.weight": (width, 100) if typed else (100, width),
        "atom_latent_emb.weight": (width, width + time),
        "atom_latent_emb.bias": (width,),
        "final_layer_norm.weight": (width,),
        "final_layer_norm.bias": (width,),
        "coord_out.weight": (3, width),
        "lattice_out.weight": (9, width),
    }
    if typed:
        shapes |= {"node_embedding.bias": (width,), "type_out.weight": (100, width), "type_out.bias": (100,)}
    for n in range(layers):
        columns = {"edge_mlp.0": 2 * width + 9 + 6 * waves, "edge_mlp.2": width}
        columns |= {"node_mlp.0": 2 * width, "node_mlp.2": width}
        for name, inputs in columns.items():
            shapes |= {
                f"csp_layer_{n}.{name}.weight": (width, inputs),
                f"csp_layer_{n}.{name}.bias": (width,),
            }
        shapes |= {f"csp_layer_{n}.layer_norm.{kind}": (width,) for kind in ("weight", "bias")}
    state = {
        f"decoder.{name}": torch.randn(shape, generator=rng) / math.sqrt(shape[-1])
        for name, shape in shapes.items()
    }
    for name in state:
        if "edge_mlp.0.weight" in name:
            state[name][:, 2 * width : 2 * width + 9] *= 0.05
    buffers = {"beta_scheduler": ("alphas", "alphas_cumprod", "betas", "sigmas")}
    buffers["sigma_scheduler"] = ("sigmas", "sigmas_norm")
    return state | {f"{s}.{name}": torch.rand(1001) for s, names in buffers.items() for name in names}


def linear(state: State, name: str, x: Tensor) -> Tensor:
    y = x @ state[f"decoder.{name}.weight"].T
    return y + state[f"decoder.{name}.bias"] if f"decoder.{name}.bias" in state else y


def silu(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


def normed(state: State, name: str, x: Tensor) -> Tensor:
    x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    return x * state[f"decoder.{name}.weight"] + state[f"decoder.{name}.bias"]


def one_crystal(state: State, step: int, species: Tensor, frac: Tensor, cell: Tensor) -> State:
    """Predictions for one crystal by a loop over all pairs of atoms, an atom with itself among them."""
    atoms = len(frac)
    rates = [step * 10000 ** (-k / (TIME // 2 - 1)) for k in range(TIME // 2)]
    time = torch.tensor([math.sin(x) for x in rates] + [math.cos(x) for x in rates]).to(frac)
    if species.is_floating_point():
        h = linear(state, "node_embedding", species)
    else:
        h = torch.stack([state["decoder.node_embedding.weight"][int(z) - 1] for z in species])
    h = linear(state, "atom_latent_emb", torch.cat([h, time.expand(atoms, -1)], 1))
    products = (cell @ cell.T).flatten()
    for n in range(LAYERS):
        g, received = normed(state, f"csp_layer_{n}.layer_norm", h), []
        for i in range(atoms):
            total = torch.zeros_like(g[0])
            for j in range(atoms):
                apart = (frac[j] - frac[i]) % 1
                phase = torch.stack(
                    [2 * math.pi * k * apart[axis] for axis in range(3) for k in range(WAVES)]
                )
                edge = torch.cat([g[i], g[j], products, phase.sin(), phase.cos()])
                edge = silu(linear(state, f"csp_layer_{n}.edge_mlp.0", edge))
                total = total + silu(linear(state, f"csp_layer_{n}.edge_mlp.2", edge))
            received.append(total / atoms)
        node = silu(linear(state, f"csp_layer_{n}.node_mlp.0", torch.cat([g, torch.stack(received)], 1)))
        h = h + silu(linear(state, f"csp_layer_{n}.node_mlp.2", node))
    h = normed(state, "final_layer_norm", h)
    lattice = linear(state, "lattice_out", h.mean(0)).view(3, 3) @ cell
    out = {"frac": linear(state, "coord_out", h), "lattice": lattice.flatten()}
    return out | ({"species": linear(state, "type_out", h)} if "decoder.type_out.weight" in state else {})


def network(typed: bool, settings: CSPNetSettings) -> CSPNet:
    heads = {"frac": Head("atom", 3), "lattice": Head("cell", 9)}
    if typed:
        heads["species"] = Head("atom", 100)
    return CSPNet(settings, heads, Shown(9, 100 if typed else 0, 0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "diffcsp.ckpt"


@pytest.mark.parametrize("typed", [False, True], ids=["csp", "types"])
@pytest.mark.parametrize("enough", [1, 10**9], ids=["packed", "dense"])
def test_predictions_are_those_of_the_public_layout(typed, enough, path, monkeypatch):
    monkeypatch.setattr(cspnet, "ENOUGH_FOR_TABLE", enough)
    state, rng = public_state(typed), torch.Generator().manual_seed(1)
    torch.save({"state_dict": state, "epoch": 3, "global_step": 7}, path)
    net = network(typed, CSPNetSettings(WIDTH, LAYERS, WAVES, TIME, "sinusoidal", True, 100, True, 1))
    net.load_state_dict(diffcsp_weights(path))
    mask = torch.arange(7) < torch.tensor(SIZES)[:, None]
    frac = torch.rand(3, 7, 3, generator=rng)
    cells = 4 * torch.eye(3) + torch.randn(3, 3, 3, generator=rng)
    species = torch.randint(1, 101, (3, 7), generator=rng) * mask
    if typed:
        species = torch.randn(3, 7, 100, generator=rng)
    steps = torch.tensor([1, 420, 1000])
    inputs = {"species": species, "frac": frac, "lattice": cells.flatten(1)}
    with torch.no_grad():
        ours = net(inputs, 1 - steps / 1000, mask)
    exact = {name: x.double() for name, x in state.items()}
    for n, size in enumerate(SIZES):
        given = species[n, :size].double() if typed else species[n, :size]
        theirs = one_crystal(exact, int(steps[n]), given, frac[n, :size].double(), cells[n].double())
        assert theirs.keys() == ours.keys()
        for name, x in theirs.items():
            prediction = ours[name][n] if name == "lattice" else ours[name][n, :size]
            assert x.abs().max() > 0.1
            torch.testing.assert_close(prediction.double(), x, atol=1e-4 * float(x.abs().max()), rtol=0)


@pytest.mark.parametrize(("typed", "count"), [(False, 12_294_656), (True, 12_346_468)])
def test_published_sizes(typed, count, path):
    """The whole network at its published size: all parameters arrive, none twice."""
    torch.save(public_state(typed, 512, 256, 128, 6), path)
    weights = diffcsp_weights(path)
    assert sum(x.numel() for x in weights.values()) == count
    network(typed, DIFFCSP).load_state_dict(weights)


@pytest.mark.parametrize("kind", ["safetensors", "bare", "half"])
def test_other_ways_to_write_the_same(kind, path):
    state = public_state(False)
    if kind == "safetensors":
        path = path.with_suffix(".safetensors")
        save_file(state, path)
    elif kind == "bare":
        torch.save(
            {n.removeprefix("decoder."): x for n, x in state.items() if n.startswith("decoder.")}, path
        )
    else:
        torch.save({name: x.bfloat16().float().bfloat16() for name, x in state.items()}, path)
    weights = diffcsp_weights(path)
    assert all(x.dtype == torch.float32 for x in weights.values())
    tolerance = 1e-2 if kind == "half" else 0
    torch.testing.assert_close(
        weights["layers.2.edge_2.weight"],
        state["decoder.csp_layer_2.edge_mlp.2.weight"],
        atol=tolerance,
        rtol=tolerance,
    )


@pytest.mark.parametrize(
    ("remove", "add", "message"),
    [
        ("csp_layer_1.node_mlp.2.bias", None, r"lacks .*: decoder\.csp_layer_1\.node_mlp\.2\.bias$"),
        ("atom_latent_emb.weight", None, r"lacks .*: decoder\.atom_latent_emb\.weight$"),
        ("csp_layer_1", None, r"lacks .*csp_layer_1\.edge_mlp\.0\.bias.* and 4 more$"),
        (
            None,
            ("decoder.csp_layer_0.prop_mlp.0.bias", (32,)),
            r"lacks: decoder\.csp_layer_0\.prop_mlp\.0\.bias$",
        ),
        (None, ("decoder.coord_out.bias", (3,)), r"lacks: decoder\.coord_out\.bias$"),
        (None, ("ema.weight", (3,)), r"lacks: ema\.weight$"),
        (
            None,
            ("decoder.node_embedding.bias", (32,)),
            r"lacks .*: decoder\.type_out\.bias, decoder\.type_out\.weight$",
        ),
        (
            None,
            ("decoder.lattice_out.weight", (6, 32)),
            r"decoder\.lattice_out\.weight \[6, 32\] for \[9, 32\]$",
        ),
        (
            None,
            ("decoder.node_embedding.weight", (99, 32)),
            r"node_embedding\.weight \[99, 32\] for \[100, 32\]$",
        ),
        (None, ("decoder.csp_layer_0.edge_mlp.0.weight", (32, 100)), r"100 inputs of an edge"),
        (None, ("decoder.csp_layer_0.edge_mlp.0.weight", (32,)), r"no matrix in: decoder\.csp_layer_0"),
    ],
)
def test_tensors_that_do_not_fit_are_named(remove, add, message, path):
    state = {name: x for name, x in public_state(False).items() if remove is None or remove not in name}
    if add:
        state[add[0]] = torch.zeros(add[1])
    torch.save(state, path)
    with pytest.raises(ModelError) as error:
        diffcsp_weights(path)
    assert re.search(message, error.value.message), error.value.message


def test_numbers_that_are_not_finite_are_refused(path):
    state = public_state(False)
    state["decoder.coord_out.weight"][0, 0] = float("nan")
    torch.save(state, path)
    with pytest.raises(ModelError, match=r"not finite: decoder\.coord_out\.weight"):
        diffcsp_weights(path)


def test_equicsp_is_told_apart(path):
    """Six numbers of the lattice in place of nine: 1798 columns at the published size."""
    state = public_state(False)
    for n in range(LAYERS):
        name = f"decoder.csp_layer_{n}.edge_mlp.0.weight"
        state[name] = state[name][:, 3:]
    torch.save(state, path)
    with pytest.raises(ModelError, match="which is no DiffCSP"):
        diffcsp_weights(path)


def test_objects_besides_tensors_are_not_unpickled(path):
    """As in Lightning's checkpoints, whose hyper_parameters are objects of a configuration library."""
    torch.save(
        {"state_dict": public_state(False), "hyper_parameters": types.SimpleNamespace(width=512)}, path
    )
    with pytest.raises(ModelError, match="not unpickled") as error:
        diffcsp_weights(path)
    assert "weights_only=False" in error.value.hint
    assert '["state_dict"]' in error.value.hint


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 and no more"])
def test_other_files_are_refused_as_checkpoints(suffix, content, tmp_path):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"file{suffix} (can't be read|is no checkpoint)"):
        diffcsp_weights(path)


@pytest.mark.parametrize("values", [torch.zeros(3), {"decoder.coord_out.weight": 3}, []])
def test_files_without_a_dictionary_of_tensors_are_refused(values, path):
    torch.save(values, path)
    with pytest.raises(ModelError, match="no dictionary of tensors"):
        diffcsp_weights(path)


def test_a_file_that_is_not_there(path):
    with pytest.raises(ModelError, match=r"no file .*diffcsp\.ckpt"):
        diffcsp_weights(str(path))
