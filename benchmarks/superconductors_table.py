"""The tables of docs/studies/superconductors.md, from the record of the study: between the marks in the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "studies" / "superconductors.md"


def write_tables(record: dict[str, Any]) -> None:
    """Put the tables into the page, where it has their marks."""
    text = PAGE.read_text()
    text = _between(text, "ways", ways(record["ways"]))
    text = _between(text, "relaxed", relaxed(record["ways"]))
    if "before" in record:
        text = _between(text, "before", before(record))
    if "extrapolation" in record:
        text = _between(text, "predicted", predicted(record["extrapolation"]["predicted"]))
    if record.get("extrapolation", {}).get("drawn"):
        text = _between(text, "drawn", drawn(record["extrapolation"]["drawn"]))
    PAGE.write_text(text)


def _between(text: str, name: str, table: str) -> str:
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return re.sub(f"{marks[0]}.*?{marks[1]}", f"{marks[0]}\n{table}\n{marks[1]}", text, flags=re.DOTALL)


def ways(rows: dict[str, dict[str, Any]]) -> str:
    """A row for each way."""
    lines = [
        "| drawn by | ordered | new | Tc > 5 K | > 10 K | > 20 K | metals | familiar | credible > 10 K | > 20 K | "
        "spread, K | atoms to exchange | systems |",
        "|---" * 13 + "|",
    ]
    for name, one in rows.items():
        shares = [_share(one[key]) for key in ("ordered", "unique_novel")]
        hits = [_interval(one[f"above_{kelvin}"]) for kelvin in (5, 10, 20)]
        more = [_share(one[key]) for key in ("metals", "familiar")]
        more += [_interval(one[f"credible_{kelvin}"]) for kelvin in (10, 20)]
        ends = [
            f"{one['spread']:g}",
            f"{100 * one['exchanged']:.0f} %",
            f"{one['chemical_systems']} of {one['drawn']}",
        ]
        lines.append("| " + " | ".join([name, *shares, *hits, *more, *ends]) + " |")
    return "\n".join(lines)


def relaxed(rows: dict[str, dict[str, Any]]) -> str:
    """A row for each way whose draws were relaxed."""
    keys = ("stable", "sun", "sun_0", "sun_10", "credible_10", "compounds_10")
    lines = [
        "| drawn by | relaxed | at most 0.1 eV/atom above the hull | and new | new, on the hull | "
        "new, stable, > 10 K | credible > 10 K | and no element |",
        "|---" * 8 + "|",
    ]
    for name, one in rows.items():
        if found := one.get("relaxed"):
            shares = [_interval(found[key]) if key in found else "-" for key in keys]
            lines.append("| " + " | ".join([name, str(found["relaxed"]), *shares]) + " |")
    return "\n".join(lines)


def before(record: dict[str, Any]) -> str:
    """Ways with a pull: drawn and judged by predictors that know no insulators, judged again, and drawn again."""
    lines = [
        "| drawn by | predictors without insulators: Tc > 10 K | credible | the same draws, judged with insulators: "
        "> 10 K | credible | drawn and judged with insulators: > 10 K | credible | metals |",
        "|---" * 8 + "|",
    ]
    for name, again in record["before"].items():
        then, now = record["then"][name], record["ways"][name]
        shares = [_interval(one[key]) for one in (then, again, now) for key in ("above_10", "credible_10")]
        lines.append("| " + " | ".join([name, *shares, _share(now["metals"])]) + " |")
    return "\n".join(lines)


def predicted(rows: list[dict[str, Any]]) -> str:
    """A row for each range of true Tc."""
    lines = [
        "| true Tc, K | crystals | median prediction, K | of the ridge, K | MAE, K | inside 90 % intervals | "
        "predicted ≥ 7 K |",
        "|---" * 7 + "|",
    ]
    for one in rows:
        cells = [
            f"{one['true'][0]} to {one['true'][1]}", str(one["crystals"]), f"{one['median']:g}",
            f"{one['ridge_median']:g}", f"{one['mae']:g}", _interval(one["inside"]), _interval(one["noticed"]),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def drawn(rows: list[dict[str, Any]]) -> str:
    """A row for each Tc that was asked for."""
    lines = [
        "| asked, K | draws | Tc > 5 K | > 10 K | > 20 K | credible > 10 K | with hydrogen | median, K |",
        "|---" * 8 + "|",
    ]
    for one in rows:
        hits = [_interval(one[f"above_{kelvin}"]) for kelvin in (5, 10, 20)]
        more = [_interval(one["credible_10"]), _share(one["hydrogen"])]
        lines.append(
            "| "
            + " | ".join([f"{one['asked']:g}", str(one["drawn"]), *hits, *more, f"{one['median']:g}"])
            + " |"
        )
    return "\n".join(lines)


def _share(one: dict[str, Any]) -> str:
    return f"{100 * one['value']:.0f} %"


def _interval(one: dict[str, Any]) -> str:
    value, low, high = (100 * one[key] for key in ("value", "low", "high"))
    return f"{value:.0f} % ({low:.0f} to {high:.0f})"
