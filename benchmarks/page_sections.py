"""The parts of docs/results.md that are no single run: samplers against cost, ablations, speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml


def sweeps(results: Path) -> str:
    """Match rate against NFE, a table and a figure for each sweep."""
    parts = []
    for path in sorted((results / "sweeps").glob("*.yaml")):
        found = yaml.safe_load(path.read_text())
        costs = sorted({point["nfe"] for point in found["points"]})
        lines = [
            f"### {found['model']}, {found['crystals']} crystals of {found['data']} {found['split']}, tuned on\n",
            "| sampler | " + " | ".join(f"NFE {cost}" for cost in costs) + " |",
            "|---" * (len(costs) + 1) + "|",
        ]
        for name in dict.fromkeys(point["sampler"] for point in found["points"]):
            mine = {point["nfe"]: point for point in found["points"] if point["sampler"] == name}
            lines.append(f"| {name} | " + " | ".join(_point(mine.get(cost)) for cost in costs) + " |")
        lines += [
            f"\n![match rate against NFE](../images/sweep-{found['name']}.png)\n",
            _command(found["command"]),
        ]
        parts.append("\n".join(lines))
    head = (
        "## Match rate against NFE\n\nMR@1 % (95 % interval) / RMSE under the `geometry` protocol. These rates chose "
        "the samplers.\n"
    )
    return "\n".join([head, *parts]) if parts else ""


def _point(point: dict[str, Any] | None) -> str:
    if point is None:
        return "-"
    rate, rmse = point["match_rate@1"], point["rmse@1"]["value"]
    value, low, high = (f"{100 * rate[key]:.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high}) / {'-' if rmse is None else f'{rmse:.3f}'}"


def ablations(results: Path) -> str:
    """The last match rate of each variant, mean and standard error over seeds."""
    parts = []
    for path in sorted((results / "ablations").glob("*.yaml")):
        found = yaml.safe_load(path.read_text())
        lines = [
            f"## {found['title']}\n",
            f"After {found['source']}. Match rate of one sample under the `{found['protocol']}` protocol on "
            f"{found['crystals']} validation crystals (tuned on), NFE {found['nfe']}, on {found['hardware']}."
            + (f" {found['note']}" if "note" in found else "")
            + "\n",
            "| variant | step | match rate, % | standard error | seeds |\n|---|---|---|---|---|",
        ]
        for name, one in variants_of(found).items():
            if one["curve"]:
                last = one["curve"][-1]
                error = "-" if last["standard_error"] is None else f"{100 * last['standard_error']:.1f}"
                lines.append(
                    f"| {name} | {last['step']} | {100 * last['match_rate']:.1f} | {error} | {last['seeds']} |"
                )
        lines += ["\n![ablations](../images/ablations.png)\n", _command(found["command"])]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def variants_of(record: dict[str, Any]) -> dict[str, Any]:
    """The variants of a record of ablations; older records call them cells."""
    return record["variants"] if "variants" in record else record["cells"]


def speed(results: Path) -> str:
    """Network and evaluation against plain implementations."""
    parts = ["## Speed\n"]
    parts += [_network(json.loads(path.read_text())) for path in sorted(results.glob("network_speed*.json"))]
    for path in sorted(results.glob("evaluation-*.json")):
        found = json.loads(path.read_text())
        parts.append(
            f"Evaluation of {found['pairs']} pairs of {Path(found['reference']).name} ({found['predictions']}), "
            f"{found['workers']} workers against a plain single-process loop, {found['clock']} time: "
            f"{found['plain_ms_per_pair']:.1f} against {found['ours_ms_per_pair']:.1f} ms a pair, "
            f"**{found['ratio']:.2f}x**, {found['differing_verdicts']} differing verdicts.\n"
        )
    for name in ("novelty", "novelty-polymorphs"):
        if (results / f"{name}.json").exists():
            parts.append(_novelty(json.loads((results / f"{name}.json").read_text())))
    return "\n".join(parts) if len(parts) > 1 else ""


REDUCED = ("nothing reduced before", "references reduced before")


def _novelty(found: dict[str, Any]) -> str:
    ratio, differing = found["ratio"], sum(found["differing_verdicts"].values())
    pairs, within = sum(found["pairs"].values()), [ratio[f"by formula, {how}"] for how in REDUCED]
    return (
        f"Uniqueness and novelty of {found['samples']:,} made-up crystals against {found['reference_crystals']:,} of "
        f"{Path(found['reference']).name}, {pairs:,} pairs of one formula (largest formula: "
        f"{found['largest_formula_group']} crystals): **{within[0]:.1f}x** a plain loop "
        f"within formulas, {within[1]:.1f}x with the reference reduced before, "
        f"{ratio['all pairs (extrapolated)']:,.0f}x (extrapolated) all pairs; {differing} differing verdicts; "
        f"{found['clock']} time.\n\n" + _command(found["command"])
    )


def _network(found: dict[str, Any]) -> str:
    lines = [
        f"CSPNet of paper size, dense (ours) against scatter with the concatenated edge input, on {found['hardware']}, "
        f"{found['threads']} threads, {found['data']} sizes; ratio of medians of runs taken in turn:\n",
        "| precision | work | wall time | processor time |\n|---|---|---|---|",
    ]
    for precision in ("float32", "bf16"):
        if not isinstance(found.get(precision), dict):
            lines.append(f"| {precision} | {found.get(precision, 'not measured')} | | |")
            continue
        for work in ("training", "sampling"):
            clocks = found[precision][work]
            for pair, ratio in clocks["wall"]["ratio_of_medians"].items():
                processor = clocks["processor"]["ratio_of_medians"][pair]
                lines.append(f"| {precision} | {work}, {pair} | {ratio:.2f}x | {processor:.2f}x |")
    if found.get("native_bf16"):
        for work in ("training", "sampling"):
            gain = [
                found["float32"][work][clock]["median_seconds"]["dense"]
                / found["bf16"][work][clock]["median_seconds"]["dense"]
                for clock in ("wall", "processor")
            ]
            lines.append(f"| bf16 over float32 | {work}, ours | {gain[0]:.2f}x | {gain[1]:.2f}x |")
    return "\n".join(lines) + "\n\n" + _command(found["command"])


def recipe_speed(results: Path) -> str:
    """Training and sampling of every recipe, with our network and with a scatter one."""
    found = [_recipes(json.loads(path.read_text())) for path in sorted(results.glob("recipe_speed*.json"))]
    return "\n\n".join(["## Speed of the recipes\n", *found]) if found else ""


def _recipes(found: dict[str, Any]) -> str:
    lines = [
        f"Crystals/s on {found['hardware']}, {found['threads']} threads, {found['precision']}, {found['data']}, wall "
        f"time, median of {found['repeats']} runs in turn. *Ratio*: to the same model with a plain scatter network "
        "of the same layout and weights on the same batches; the torus transformer has none. *Calls*: network "
        "calls of one sampler step. Sampling is timed at a few network evaluations of a few crystals and scaled.\n",
        "| recipe | training | ratio | sampling, NFE 100 | ratio | calls, ours | published | default NFE | "
        "s for 1,000 new crystals |\n|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_recipe(name, one) for name, one in found["recipes"].items()]
    return "\n".join(lines) + "\n\n" + _command(found["command"])


def _recipe(name: str, one: dict[str, Any]) -> str:
    """A row of the table; the first ratio is that of the only other network."""
    scaled, calls = one["scaled"], one["calls_per_step"]
    ratios = {}
    for work in ("training", "sampling"):
        known = list(one[work]["wall"]["ratio_of_medians"].values())
        ratios[work] = f"{known[0]:.2f}x" if known else "-"
    invented = scaled["wall"].get("seconds_for_1000", {}).get("dense")
    cells = [
        name, f"{one['training']['wall']['crystals_per_second']['dense']:g}", ratios["training"],
        f"{scaled['wall']['crystals_per_second']['dense']:g}", ratios["sampling"], f"{calls['ours']:g}",
        calls["published"], str(scaled["default_nfe"]), "-" if invented is None else f"{invented:,.0f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _command(text: str) -> str:
    return f"```\n{text}\n```\n"
