"""Speed of a run on this machine: training from its metrics, sampling by drawing validation compositions."""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch

from nucleate.crystals import Crystals
from nucleate.data.buckets import split_by_edges
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.elements import SYMBOLS
from nucleate.geometry.noise import Noise
from nucleate.model.crystal_model import CrystalModel
from nucleate.networks.cspnet import CSPNet
from nucleate.runs.card import device_name
from nucleate.runs.devices import native_bf16
from nucleate.runs.model_folder import load_model
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import to_dict
from nucleate.training.log import read_metrics
from nucleate.training.validation import validation_subset


def training_speed(run: Path) -> dict[str, float]:
    """Crystals a second over the later half of the log, and the last losses."""
    rows = read_metrics(run / "metrics.jsonl")
    train = [row for row in rows if "crystals_per_second" in row]
    found = {k: v for row in rows for k, v in row.items() if k.startswith(("train/", "val/"))}
    if len(train) > 1:
        counts = [row["crystals_per_second"] * row["seconds"] for row in train]
        middle = (len(train) - 1) // 2
        if train[-1]["seconds"] > train[middle]["seconds"]:
            found["crystals_per_second"] = (counts[-1] - counts[middle]) / (
                train[-1]["seconds"] - train[middle]["seconds"]
            )
    return {"step": rows[-1]["step"], "seconds": rows[-1]["seconds"], **found}


def draw(
    model: CrystalModel,
    table: CrystalTable,
    rows: np.ndarray,
    settings: SamplerSettings,
    edges: int,
) -> tuple[list[tuple[np.ndarray, Crystals]], float]:
    """Predictions for the compositions of these rows, in batches, and the seconds they took."""
    device = next(model.parameters()).device
    batches = []
    _wait(device)
    start = time.perf_counter()
    for part in split_by_edges(rows, table.sizes, edges):
        crystals = table.batch(part).to(device)
        noise = Noise.of(0, torch.as_tensor(part, device=device))
        given = Given.composition(crystals.species, crystals.mask)
        batches.append((part, sample(model, crystals.mask, settings, noise, given).to("cpu")))
    _wait(device)
    return batches, time.perf_counter() - start


def layouts(model: CrystalModel, batches: list[tuple[np.ndarray, Crystals]]) -> str:
    """How CSPNet held the edges of these batches, packed or dense; nothing for a network without edges."""
    if not isinstance(model.network, CSPNet):
        return ""
    device = next(model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=model.bf16):
        found = {model.network.layout(made.frac.to(device), made.mask.to(device)) for _, made in batches}
    return ", ".join(sorted(found))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def write_extxyz(path: Path, batches: list[tuple[np.ndarray, Crystals]], table: CrystalTable) -> None:
    """One frame for each prediction; `nucleate evaluate csp` pairs them by the crystal's row."""
    with path.open("w") as file:
        for part, crystals in batches:
            for i, row in enumerate(part.tolist()):
                size = int(crystals.sizes[i])
                cell = crystals.lattice[i].double().numpy()
                positions = crystals.frac[i, :size].double().numpy() @ cell
                file.write(f'{size}\nLattice="{" ".join(f"{x:.7g}" for x in cell.ravel())}" ')
                file.write(
                    f"Properties=species:S:1:pos:R:3 crystal={row} sample=0 material_id={table.ids[row]}\n"
                )
                for z, xyz in zip(crystals.species[i, :size].tolist(), positions, strict=True):
                    file.write(f"{SYMBOLS[z]} {xyz[0]:.6f} {xyz[1]:.6f} {xyz[2]:.6f}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of predictions.extxyz and report.json"
    )
    parser.add_argument("--crystals", type=int, default=1024)
    parser.add_argument("--steps", type=int, help="sampler steps; the recipe's by default")
    parser.add_argument("--edges", type=int, default=400_000)
    asked = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = "model-last" if (asked.run / "model-last").exists() else "model"
    report = {"device": device_name(device), "torch": torch.__version__, "python": platform.python_version()}
    report |= {"threads": torch.get_num_threads(), "native_bf16": native_bf16(device.type)}
    report["training"] = training_speed(asked.run)
    if (asked.run / kind).exists():
        model, recipe, card = load_model(asked.run / kind)
        model.to(device)
        val = Dataset.open(asked.data).split("val")
        rows = validation_subset(val, asked.crystals)
        values = to_dict(recipe.sampler) | ({"steps": asked.steps} if asked.steps else {})
        settings, model.bf16 = SamplerSettings(**values), native_bf16(device.type)
        draw(model, val, rows[-64:], SamplerSettings(**(values | {"steps": 2})), asked.edges)
        batches, seconds = draw(model, val, rows, settings, asked.edges)
        asked.out.mkdir(parents=True, exist_ok=True)
        write_extxyz(asked.out / "predictions.extxyz", batches, val)
        report["sampling"] = {
            "model": kind, "parameters": card["parameters"], "crystals": len(rows), "seconds": seconds,
            "crystals_per_second": len(rows) / seconds, "nfe": settings.evaluations, "bf16": model.bf16,
            "edges": layouts(model, batches),
        }  # fmt: skip
    if device.type == "cuda":
        report["gpu_memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
    (asked.run / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
