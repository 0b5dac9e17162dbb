"""The rows of a record of families as texts, for the terminal, a file and the page of results."""

from __future__ import annotations

from typing import Any

CSP = {"match_rate": "MR@1 %", "rmse": "RMSE"}
GENERATED = {
    "structure": "valid structure %",
    "composition": "valid composition %",
    "cov_recall": "COV-R %",
    "cov_precision": "COV-P %",
    "density": "density W1",
    "elements": "elements W1",
    "p1": "P1 %",
    "unique": "unique %",
    "novel": "novel %",
    "unique_novel": "U.N. %",
}
STABLE = {"sun": "S.U.N. %"}
DISTANCES = ("rmse", "density", "elements")
"""Numbers that are no shares."""
PLAIN = ("family", "parameters", "predicted", "predicted/s", *CSP.values(), "made", "made/s", "answered %",
         *GENERATED.values(), *STABLE.values())  # fmt: skip


def table_rows(families: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """One row for each family, with the columns of PLAIN. `families`: the record of one data set."""
    return [_row(row) for row in families.values()]


def _row(row: dict[str, Any]) -> dict[str, str]:
    csp, made, sun = (row.get(task, {}) for task in ("csp", "dng", "sun"))
    cells = [row["title"], _parameters(csp, made), *_speed(csp), *_numbers(csp, CSP), *_speed(made)]
    cells += [
        f"{100 * made['answered']:.1f}" if made else "-",
        *_numbers(made, GENERATED),
        *_numbers(sun, STABLE),
    ]
    return dict(zip(PLAIN, cells, strict=True))


def _parameters(*tasks: dict[str, Any]) -> str:
    """Millions, of each model."""
    counts = dict.fromkeys(task["models"][0]["parameters"] for task in tasks if task)
    return " + ".join(f"{count / 1e6:.2f} M" if count else "0" for count in counts) or "-"


def _speed(task: dict[str, Any]) -> list[str]:
    if not task:
        return ["-", "-"]
    mean = sum(one["crystals"] + one["failures"] for one in task["spent"]) / len(task["spent"])
    return [f"{mean:.0f}", f"{task['per_second']:.3g}"]


def _numbers(task: dict[str, Any], names: dict[str, str]) -> list[str]:
    return [number(task.get("numbers", {}).get(name), name in DISTANCES) for name in names]


def number(found: dict[str, Any] | None, distance: bool) -> str:
    """A share in per cent, or a distance, with its error where there are several seeds."""
    if found is None or found["value"] is None:
        return "-"
    scale, digits = (1, 3) if distance else (100, 1)
    error = f" ± {scale * found['error']:.{digits}f}" if "error" in found else ""
    return f"{scale * found['value']:.{digits}f}{error}"
