"""A run in a few megabytes, to move it between machines: `pack` a run folder into parts, `unpack` them into one that
`nucleate train --resume` continues.

last.ckpt is 16 bytes a parameter; a packed state is 3: averaged weights in half precision, the difference of
the present ones from them as int8 with one scale a row, and of the optimiser the mean squares by rows and
columns (Adafactor, Shazeer and Stern 2018, arXiv 1804.04235). A resumed run is therefore a warm start, not the
same run bit for bit.
"""

from __future__ import annotations

import argparse
import json
import tarfile
from pathlib import Path

import torch
from safetensors.torch import load, save, save_file
from torch import Tensor

from nucleate.runs.model_folder import read_recipe, save_model
from nucleate.training.checkpoint import FORMAT, read_checkpoint

PART = 15_000_000
SMALL_FILES = (
    "recipe.toml", "metrics.jsonl", "report.json", "model/card.json", "model-last/card.json", "orbits-train.npz",
    "orbits-val.npz", "replacements.npz",
)  # fmt: skip


def pack(run: Path, out: Path) -> None:
    """Write out/state.00, .01, ... of at most PART bytes, and out/run.tgz with the small files of the run."""
    progress, tensors = read_checkpoint(run / "last.ckpt")
    small = {}
    for name in (key.removeprefix("ema/") for key in tensors if key.startswith("ema/")):
        averaged = tensors[f"ema/{name}"]
        half = averaged.half()
        small[f"ema/{name}"] = half
        codes, scale = _to_int8(tensors[f"model/{name}"] - half.float())
        small |= {f"delta/{name}": codes, f"scale/{name}": scale}
        square = tensors.get(f"optimiser/{name}/exp_avg_sq")
        if square is not None:
            table = square.reshape(len(square), -1) if square.ndim > 1 else square[:, None]
            small |= {f"rows/{name}": table.mean(1), f"columns/{name}": table.mean(0)}
    small |= {
        f"buffer/{k[6:]}": v
        for k, v in tensors.items()
        if k.startswith("model/") and f"ema/{k[6:]}" not in tensors
    }
    blob = save(small, metadata={"progress": json.dumps(progress)})
    out.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(blob), PART)):
        (out / f"state.{number:02d}").write_bytes(blob[start : start + PART])
    (out / "progress.json").write_text(json.dumps(progress))
    with tarfile.open(out / "run.tgz", "w:gz") as archive:
        for name in SMALL_FILES:
            if (run / name).exists():
                archive.add(run / name, name)


def unpack(packed: Path, run: Path) -> None:
    """Make a run folder: recipe.toml, metrics.jsonl, last.ckpt, and model-half/ with the averaged weights."""
    tensors = load(b"".join(part.read_bytes() for part in sorted(packed.glob("state.[0-9][0-9]"))))
    progress = json.loads((packed / "progress.json").read_text())
    run.mkdir(parents=True, exist_ok=True)
    with tarfile.open(packed / "run.tgz") as archive:
        archive.extractall(run, filter="data")
    full = {}
    for name in (key.removeprefix("ema/") for key in tensors if key.startswith("ema/")):
        averaged = tensors[f"ema/{name}"].float()
        full[f"ema/{name}"] = averaged
        full[f"model/{name}"] = averaged + _from_int8(tensors[f"delta/{name}"], tensors[f"scale/{name}"])
        if f"rows/{name}" in tensors:
            rows, columns = tensors[f"rows/{name}"], tensors[f"columns/{name}"]
            square = torch.outer(rows, columns) / rows.mean().clamp(min=1e-30)
            full[f"optimiser/{name}/exp_avg_sq"] = square.reshape(averaged.shape)
            full[f"optimiser/{name}/exp_avg"] = torch.zeros_like(averaged)
            full[f"optimiser/{name}/step"] = torch.tensor(float(progress["step"]))
    full |= {f"model/{k[7:]}": v for k, v in tensors.items() if k.startswith("buffer/")}
    save_file(full, run / "last.ckpt", metadata={"format": str(FORMAT), "progress": json.dumps(progress)})
    _write_model(run, full)


def _write_model(run: Path, tensors: dict[str, Tensor]) -> None:
    """The averaged weights as a model folder, if the run has a card."""
    cards = [run / name for name in ("model-last/card.json", "model/card.json") if (run / name).exists()]
    if not cards:
        return
    recipe = read_recipe(run / "recipe.toml")
    model = recipe.build()
    state = {k[6:]: v for k, v in tensors.items() if k.startswith("model/")}
    state |= {k[4:]: v for k, v in tensors.items() if k.startswith("ema/")}
    model.load_state_dict(state)
    save_model(run / "model-half", model, recipe, json.loads(cards[0].read_text()), torch.float16)


def _to_int8(x: Tensor) -> tuple[Tensor, Tensor]:
    rows = x.reshape(len(x), -1) if x.ndim > 1 else x.reshape(1, -1)
    scale = rows.abs().amax(1).clamp(min=1e-30) / 127
    return (rows / scale[:, None]).round().to(torch.int8).reshape(x.shape), scale


def _from_int8(codes: Tensor, scale: Tensor) -> Tensor:
    rows = codes.reshape(len(scale), -1).float() * scale[:, None]
    return rows.reshape(codes.shape)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["pack", "unpack"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args()
    (pack if asked.action == "pack" else unpack)(asked.source, asked.target)
