"""The part of docs/results.md on new materials: our records beside the published rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

PROXIES = {
    "validity.structure_classic": "valid geometry %",
    "validity.composition": "valid composition %",
    "coverage.cov_recall": "COV-R %",
    "coverage.cov_precision": "COV-P %",
    "distributions.density_w1": "density W1",
    "distributions.n_elements_w1": "elements W1",
    "uniqueness.unique": "unique %",
    "novelty.novel": "novel %",
}
STABILITY = {
    "stability.rmsd_to_relaxed": "RMSD, Å",
    "stability.energy_above_hull": "E above hull, eV/atom",
    "stability.energy_above_hull_median": "median",
    "stability.energy_above_hull_lowest": "lowest",
    "stability.far_below_hull": "below -0.1 %",
    "stability.stable_0.1": "stable (0.1) %",
    "stability.stable_0": "stable (0) %",
    "joint.msun": "S.U.N. at 0.1 %",
    "joint.sun": "S.U.N. at 0 %",
}
# DNG tables of KLDM (arXiv 2507.03602), which also quote the other rows.
PUBLISHED_PROXIES = {
    "mp_20": {
        "CDVAE": "100 86.70 99.15 99.49 0.6875 1.432",
        "DiffCSP": "100 83.25 99.71 99.76 0.3502 0.3398",
        "EquiCSP": "99.97 82.20 99.65 99.68 0.1300 0.3978",
        "FlowMM": "96.85 83.19 99.49 99.58 0.2390 0.0830",
        "KLDM": "99.88 84.86 98.94 99.50 0.4658 0.1280",
    },
    "perov_5": {
        "CDVAE": "100 98.59 99.45 98.46 0.1258 0.0628",
        "DiffCSP": "100 98.85 99.74 98.27 0.1110 0.0128",
        "EquiCSP": "100 98.60 99.60 98.76 0.1110 0.0503",
        "KLDM-ε": "99.97 98.83 99.60 98.61 0.2970 0.0478",
    },
}
DATA = {"mp_20": "MP-20", "perov_5": "Perov-5"}
PUBLISHED_STABILITY = {
    "MatterGen-MP": ".147 .201 - - - 47.05 - 25.76 -",
    "DiffCSP": ".413 .189 - - - 41.25 - 20.13 -",
    "KLDM one-hot": ".371 .269 - - - 38.62 - 16.67 -",
    "KLDM analog bits": ".296 .187 - - - 49.84 - 17.91 -",
    "KLDM masked": ".283 .155 - - - 59.21 - 18.52 -",
}
HEAD = """## New materials

