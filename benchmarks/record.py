"""Make the YAML record of a benchmark run, from what `nucleate evaluate csp --json` wrote and the model's folder.

python benchmarks/record.py --evaluation e.json --model runs/x/model --command "..." --out benchmarks/results/x.yaml
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from nucleate.errors import DataError, NucleateError
from nucleate.recipes.base import Recipe
from nucleate.runs.model_folder import read_recipe
from nucleate.sampling.settings import SamplerSettings
from nucleate.settings import to_dict

RESULTS = Path(__file__).parent / "results"
PROTOCOLS = ("geometry", "smact", "full")
TUNED_ON = ("val",)
"""Training keeps the checkpoint of the lowest validation loss, and samplers were chosen by validation rates."""


def schema() -> dict[str, Any]:
    return json.loads((RESULTS / "schema.json").read_text())


def check(record: dict[str, Any], where: str) -> None:
    """Raise DataError where a record breaks the schema."""
    errors = sorted(
        jsonschema.Draft202012Validator(schema()).iter_errors(record), key=lambda e: list(e.absolute_path)
    )
    if errors:
        place = "/".join(map(str, errors[0].absolute_path)) or "the record"
        raise DataError(f"{where}: {place}: {errors[0].message}", "see benchmarks/results/schema.json")


def load_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """All records, checked, by name."""
    records = []
    for path in sorted(folder.glob("*.yaml")):
        record = yaml.safe_load(path.read_text())
        check(record, path.name)
        if record["name"] != path.stem:
            raise DataError(
                f"{path.name} is called {record['name']} inside", f"rename it to {record['name']}.yaml"
            )
        records.append(record)
    return records


def make_record(
    evaluation: dict[str, Any], card: dict[str, Any], recipe: Recipe, sampler: SamplerSettings, *,
    name: str, command: str, seed: int, note: str = "", tuned_on: Sequence[str] = TUNED_ON,
    judged_on: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A record.

    sampler and seed: those of the predictions. tuned_on: splits that chose them, or the checkpoint. judged_on: the data
    set that was predicted, where it is not the one that the model was trained on.
    """
    judging, counts = dict(evaluation["settings"]), evaluation["counts"]
    trained_on = card["data"]["name"]
    data = {
        "name": judged_on or trained_on, "trained_on": trained_on, "split": judging.pop("split"),
        "crystals": counts["reference_rows"], "judged": counts["covered_rows"],
        "train_sha256": card["data"]["checksums"]["train.parquet"],
        "tuned_on": list(tuned_on),
    }  # fmt: skip
    for key in ("predictions", "reference", "k"):
        judging.pop(key, None)
    training, hardware = card["training"], card["hardware"]
    count = f"{hardware['devices']} x " if hardware["devices"] > 1 else ""
    threads = "" if hardware.get("cuda") else f", {hardware['threads']} threads"
    model = {
        "recipe": recipe.name, "network": recipe.network, "parameters": card["parameters"],
        "seed": recipe.training.seed, "steps": training["steps"],
        "epochs": round(training["crystals"] / card["data"]["crystals"], 2), "minutes": training["minutes"],
        "hardware": f"{count}{hardware.get('device', 'cuda' if hardware.get('cuda') else 'cpu')}{threads}",
        "versions": card["versions"],
    }  # fmt: skip
    settings = {k: v for k, v in to_dict(sampler).items() if k not in ("method", "steps")}
    sampling = {
        "method": sampler.method, "steps": sampler.steps, "nfe": sampler.evaluations, "seed": seed,
        "samples": counts["samples_per_row"], "settings": settings,
    }  # fmt: skip
    record: dict[str, Any] = {"name": name, "task": "csp", "date": datetime.date.today().isoformat()}
    record |= {"note": note} if note else {}
    record |= {"data": data, "model": model, "sampling": sampling, "judging": judging}
    record |= {"results": results(evaluation), "counts": counts, "command": command}
    return record


def split_of(data: dict[str, Any]) -> str:
    """The split that was judged, and whether it is the one that chose checkpoint, sampler or settings."""
    return data["split"] + (", tuned on" if data["split"] in data.get("tuned_on", TUNED_ON) else "")


def results(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """One entry for each protocol and k; METRe and cRMSE stand with one sample, from which they are computed."""
    found = []
    for protocol in PROTOCOLS:
        numbers = evaluation.get(protocol, {})
        for k in sorted(int(key.partition("@")[2]) for key in numbers if key.startswith("rmse@")):
            entry = {
                "protocol": protocol,
                "k": k,
                "match_rate": numbers[f"match_rate@{k}"],
                "rmse": numbers[f"rmse@{k}"],
            }
            if k == 1:
                entry |= {key: numbers[key] for key in ("metre", "crmse") if key in numbers}
            found.append(entry)
    return found


def _round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _round(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_round(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluation", type=Path, required=True, help="what evaluate csp --json wrote")
    parser.add_argument(
        "--model", type=Path, required=True, help="model folder with card.json and recipe.toml"
    )
    parser.add_argument("--command", required=True, help="the commands that made and judged the predictions")
    parser.add_argument("--out", type=Path, required=True, help="benchmarks/results/NAME.yaml")
    parser.add_argument("--seed", type=int, default=0, help="of the predictions")
    parser.add_argument("--steps", type=int, help="sampler steps, if not the recipe's")
    methods = ["em", "ode", "heun", "multistep", "pc"]
    parser.add_argument("--method", choices=methods, help="sampler, if not the recipe's")
    parser.add_argument(
        "--sampler", default="{}", help='other sampler settings as JSON, such as {"tau": 0.5}'
    )
    parser.add_argument("--note", default="")
    parser.add_argument(
        "--tuned-on",
        nargs="*",
        default=list(TUNED_ON),
        help="splits that chose checkpoint, sampler or settings",
    )
    parser.add_argument("--data", default="", help="the data set judged, if not the one trained on")
    asked = parser.parse_args()
    recipe = read_recipe(asked.model / "recipe.toml")
    changed = {k: v for k, v in (("steps", asked.steps), ("method", asked.method)) if v is not None}
    sampler = SamplerSettings(**(to_dict(recipe.sampler) | json.loads(asked.sampler) | changed))
    evaluation, card = (
        json.loads(path.read_text()) for path in (asked.evaluation, asked.model / "card.json")
    )
    try:
        record = _round(
            make_record(
                evaluation, card, recipe, sampler,
                name=asked.out.stem, command=asked.command, seed=asked.seed, note=asked.note,
                tuned_on=asked.tuned_on, judged_on=asked.data,
            )
        )  # fmt: skip
        check(record, str(asked.out))
    except NucleateError as error:
        sys.exit(str(error))
    asked.out.write_text(yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110))
    print(f"{asked.out} is written; now run: python benchmarks/make_results_page.py", file=sys.stderr)


if __name__ == "__main__":
    main()
