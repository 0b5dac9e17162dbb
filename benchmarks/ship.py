"""Put a trained model into the package: half precision, a full card, the sampler that was found best.

    python benchmarks/ship.py --run runs/mp20-small --data data/mp_20 --name kldm-mp20-csp --sampler steps=100

The averaged weights of RUN/model (or --folder model-last) go to src/nucleate/shipped/NAME.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nucleate.data.dataset import Dataset
from nucleate.model.trainable import Trainable
from nucleate.recipes.base import Recipe
from nucleate.runs.card import make_card
from nucleate.runs.model_folder import load_model, save_model
from nucleate.settings import override
from nucleate.training.log import read_metrics

SHIPPED = Path(__file__).resolve().parent.parent / "src" / "nucleate" / "shipped"


def ship(asked: argparse.Namespace) -> Path:
    model, recipe, old = load_model(asked.run / asked.folder)
    model, recipe = drawing(model, recipe)
    if asked.sampler:
        recipe = replace(recipe, sampler=override(recipe.sampler, asked.sampler))
    dataset = Dataset.open(asked.data)
    card = make_card(recipe, dataset, dataset.split("train"), model, 1, torch.device("cpu"))
    rows = read_metrics(asked.run / "metrics.jsonl")
    last = next(row for row in reversed(rows) if "val/total" in row)
    # Where it was trained, not where it is shipped from.
    card |= {key: old[key] for key in ("hardware", "versions", "label_ends") if key in old}
    if asked.data_of:
        card["data"] = known_data(card["data"], asked.data_of)
    card["data"]["note"] = asked.note
    card["data"]["licence"] = asked.licence or card["data"]["licence"]
    seen = last["step"] * min(recipe.training.batch, card["data"]["crystals"])
    minutes = round(last["seconds"] / 60, 1)
    card["training"] = {**old["training"], "steps": last["step"], "crystals": seen, "minutes": minutes}
    card["metrics"] = old["metrics"]
    card["weights"] = "averaged over training (EMA), stored in half precision"
    folder = SHIPPED / asked.name
    save_model(folder, model, recipe, card, torch.float16)
    return folder


def drawing(model: Trainable, recipe: Any) -> tuple[Trainable, Any]:
    """Without the heads that only training asks (`nucleate.model.symmetry_labels`)."""
    if not isinstance(recipe, Recipe) or not recipe.loss_weights.symmetry:
        return model, recipe
    recipe = replace(recipe, loss_weights=replace(recipe.loss_weights, symmetry=0.0))
    bare, trained = recipe.build(), model.state_dict()
    bare.load_state_dict({name: trained[name] for name in bare.state_dict()})
    return bare, recipe


def known_data(data: dict, name: str) -> dict:
    """What the card of a shipped model says of the same data, its source and licence among it. The same files may have
    been imported by another version of pyarrow, which writes other bytes."""
    known = json.loads((SHIPPED / name / "card.json").read_text())["data"]
    if known["checksums"] != data["checksums"] and known["source"]["files"] != data["source"]["files"]:
        raise SystemExit(f"{name} was trained on other files than these")
    return {**known, "checksums": data["checksums"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--folder", default="model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--note", default="")
    parser.add_argument(
        "--data-of", default="", help="shipped model of the same data: its source and licence"
    )
    parser.add_argument("--licence", default="", help="Of the data, where the data set does not state it.")
    parser.add_argument("--sampler", nargs="*", default=[], metavar="KEY=VALUE")
    folder = ship(parser.parse_args())
    size = (folder / "weights.safetensors").stat().st_size / 1e6
    print(json.dumps({"folder": folder.name, "megabytes": round(size, 2)}))