Generated from nothing and judged with `nucleate evaluate dng`; shares are of all generated crystals, with 95 %
intervals. Proxies are against the validation split (tuned on: it also chose the checkpoint, the sampler and the
defaults); published rows are of 10,000 crystals against the test split. COV is in these tables only where it was
computed as published, on CDVAE's scale against all crystals of a split; other values are in a separate table.
Composition: SMACT, oxidation states of 2014, alloys valid. Our stability uses CHGNet: relaxed with it, against a hull
of its own energies of MP-20. Published stability uses MatterSim-v1 against Alex-MP with energies corrected to DFT: not
the same measure. *Below -0.1*: the share of structures that far below the hull, more often an error of the potential
than a discovery; they count in the mean but not as stable. Where that column is empty, the record is older than this
rule: its mean and its stable and S.U.N. shares may all count them.
"""


def new_materials(results: Path) -> str:
    """Both tables, ours first, and how each of ours was made."""
    records = [yaml.safe_load(path.read_text()) for path in sorted((results / "dng").glob("*.yaml"))]
    if not records:
        return ""
    parts = [HEAD]
    for data, title in DATA.items():
        mine = [record for record in records if record["model"]["data"] == data]
        if mine:
            published = PUBLISHED_PROXIES[data]
            parts += [f"### On {title}\n", _table(list(map(_comparable, mine)), PROXIES, published, 2)]
            parts.append(_other_coverage([one for one in mine if one != _comparable(one)]))
        if any(key in record["numbers"] for record in mine for key in STABILITY):
            parts.append(_table(mine, STABILITY, PUBLISHED_STABILITY, 3))
    parts.append(_coverage_of_real(results / "coverage-of-real.json"))
    return "\n".join([*filter(None, parts), *map(_details, records)])


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    """The record, without COV where that was not computed as published."""
    how = record.get("coverage")
    if how is None or (how["scale"] == "cdvae" and how["references"] == how["of"]):
        return record
    numbers = {key: one for key, one in record["numbers"].items() if not key.startswith("coverage.")}
    return record | {"numbers": numbers}


def _other_coverage(records: list[dict[str, Any]]) -> str:
    """COV on other scales and counts, not comparable with published numbers."""
    if not records:
        return ""
    lines = [
        "COV with composition features on our own scale or against a part of the split: **not comparable** with "
        "published numbers, only with each other at equal counts.\n",
        "| run | scale | samples | reference crystals | COV-R % | COV-P % |",
        "|---|---|---|---|---|---|",
    ]
    for record in records:
        how, numbers = record["coverage"], record["numbers"]
        cells = [
            record["name"], how["scale"], f"{how['samples']:,}", f"{how['references']:,} of {how['of']:,}",
            *(_number(numbers.get(f"coverage.{key}"), 1) for key in ("cov_recall", "cov_precision")),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _coverage_of_real(path: Path) -> str:
    if not path.exists():
        return ""
    found = json.loads(path.read_text())
    lines = [
        "### COV of real crystals\n",
        "Random crystals of the training split in place of samples, against the validation split. Only compositions "
        "are compared, so COV with structures is at most this. *Fitted*: features scaled on the training split.\n",
        "| data | scale | samples | reference crystals | COV-R at most % | COV-P at most % |",
        "|---|---|---|---|---|---|",
    ]
    for data, one in found["data"].items():
        for row in one["rows"]:
            shares = (_number(row[key] | {"share": True}, 1) for key in ("recall", "precision"))
            counts = f"{row['samples']:,} | {row['references']:,} of {row['of']:,}"
            lines.append(f"| {DATA[data]} | {row['scale']} | {counts} | " + " | ".join(shares) + " |")
    return "\n".join(lines) + f"\n\n```\n{found['command']}\n```\n"


def _table(
    records: list[dict[str, Any]], columns: dict[str, str], published: dict[str, str], digits: int
) -> str:
    lines = ["| run | crystals | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 2) + "|"]
    for record in records:
        if not any(key in record["numbers"] for key in columns):
            continue
        cells = [_number(record["numbers"].get(key), digits) for key in columns]
        count = f"{next(iter(record['funnel'].values())):,}"
        lines.append("| " + " | ".join([record["name"], count, *cells]) + " |")
    for name, text in published.items():
        cells = text.split()
        cells += ["-"] * (len(columns) - len(cells))
        lines.append("| " + " | ".join([f"{name} (published)", "10,000", *cells]) + " |")
    return "\n".join(lines) + "\n"


def _number(found: dict[str, Any] | None, digits: int) -> str:
    if found is None or found["value"] is None:
        return "-"
    scale, places = (100, 1) if found["share"] else (1, digits)
    if found["low"] is None:
        return f"{scale * found['value']:.{places}f}"
    value, low, high = (f"{scale * found[key]:.{places}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _details(record: dict[str, Any]) -> str:
    model, sampling = record["model"], record["sampling"]
    funnel = ", ".join(f"{count} {title}" for title, count in record["funnel"].items())
    lines = [f"### {record['name']}\n"]
    if "note" in record:
        lines.append(f"{record['note']}\n")
    lines += [
        *map(_model, model.get("parts", [model])),
        f"- sampling: {_sampling(sampling)}",
        f"- funnel: {funnel}",
        f"- protocol {record['protocol']}, {record['date']}",
        f"\n```\n{record['command']}\n```\n",
    ]
    return "\n".join(lines)


def _model(model: dict[str, Any]) -> str:
    return (
        f"- model: recipe {model['recipe']}, {model['parameters']:,} parameters; {model['steps']:,} steps, "
        f"{model['epochs']:g} epochs, {model['minutes']:g} min on {model['hardware']}"
    )


def _sampling(sampling: dict[str, Any]) -> str:
    """How crystals were drawn: by a sampler, or by the settings of another generator, as they stand."""
    if "method" not in sampling:
        kept = {key: one for key, one in sampling.items() if key != "crystals" and one not in ([], "")}
        return ", ".join(f"{key} {one}" for key, one in kept.items())
    evaluations = sampling["steps"] * (2 if sampling["method"] in ("pc", "heun") else 1)
    return (
        f"{sampling['method']}, NFE {evaluations}, seed {sampling['seed']}, "
        f"temperature {sampling.get('temperature', 1.0):g}"
    )
