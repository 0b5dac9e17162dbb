"""The structures of a report on its page: the best as pictures, and the table."""

from __future__ import annotations

from html import escape
from typing import Any

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.dng.report import DngReport
from nucleate.metrics.dng.symmetry import space_group
from nucleate.report.dng_table import rows as rows_of
from nucleate.report.html.gallery import DRAWN, SHOWN, formula_html, picture

ROWS = 200
SYMPREC = 0.1
"""Å, of the space groups below the pictures."""
FIRST_COLUMNS = (
    "id", "formula", "n_atoms", "space_group", "crystal_system", "energy_above_hull", "unique", "novel", "matched_id",
)  # fmt: skip
TAGS = ("valid", "stable", "unique", "novel")
"""Tests of the funnel shown below a picture."""


def shown(report: DngReport, order: list[int]) -> list[tuple[int, Cell]]:
    """(index, crystal) of the best samples that can be drawn, relaxed where possible."""
    found = []
    for i in order:
        cell = report.relaxed[i] if report.relaxed[i] is not None else report.samples.cells[i]
        if cell is not None and defect(cell, DRAWN) is None:
            found.append((i, cell))
        if len(found) == SHOWN:
            break
    return found


def gallery(report: DngReport, shown: list[tuple[int, Cell]]) -> str:
    """The crystals from `shown` as cards, each with its picture, facts and tests passed."""
    if not shown:
        return '<p class="soft">No sample can be drawn.</p>'
    rows = rows_of(report)
    cards = []
    for number, (i, cell) in enumerate(shown):
        row = rows[i]
        # of the crystal shown: relaxation may have changed it from the table's
        symbol = space_group(cell, SYMPREC) if "symmetry" in report.families else None
        energy = row.get("energy_above_hull")
        facts = [f"{len(cell.species)} atoms" + (f", space group {symbol}" if symbol else "")]
        facts += [f"{energy:+.3f} eV/atom above the hull"] if isinstance(energy, float) else []
        facts.append(report.samples.ids[i])
        tags = [(name, bool(verdicts[i])) for name, _, verdicts in report.tests if name in TAGS]
        marks = "".join(
            f'<span class="{"yes" if good else ""}">{"" if good else "not "}{name}</span>'
            for name, good in tags
        )
        cards.append(
            f'<div class="card"><div class="stage" data-scene="{number}">{picture(cell)}</div>'
            f"<h4>{formula_html(cell)}</h4><small>{'<br>'.join(map(escape, facts))}</small>"
            f'<div class="tags">{marks}</div></div>'
        )
    lead = (
        '<p class="soft">By tests passed, then by energy above the hull; relaxed where the protocol relaxes. '
        "Drag to turn.</p>"
    )
    return f'{lead}<div class="gallery">{"".join(cards)}</div>'


def table(report: DngReport, order: list[int]) -> str:
    """The first ROWS samples of the table in this order."""
    rows = rows_of(report)
    if not rows:
        return '<p class="soft">There are no samples.</p>'
    names = [name for name in FIRST_COLUMNS if name in rows[0]]
    names += [name for name in rows[0] if name not in names]
    head = "".join(
        f'<th><button type="button">{escape(name.replace("_", " "))}</button></th>' for name in names
    )
    body = "".join(f"<tr>{''.join(_table_cell(rows[i][name]) for name in names)}</tr>" for i in order[:ROWS])
    count = f"The first {ROWS} of {len(rows)} samples" if len(rows) > ROWS else f"All {len(rows)} samples"
    lead = f'<p class="soft">{count}, best first. A click on a head sorts.</p>'
    table = f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'{lead}<div class="panel scroll">{table}</div>'


def _table_cell(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, float):
        return f'<td data-v="{value!r}">{value:.4g}</td>'
    if isinstance(value, int):
        return f"<td>{value}</td>"
    return f"<td>{escape(str(value))}</td>"
