"""The cross benchmark in docs/results.md: tables from benchmarks/results/cross/*.json, figures by `cross_figure.py`.

The records are what `nucleate benchmark cross --report` writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
IMAGES = Path(__file__).parents[1] / "docs" / "images"
NAMES = {
    "kinetic": "kinetic Langevin (KLDM)",
    "wrapped-normal": "wrapped-normal VE (DiffCSP)",
    "geodesic": "geodesic flow (FlowMM)",
    "interpolant": "interpolant with noise (OMatG)",
    "vp-x0": "VP, x0 (KLDM)",
    "ddpm-epsilon": "DDPM, matrix, noise (DiffCSP)",
    "informed-flow": "informed flow (FlowMM)",
}
NOTES = {
    "perov_5": """Along the plain flow no process stands out by its match rate; RMSE separates them. Second-order steps
converge at NFE 20 (the kinetic process at 10), where stochastic samplers need 50 to 100. Annealing with slope 5 lowers
the RMSE of every process, 1.7-fold (wrapped normal) to 3-fold (interpolant), and costs 3 to 8 points of match rate at
one sample, as it reduces variety; all pairs find every structure in 20 samples. Wrapped-normal coordinates do badly
beside the informed flow (24 %) because they have not been learned yet: their loss is the last to fall, and at equal
weights the flow's larger gradients slow it down (validation loss 0.541; beside VP 0.468). With a tenth of the lattice's
weight it is 0.469 after the same epochs, and the match rate is like the others' (a separate table on this page); with
equal weights and 32 epochs it is 0.488 and 51.0 % (one seed, `--only wrapped-normal/informed-flow --epochs 32
--seeds 1`).
""",
    "mp_20": """The order is the published one as far as 300 crystals and one seed can tell: DiffCSP last, KLDM first,
FlowMM and OMatG between them and indistinguishable (published on the test split: 51.5, 61.4 and 63.8 under the `smact`
protocol, KLDM 65.8 under `geometry`). All are far below the published rates because the budget is small: 14 epochs, 1
million parameters, 15 minutes of one core. Where the noise of a matrix in Å is predicted, Heun's first steps go wrong
at NFE 20.
""",
    "perov_5-tenth": """The pair that does badly at equal weights, with `loss_weights.lattice = 0.1` and nothing else
changed.
""",
    "mp_20-recipes": """The two recipes with a lattice of their own, at the budget of the pairs above.
""",
    "perov_5-recipes": """Each recipe with the losses, lattice and sampler of its paper, on the same small network and
budget; the sampler is scaled to each NFE. EquiCSP and trigonometric OMatG use their published samplers here; their
small recipes have since adopted what this table shows.
""",
}
HEAD = """## Every process with every lattice

One network, one data set, one budget, one judge: `nucleate benchmark cross`. Only the process of the coordinates
(rows) and that of the lattice (columns) change. Validation split (tuned on: it also chose samplers and the
defaults of recipes), `geometry` protocol; ± is the standard error over seeds, brackets the 95 % interval over
crystals where there is one seed. cRMSE counts a miss as 0.5, the matcher's tolerance.
**A match rate alone misleads here**: samplers that stop while the structures are still blurred match *more*
often, since the matcher is lenient, and match badly; read it with the RMSE.
"""


def cross(results: Path) -> str:
    """The text of the section; empty without records."""
    parts = [
        _record(json.loads(path.read_text()), path.stem)
        for path in sorted((results / "cross").glob("*.json"))
    ]
    return "\n".join([HEAD, *parts]) if parts else ""


def _record(found: dict[str, Any], name: str) -> str:
    parts = []
    for data, entries in found["results"].items():
        pairs = {entry: values for entry, values in entries.items() if entry.split("/")[0] in NAMES}
        parts.append(
            f"### {data}: {found['crystals']} crystals, {_budget(found)}, {found['seeds']} "
            f"{'seed' if found['seeds'] == 1 else 'seeds'}\n"
        )
        if _is_grid(list(pairs)):
            parts += [_grid(pairs, found), _top(pairs, found)]
        else:
            parts.append(_list(entries))
        parts += [_samplers(entries), _defaults(entries), NOTES.get(name, "")]
        if (IMAGES / f"cross-{name}.png").exists():
            parts.append(f"![match rate and cRMSE against NFE](../images/cross-{name}.png)\n")
    return "\n".join([*filter(None, parts), f"```\n{found['command']}\n```\n\n{found['hardware']}.\n"])


def _is_grid(names: list[str]) -> bool:
    """Whether every process of the coordinates is paired with every lattice."""
    rows, columns = ({name.split("/")[i] for name in names} for i in (0, 1))
    return len(columns) > 1 and len(names) == len(rows) * len(columns)


def _budget(found: dict[str, Any]) -> str:
    return f"{found['epochs']} epochs" if found["epochs"] else f"{found['minutes']:g} min of training"


def _grid(entries: dict[str, Any], found: dict[str, Any]) -> str:
    """MR@1 and RMSE along the probability flow and with the best sampler that all seeds have."""
    parts = []
    for title, choose in (
        ("along the probability flow (first order)", _of("ODE")),
        ("with the sampler of the lowest cRMSE (named)", _least),
    ):
        parts.append(f"MR@1 % / RMSE {title}, at the largest NFE:\n\n" + _table(entries, choose))
    return "\n".join(parts)


def _table(entries: dict[str, Any], choose) -> str:
    rows = list(dict.fromkeys(name.split("/")[0] for name in entries))
    columns = list(dict.fromkeys(name.split("/")[1] for name in entries))
    lines = ["| | " + " | ".join(NAMES[c] for c in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [_cell(choose(entries.get(f"{row}/{column}"))) for column in columns]
        lines.append(f"| {NAMES[row]} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _singles(entry: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Points measured with every seed, at the largest NFE."""
    rows = [row for row in (entry or {}).get("points", []) if row["samples"] == 1]
    if not rows:
        return []
    most = max(row["seeds"] for row in rows)
    rows = [row for row in rows if row["seeds"] == most]
    largest = max(row["nfe"] for row in rows)
    return [row for row in rows if row["nfe"] >= largest - 1]


