"""A report on a predictor as text: its scores and the ridge's, side by side."""

from __future__ import annotations

from typing import Any

from nucleate.metrics.intervals import Estimate
from nucleate.properties.evaluate import PropertyReport
from nucleate.report.number_texts import fixed_text

ROWS = (("mae", "MAE", 1, 4), ("r2", "R2", 1, 3), ("spearman", "Spearman", 1, 3))


def summary(report: PropertyReport) -> str:
    """Two columns of numbers with 95 % intervals, and what the top decile holds."""
    numbers = report.numbers
    through = "" if numbers["through"] == "direct" else f", through {numbers['through']}"
    lines = [
        f"{numbers['target']}{through} of {numbers['crystals']} crystals of {numbers['data']} ({numbers['split']})",
        f"  {'':<22} {'model':<26} composition-only ridge",
    ]
    both = numbers["model"], numbers["ridge"]
    for key, name, factor, digits in ROWS:
        lines.append(_line(name, [fixed_text(Estimate(**one[key]), factor, digits) for one in both]))
    covered = [fixed_text(Estimate(**one["coverage"]), 100, 1) + " %" for one in both]
    lines.append(_line(f"in {numbers['confidence']:.0%} intervals", covered))
    lines.append(_line("mean length", [f"{one['width']:.4g}" for one in both]))
    lines += ["", "of the tenth with the highest predictions"]
    for own, ridge in zip(both[0]["top_decile"], both[1]["top_decile"], strict=True):
        lines.append(_line(own["event"], [_event(own), _event(ridge)]))
        lines.append(f"  {'':<22} (of all crystals {100 * own['base']:.1f} %)")
    if by_kind := numbers.get("by_kind"):
        lines += ["", "covered by the intervals, by chemistry"]
        lines += [_line(kind, [_covered(one), f"MAE {_number(one['mae'])}"]) for kind, one in by_kind.items()]
    far = numbers["far"]
    if far["crystals"]:
        lines += ["", f"{far['crystals']} are unlike the training crystals: MAE {_number(far['mae'])}, of the others "
                      f"{_number(far['mae_of_others'])}"]  # fmt: skip
    return "\n".join(lines)


def _line(name: str, texts: list[str]) -> str:
    return f"  {name:<22} {texts[0]:<26} {texts[1]}"


def _event(one: dict[str, Any]) -> str:
    enrichment = "" if one["enrichment"] is None else f", {one['enrichment']:.1f} times"
    return f"{100 * one['top']['value']:.1f} %{enrichment}"


def _covered(one: dict[str, Any]) -> str:
    return f"{fixed_text(Estimate(**one['coverage']), 100, 1)} % of {one['crystals']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
