"""Weights of DiffCSP (arXiv 2309.04475) from the files that its public code writes, as the state of our CSPNet.

The published layout is `nucleate.networks.cspnet.DIFFCSP`, shown lattices of 9 numbers and no velocities, and with the
types (one-hot vectors in, a head of 100 out) species of 100. Its columns stand in our order, so that only names differ.
Nothing is unpickled but tensors.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from nucleate.errors import ModelError
from nucleate.networks.base import Head, Shown
from nucleate.networks.cspnet import DIFFCSP, CSPNet

SCHEDULER = re.compile(r"\w*scheduler\.")
LAYER = re.compile(r"layers\.(\d+)\.(.+)")
PUBLIC = {
    "species": "node_embedding",
    "join": "atom_latent_emb",
    "norm": "final_layer_norm",
    "heads.frac": "coord_out",
    "heads.lattice": "lattice_out",
    "heads.species": "type_out",
}
PUBLIC_LAYER = {
    "norm": "layer_norm",
    "edge_1": "edge_mlp.0",
    "edge_2": "edge_mlp.2",
    "node.0": "node_mlp.0",
    "node.2": "node_mlp.2",
}
CONVERT = (
    "where you trust the file and its code is installed, run in Python: "
    'torch.save(torch.load(FILE, map_location="cpu", weights_only=False)["state_dict"], "diffcsp.pt")'
)


def diffcsp_weights(path: Path | str) -> dict[str, Tensor]:
    """The state dict of a CSPNet in DiffCSP's layout, float32, from a .safetensors, .pt or .ckpt file.

    Width, number of layers, frequencies and whether types are predicted are read off the file. Buffers of the noise
    schedules are left out. Raises ModelError for a file that can't be read without unpickling code, and for tensors
    that are unknown, missing, of another shape or not finite, with their names.
    """
    path = Path(path)
    given = {name: x for name, x in _tensors(path).items() if not SCHEDULER.match(name)}
    prefix = "decoder." if any(name.startswith("decoder.") for name in given) else ""
    state = _network(given, prefix, path).state_dict()
    names = {prefix + _public(name): name for name in state}
    _refuse(f"{path} has tensors that DiffCSP's network lacks", given.keys() - names.keys())
    _refuse(f"{path} lacks tensors of DiffCSP's network", names.keys() - given.keys())
    other = [
        f"{public} {list(given[public].shape)} for {list(state[name].shape)}"
        for public, name in names.items()
        if given[public].shape != state[name].shape
    ]
    _refuse(f"{path} has tensors of other shapes than DiffCSP's network", other)
    _refuse(f"{path} has numbers that are not finite", [n for n in names if not given[n].isfinite().all()])
    return {name: given[public].float().contiguous() for public, name in names.items()}


def _public(name: str) -> str:
    """DiffCSP's name of one of our tensors."""
    module, _, kind = name.rpartition(".")
    if layer := LAYER.fullmatch(module):
        return f"csp_layer_{layer[1]}.{PUBLIC_LAYER[layer[2]]}.{kind}"
    return f"{PUBLIC[module]}.{kind}"


def _network(given: dict[str, Tensor], prefix: str, path: Path) -> CSPNet:
    """A CSPNet of the sizes that the file has, without weights."""
    needed = [f"{prefix}{name}.weight" for name in ("atom_latent_emb", "csp_layer_0.edge_mlp.0")]
    _refuse(f"{path} lacks tensors of DiffCSP's network", [name for name in needed if name not in given])
    shapes = [given[name].shape for name in needed]
    _refuse(
        f"{path} has no matrix in", [n for n, shape in zip(needed, shapes, strict=True) if len(shape) != 2]
    )
    (width, joined), (_, columns) = shapes
    time_width, waves = joined - width, columns - 2 * width - 9
    if waves < 6 or waves % 6 or time_width < 4 or time_width % 2:
        raise ModelError(
            f"{path} has {columns} inputs of an edge and {joined} of an atom at width {width}, which is no DiffCSP",
            "DiffCSP's published network has 1801 and 768 at width 512; those of EquiCSP and CrystalFlow differ",
        )
    numbers = [int(n) for name in given for n in re.findall(rf"^{prefix}csp_layer_(\d{{1,3}})\.", name)]
    settings = replace(
        DIFFCSP, width=width, layers=max(numbers) + 1, frequencies=waves // 6, time_width=time_width
    )
    heads = {"frac": Head("atom", 3), "lattice": Head("cell", 9)}
    types = any(f"{prefix}{name}" in given for name in ("type_out.weight", "node_embedding.bias"))
    if types:
        heads["species"] = Head("atom", 100)
    with torch.device("meta"):
        return CSPNet(settings, heads, Shown(9, 100 if types else 0, 0))


def _tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, those of `state_dict` where there is one."""
    if not path.is_file():
        raise ModelError(f"no file {path}", "name a checkpoint of DiffCSP: .safetensors, .pt or .ckpt")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        if zipfile.is_zipfile(path):
            what = "objects beside tensors, as Lightning's hyper_parameters are, and these are not unpickled"
            raise ModelError(f"{path} holds {what}", CONVERT) from None
        raise ModelError(f"{path} is no checkpoint of torch", "get the file again") from None
    except (SafetensorError, RuntimeError, EOFError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path} can't be read ({reason})", "get the file again") from None
    if isinstance(values, dict) and isinstance(values.get("state_dict"), dict):
        values = values["state_dict"]
    if not isinstance(values, dict) or not all(isinstance(x, Tensor) for x in values.values()):
        raise ModelError(f"{path} is no dictionary of tensors", CONVERT)
    return values


def _refuse(what: str, names: Iterable[str]) -> None:
    """Raises ModelError that says what is wrong with which tensors, if there are any."""
    names = sorted(names)
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        raise ModelError(
            f"{what}: {', '.join(names[:6])}{more}", "this reads DiffCSP's network, and no other's"
        )
