"""Make the YAML record of generated crystals that were judged, from what `nucleate evaluate dng --json` wrote.

python benchmarks/record_dng.py --evaluation e.json --model runs/x/model --job generated/job.json --command "..." \
    --out benchmarks/results/dng/x.yaml
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from nucleate.errors import DataError, NucleateError

TUNED_ON = ("val",)
"""Splits that chose checkpoint, sampler or settings: training keeps the checkpoint of the lowest validation loss."""

KEPT = {
    "validity": ("structure_classic", "composition", "valid", "structure_radius"),
    "coverage": ("cov_recall", "cov_precision", "cov_recall_real", "cov_precision_real"),
    "distributions": ("density_w1", "n_elements_w1", "volume_per_atom_w1", "space_group_jsd"),
    "diversity": ("vendi_composition", "vendi_structure"),
    "symmetry": ("p1",),
    "uniqueness": ("unique", "unique_first_come"),
    "novelty": ("novel", "novel_compositions", "novel_systems"),
    "stability": (
        "stable_0",
        "stable_0.1",
        "energy_above_hull",
        "energy_above_hull_median",
        "energy_above_hull_lowest",
        "far_below_hull",
        "rmsd_to_relaxed",
        "supported",
    ),
    "joint": ("sun", "msun", "unique_novel"),
}
"""Numbers of the record by family; those that were not measured are left out."""


def make_record(
    evaluation: dict[str, Any],
    card: dict[str, Any] | list[dict[str, Any]],
    job: dict[str, Any],
    *,
    name: str,
    command: str,
    note: str = "",
) -> dict[str, Any]:
    """A record: numbers with intervals and denominators, the funnel, and everything they depend on.

    card: of the model; several of a generator of several models, none of one that has none.
    """
    families = evaluation["families"]
    numbers = {
        f"{family}.{key}": _plain(families[family]["measures"][key])
        for family, keys in KEPT.items()
        for key in keys
        if key in families.get(family, {}).get("measures", {})
    }
    if not numbers:
        raise DataError(
            "the evaluation holds none of the numbers of a record", "make it with 'evaluate dng --json'"
        )
    cards = card if isinstance(card, list) else [card]
    parts = [_model(one) for one in cards]
    data = cards[0]["data"]["name"] if cards else evaluation["settings"]["reference"]
    return {
        "format": 1,
        "name": name,
        "task": "dng",
        "date": datetime.date.today().isoformat(),
        "model": parts[0] if len(parts) == 1 else {"parts": parts, "data": data},
        "sampling": {"seed": job["seed"], "crystals": job["crystals"]["count"], **job["sampler"]},
        "protocol": evaluation["protocol"]["name"],
        "reference": {
            "name": evaluation["settings"]["reference"], "split": evaluation["settings"]["split"],
            "tuned_on": list(TUNED_ON),
        },
        **_coverage(families),
        "numbers": numbers,
        "funnel": {step["title"]: step["count"] for step in evaluation["funnel"]},
        "command": command,
        **({"note": note} if note else {}),
    }  # fmt: skip


def _model(card: dict[str, Any]) -> dict[str, Any]:
    """What a record says of one model."""
    training = card["training"]
    return {
        "recipe": card["recipe"], "parameters": card["parameters"], "steps": training["steps"],
        "epochs": round(training["crystals"] / card["data"]["crystals"], 1), "minutes": training["minutes"],
        "hardware": f"{card['hardware']['device']}, {card['hardware']['devices']} process(es)",
        "data": card["data"]["name"],
    }  # fmt: skip


def _coverage(families: dict[str, Any]) -> dict[str, Any]:
    """What COV depends on: the scale of compositions, and how many samples and reference crystals there were."""
    settings = families.get("coverage", {}).get("settings")
    if not settings:
        return {}
    counts = {"references": settings["reference_crystals"], "of": settings["reference_crystals_there_are"]}
    return {"coverage": {"scale": settings["scale"], "samples": settings["samples"], **counts}}


def _plain(measure: dict[str, Any]) -> dict[str, Any]:
    kept = {key: measure[key] for key in ("value", "low", "high", "n", "of", "unit", "share")}
    return {key: float(f"{x:.6g}") if isinstance(x, float) else x for key, x in kept.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluation", type=Path, required=True, help="what evaluate dng --json wrote")
    parser.add_argument("--model", type=Path, nargs="*", default=[], help="model folders with card.json")
    parser.add_argument("--job", type=Path, required=True, help="job.json of the generated crystals")
    parser.add_argument("--command", required=True, help="the commands that made and judged them")
    parser.add_argument("--out", type=Path, required=True, help="benchmarks/results/dng/NAME.yaml")
    parser.add_argument("--note", default="")
    asked = parser.parse_args()
    evaluation, job = (json.loads(path.read_text()) for path in (asked.evaluation, asked.job))
    card = [json.loads((folder / "card.json").read_text()) for folder in asked.model]
    try:
        record = make_record(
            evaluation, card, job, name=asked.out.stem, command=asked.command, note=asked.note
        )
    except (NucleateError, KeyError) as error:
        sys.exit(f"{asked.evaluation}: {error}")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=110))


if __name__ == "__main__":
    main()
