"""docs/results/families.md: kinds of models, from what `nucleate benchmark families --report` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

from nucleate.comparison.families.table import PLAIN, number, table_rows

HEAD = """## At one budget

`nucleate benchmark families`: about a million parameters each (the GAN 0.5 million), the same seconds of training and
of sampling, counted on the processor, the same judge. KLDM, DiffCSP and FlowMM have a model for each task and train
both for this time; FlowLLM has a third of it for its language model, a third for proposals and a third for the flow.
Preparation, such as writing all crystals as texts, is not counted, and told. Match rate of one structure for each
validation composition under the `geometry` protocol: refused or not answered is missed. Shares are of the crystals that
were made, COV and distances against the validation split (tuned on: it also chose checkpoints). *U.N.*: unique and
novel, nothing relaxed. *S.U.N.*: stable, too, at most 0.1 eV/atom above the hull of CHGNet's energies of the shipped
crystals of MP-20, relaxed with CHGNet. ± is the standard error over seeds.
**These budgets are far below what any of these models was published with**: a row says what a kind of model brings
this early, not what it can reach.
"""
PUBLISHED = {
    "LLaMA-2, course project": "93.3 96.4 91.1 94.9 3.61 1.06",
    "LLaMA-2, the paper's order": "96.4 93.3 91.1 94.9 3.61 1.06",
    "CDVAE, course project": "100 86.70 99.15 99.49 0.688 0.278",
    "CDVAE": "100 86.70 99.15 99.49 0.688 1.432",
    "FlowMM": "96.85 83.19 99.49 99.58 0.239 0.083",
}
"""Validity of geometry and of composition, COV-R, COV-P, distances of density and of the number of elements."""
TABLE = """### The course project's table, in our columns