def _of(sampler: str):
    return lambda entry: next(
        ({**row, "sampler": ""} for row in _singles(entry) if row["sampler"] == sampler), None
    )


def _least(entry: dict[str, Any] | None) -> dict[str, Any] | None:
    return min(_singles(entry), key=crmse, default=None)


def crmse(row: dict[str, Any]) -> float:
    rate = row["match_rate@1"]
    return 0.5 if not rate else rate * row["rmse@1"] + (1 - rate) * 0.5


def _cell(row: dict[str, Any] | None, k: int = 1) -> str:
    if row is None or row.get(f"match_rate@{k}") is None:
        return "-"
    rate, error = row[f"match_rate@{k}"], row.get(f"match_rate@{k} error")
    interval = row.get(f"match_rate@{k} interval")
    text = f"{100 * rate:.1f}"
    if error is not None:
        text += f" ± {100 * error:.1f}"
    elif interval:
        text += f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"
    rmse = row[f"rmse@{k}"]
    text += " / -" if rmse is None else f" / {rmse:.3f}"
    return f"{text} ({row['sampler']})" if row["sampler"] else text


def _top(entries: dict[str, Any], found: dict[str, Any]) -> str:
    """The best of 20 samples."""

    def choose(entry: dict[str, Any] | None) -> dict[str, Any] | None:
        rows = [row for row in (entry or {}).get("points", []) if row["samples"] == 20]
        return rows[0] if rows else None

    if not found["top_crystals"]:
        return ""
    rows = list(dict.fromkeys(name.split("/")[0] for name in entries))
    columns = list(dict.fromkeys(name.split("/")[1] for name in entries))
    nfe = next((row["nfe"] for e in entries.values() if (row := choose(e))), 0)
    lines = [
        f"MR@20 % / RMSE@20 of {found['top_crystals']} crystals at NFE {nfe}:\n",
        "| | " + " | ".join(NAMES[c] for c in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for row in rows:
        cells = [_cell(choose(entries.get(f"{row}/{column}")), 20) for column in columns]
        lines.append(f"| {NAMES[row]} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _list(entries: dict[str, Any]) -> str:
    """Entries that form no grid, each with its best sampler."""
    lines = [
        "| model | MR@1 % / RMSE | NFE | cRMSE | MR@20 % / RMSE@20 | validation loss | steps |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, entry in entries.items():
        row = min((r for r in entry["points"] if r["samples"] == 1), key=crmse)
        many = next((r for r in entry["points"] if r["samples"] > 1), None)
        training = entry["training"][0]
        title = ", ".join(NAMES.get(part, part) for part in name.split("/"))
        lines.append(
            f"| {title} | {_cell(row)} | {row['nfe']} | {crmse(row):.3f} | {_cell(many, 20)} "
            f"| {training['val/total']:.3f} | {training['step']:,} |"
        )
    return "\n".join(lines) + "\n"


def _samplers(entries: dict[str, Any]) -> str:
    """Match rate and RMSE of every sampler at every cost, and the default that follows."""
    lines = []
    for name, entry in entries.items():
        rows = [row for row in entry["points"] if row["samples"] == 1]
        costs = sorted({row["nfe"] + row["nfe"] % 2 for row in rows})
        if len(costs) < 2:
            continue
        if not lines:
            lines = [
                "Samplers, MR@1 % / RMSE by NFE (Heun takes one evaluation fewer):\n",
                "| model | sampler | " + " | ".join(map(str, costs)) + " |",
                "|---" * (len(costs) + 2) + "|",
            ]
        for sampler in dict.fromkeys(row["sampler"] for row in rows):
            mine = {
                row["nfe"] + row["nfe"] % 2: {**row, "sampler": ""}
                for row in rows
                if row["sampler"] == sampler
            }
            cells = " | ".join(_cell(mine.get(cost)) for cost in costs)
            lines.append(f"| {name} | {sampler} | {cells} |")
    return "\n".join(lines) + "\n" if lines else ""


def _defaults(entries: dict[str, Any]) -> str:
    """The cheapest setting that is within a point of the best one, for each model whose samplers were compared."""
    lines = [
        "The cheapest setting within one point of the match rate and 0.01 of the cRMSE of the best one:\n",
        "| model | cheapest | NFE | MR@1 % / RMSE | best (least cRMSE) | NFE | MR@1 % / RMSE |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, entry in entries.items():
        if len({row["nfe"] for row in entry["points"] if row["samples"] == 1}) > 2:
            cells = [
                f"{one['sampler']} | {one['nfe']} | {100 * one['match_rate@1']:.1f} / {one['rmse@1']:.3f}"
                for one in (entry["cheapest"], entry["best"])
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""
