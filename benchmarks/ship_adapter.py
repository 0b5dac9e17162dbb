"""Put a trained adapter into the package, in half precision.

    python benchmarks/ship_adapter.py --run runs/tc --licence MIT --note "DFPT of the Alexandria group"

The averaged weights of RUN/model go to src/nucleate/shipped/adapters/NAME, where NAME is the adapter's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from nucleate.recipes.adapter import AdapterRecipe
from nucleate.runs.adapter import Adapter
from nucleate.runs.model_folder import save_tensor_folder

SHIPPED = Path(__file__).resolve().parent.parent / "src" / "nucleate" / "shipped" / "adapters"


def ship(run: Path, licence: str, note: str) -> Path:
    adapter = Adapter.read(run / "model")
    recipe: AdapterRecipe = adapter.recipe
    data = {key: adapter.card["data"][key] for key in ("name", "crystals", "checksums")}
    card = {**adapter.card, "data": {**data, "licence": licence, "note": note}}
    card["weights"] = "averaged over training (EMA), stored in half precision"
    folder = SHIPPED / recipe.adapter
    tensors = {name: tensor.to(torch.float16) for name, tensor in adapter.tensors.items()}
    save_tensor_folder(folder, tensors, recipe, card)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--licence", default="")
    parser.add_argument("--note", default="")
    asked = parser.parse_args()
    folder = ship(asked.run, asked.licence, asked.note)
    size = (folder / "weights.safetensors").stat().st_size / 1e6
    print(json.dumps({"folder": folder.name, "megabytes": round(size, 2)}))