Published on MP-20, 10,000 crystals against the test split. The course project that compared LLaMA-2, CDVAE and FlowMM
lists 96.4 as LLaMA-2's validity of composition and 93.3 as that of geometry; in the paper (arXiv 2402.04379) it is the
other way round. Its 0.278 for CDVAE's number of elements is the distance of CDVAE's energies; that of the number of
elements is 1.432 (arXiv 2110.06197). Ours are of the budget above and on other data: not comparable.
"""
COLUMNS = ("structure", "composition", "cov_recall", "cov_precision", "density", "elements")
NAMES = ("valid geometry %", "valid composition %", "COV-R %", "COV-P %", "density W1", "elements W1")
DATA = {"mp_20": "MP-20", "perov_5": "Perov-5"}


def kinds_of_models(results: Path) -> str:
    """The section; empty without records."""
    records = [json.loads(path.read_text()) for path in sorted((results / "families").glob("*.json"))]
    if not records:
        return ""
    return "\n".join([HEAD, *map(_record, records), _costs(records), _course(records), *_language(results)])


def _where(record: dict[str, Any], data: str) -> str:
    """The data, and whether models multiplied in bfloat16: a minute is then two to three times as many steps."""
    return DATA.get(data, data) + (" in bfloat16" if "native bfloat16" in record["hardware"] else "")


def _record(record: dict[str, Any]) -> str:
    parts = []
    for data, rows in record["results"].items():
        count = f"{record['seeds']} seed" + ("s" if record["seeds"] > 1 else "")
        how = (
            f"{record['minutes']:g} min of training, {record['seconds']:g} s of sampling for each task, {count}, "
            f"{record['crystals']} crystals and {record['compositions']} compositions at most, "
            f"{record['references'] or 'all'} reference crystals; {record['hardware']}."
        )
        if record["relaxed"]:
            how += f" S.U.N. of {record['relaxed']} at most, relaxed with CHGNet."
        note = _fewer(rows, record["seeds"]) + (f" {record['note']}" if "note" in record else "")
        parts += [f"### On {_where(record, data)}\n", f"{how}{note}\n", _table(rows), _training(rows)]
        parts += [
            f"{row['title']} failed: {text}\n" for row in rows.values() for text in row["errors"].values()
        ]
    return "\n".join([*parts, f"```\n{record['command']}\n```\n"])


def _table(rows: dict[str, dict[str, Any]]) -> str:
    cells = [list(row.values()) for row in table_rows(rows)]
    return _markdown(list(PLAIN), cells)


def _training(rows: dict[str, dict[str, Any]]) -> str:
    """What each model came to in its time, the mean of its seeds."""
    lines = []
    for row in rows.values():
        found: dict[str, list[dict[str, Any]]] = {}
        for one in (one for task in ("csp", "dng") for one in row.get(task, {}).get("models", [])):
            if one["recipe"] and one not in found.setdefault(one["recipe"], []):
                found[one["recipe"]].append(one)
        lines += [_trained(row["title"], recipe, models) for recipe, models in found.items() if models]
    return _markdown(["family", "recipe", "steps", "crystals seen", "training, s", "preparation, s"], lines)


def _trained(title: str, recipe: str, models: list[dict[str, Any]]) -> list[str]:
    steps, crystals, seconds = (
        fmean(one[name] for one in models) for name in ("steps", "crystals", "seconds")
    )
    prepared = [one["preparation"] for one in models if one["preparation"] is not None]
    preparation = f"{fmean(prepared):.0f}" if prepared else "-"
    return [title, recipe, f"{steps:,.0f}", f"{crystals:,.0f}", f"{seconds:.0f}", preparation]


def _fewer(rows: dict[str, dict[str, Any]], seeds: int) -> str:
    """Which families have fewer seeds than were asked for, a sentence."""
    counts = {row["title"]: max(len(row[task]["models"]) for task in ("csp", "dng") if task in row)
              for row in rows.values() if "csp" in row or "dng" in row}  # fmt: skip
    fewer = [f"{title} {count}" for title, count in counts.items() if count < seeds]
    return f" Fewer seeds: {', '.join(fewer)}." if fewer else ""


def _costs(records: list[dict[str, Any]]) -> str:
    """What a crystal costs, how many are worth something, and what can be asked for."""
    lines = [
        [_where(record, data), *_cost(row)]
        for record in records
        for data, rows in record["results"].items()
        for row in rows.values()
        if "dng" in row or "csp" in row
    ]
    head = "### What a crystal costs, what it is worth, and what can be asked\n\nms: of the processor, one thread.\n"
    columns = [
        "data",
        "family",
        "kind",
        "ms a crystal",
        "U.N. %",
        "S.U.N. %",
        "asked for, beside a composition",
    ]
    return f"{head}\n{_markdown(columns, lines)}"


def _cost(row: dict[str, Any]) -> list[str]:
    made = row.get("dng") or row["csp"]
    cost = f"{1000 / made['per_second']:.3g}" if made["per_second"] else "-"
    worth = row.get("dng", {}).get("numbers", {}).get("unique_novel")
    stable = row.get("sun", {}).get("numbers", {}).get("sun")
    return [row["title"], row["kind"], cost, number(worth, False), number(stable, False), row["told"]]


def _course(records: list[dict[str, Any]]) -> str:
    lines = [[name, *values.split()] for name, values in PUBLISHED.items()]
    for record in records:
        for data, rows in record["results"].items():
            for row in rows.values():
                found = row.get("dng", {}).get("numbers")
                if found:
                    cells = [number(found.get(name), name in ("density", "elements")) for name in COLUMNS]
                    lines.append([f"{row['title']}, ours, {_where(record, data)}", *cells])
    return f"{TABLE}\n{_markdown(['model', *NAMES], lines)}"


def _language(results: Path) -> list[str]:
    """What grammars cost, and which crystals come back from their texts."""
    grammars, texts = (sorted(results.glob(f"{name}-*.json")) for name in ("grammar", "cif-texts"))
    return [_grammar(json.loads(path.read_text())) for path in grammars] + [
        _texts(json.loads(path.read_text())) for path in texts
    ]


def _grammar(found: dict[str, Any]) -> str:
    lines = []
    for task, asked in (("csp", "compositions"), ("dng", "nothing given")):
        for way, title in (("grammar", "with"), ("free", "without")):
            one = found[task][way]
            share = "{:.1f} ({:.1f} to {:.1f})".format(
                *(100 * one["crystals of what was asked"][key] for key in ("value", "low", "high"))
            )
            speed = [f"{one['words a second']:,}", f"{one['crystals a second']:g}"]
            lines.append([asked, title, str(one["texts"]), share, *speed])
    kept, how = found.get("keys and values", {}).get("words a second"), ""
    if kept:
        how = f" Keys and values kept: {kept['kept']:,} words/s; made anew for each word: {kept['computed again']:,}."
    names = ["asked", "grammar", "texts", "crystals of what was asked %", "words/s", "crystals/s"]
    return "\n".join(
        [
            f"### What a grammar costs: {found['recipe']} on {DATA.get(found['data'], found['data'])}\n",
            f"{found['parameters']:,} parameters, {found['steps']:,} steps in {found['minutes']:g} min; one text for "
            f"each request, on one thread, seconds of the processor.{how}\n",
            _markdown(names, lines),
            f"```\n{found['command']}\n```\n",
        ]
    )


def _texts(found: dict[str, Any]) -> str:
    every = "" if found["every"] == 1 else f", every {found['every']}th"
    where = f"; one thread, {found['hardware']}" if "hardware" in found else ""
    names = (
        "crystals",
        "come back",
        "of grammar",
        "words a text",
        "longest text",
        "moved at most, Å",
        "ms a crystal",
    )
    lines = [[split, *(f"{one[name]:,}" for name in names)] for split, one in found["splits"].items()]
    return "\n".join(
        [
            f"### Crystals of {DATA.get(found['data'], found['data'])} as CIF texts and back{every}\n",
            "A crystal comes back with its space group, its Wyckoff letters and their elements; *of grammar*: of how "
            f"many the grammar was asked, too, whether it allows the text{where}.\n",
            _markdown(["split", *names], lines),
            f"```\n{found['command']}\n```\n",
        ]
    )


def _markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"
