"""The page of a funnel: yields of its stages, why candidates were rejected, energies above the hull, the shortlist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.intervals import wilson
from nucleate.records.tallies import Tally
from nucleate.report.html.gallery import DRAWN, formula_html, picture
from nucleate.report.html.hull_plots import HullPoint, histogram, systems
from nucleate.report.html.page import assembled, section

PICTURES = 24


@dataclass(frozen=True)
class Chosen:
    """One candidate of the shortlist.

    Attributes:
        id: of the candidate.
        cell: as the last stage left it.
        values: what all stages found.
    """

    id: str
    cell: Cell
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Discovered:
    """What the page shows.

    Attributes:
        name: of the plan.
        tallies: of all positions.
        chosen: those that came through all stages.
        points: energies above the hull of all that were placed.
        hull: what the hull is, in a sentence; "" for none.
        rounds: a row of values by name for each round of a plan that goes round, and `asked` for each call of its
            oracle, eV/atom.
        plan: the plan as it was written.
        version: of the program.
    """

    name: str
    tallies: Sequence[Tally]
    chosen: Sequence[Chosen]
    points: Sequence[HullPoint] = ()
    hull: str = ""
    rounds: Sequence[Mapping[str, Any]] = ()
    asked: Sequence[Mapping[str, Any]] = ()
    plan: str = ""
    version: str = ""


def discovered_page(found: Discovered) -> str:
    """The whole page."""
    drawn = [one for one in found.chosen if defect(one.cell, DRAWN) is None][:PICTURES]
    parts = [
        ("funnel", "Funnel", _funnel(found.tallies)),
        ("rejected", "Rejected because", _reasons(found.tallies)),
    ]
    if found.points:
        parts.append(("hull", "Energies above the hull", _hull(found)))
    if found.rounds:
        parts.append(("rounds", "Rounds", _rounds(found)))
    parts += [
        ("shortlist", "Shortlist", _gallery(drawn) + _table(found.chosen)),
        ("plan", "Plan", f"<pre>{escape(found.plan)}</pre>"),
    ]
    came, left = (found.tallies[0].came if found.tallies else 0), len(found.chosen)
    return assembled(
        f"{found.name}: {left} of {came} candidates",
        "Every candidate, verdict and reason is in the ledger beside this page: nucleate discover why FOLDER ID.",
        [(name, title) for name, title, _ in parts],
        [section(*part) for part in parts],
        found.version,
        [one.cell for one in drawn],
    )


def _funnel(tallies: Sequence[Tally]) -> str:
    """Each stage: how many came, and what share passed, with its interval."""
    most = max((one.came for one in tallies), default=1) or 1
    rows = []
    for one in tallies:
        share = wilson(one.passed, one.judged)
        text = "-"
        if share.value is not None and share.low is not None and share.high is not None:
            text = f"{share.value:.1%} <small>[{share.low:.1%}, {share.high:.1%}]</small>"
        rest = [f"{one.rejected} rejected"] + [f"{one.failed} failed"] * bool(one.failed)
        rest += [f"{one.waiting} waiting"] * bool(one.waiting)
        each = f"{one.seconds / one.judged:.2g} s each" if one.judged else ""
        rows.append(
            f'<tr><td>{escape(one.label)}</td><td class="n">{one.passed}</td>'
            f'<td class="bar"><div><i style="width:{100 * one.passed / most:.2f}%"></i></div></td>'
            f'<td class="number">{text}</td><td class="kept soft">{", ".join(rest)}; {each}</td></tr>'
        )
    lead = (
        '<p class="soft">How many pass each stage. Shares are of those that the stage judged, with 95 % binomial '
        "intervals (Wilson); failed ones, of which a stage can't say anything, count as not passed.</p>"
    )
    return f'{lead}<div class="panel"><table class="funnel">{"".join(rows)}</table></div>'


def _reasons(tallies: Sequence[Tally]) -> str:
    rows = []
    for one in tallies:
        for outcome, reason, count, example in one.reasons:
            rows.append((one.label, outcome, reason, count, f"{count / max(one.judged, 1):.1%}", example))
    return sortable(("stage", "outcome", "reason", "candidates", "of those judged", "such as"), rows)


def _hull(found: Discovered) -> str:
    lead = f'<p class="soft">{escape(found.hull)}</p>' if found.hull else ""
    figures = "".join([histogram(found.points), *systems(found.points)])
    return f'{lead}<div class="figures">{figures}</div>'


def _rounds(found: Discovered) -> str:
    lead = (
        '<p class="soft">What each round made, how many of that came through as new, and how many calls the oracle '
        "answered. Found: at or below the limit above the hull as it was when the round began; best: the lowest, "
        "eV/atom. Covered: answers within the intervals that were foretold, 90 % of them if all is well. Factor: by "
        "which the standard deviations of the delta model are stretched from then on. Hull: phases that the oracle "
        "has added.</p>"
    )
    calls = (
        '<h3>Calls of the oracle</h3><p class="soft">eV/atom above the hull of the plan: by the potential of the '
        "stages (cheap), as expected with what was learned, with the reach of the 90 % interval to either side, and by "
        "the oracle.</p>"
    )
    tables = [
        sortable(tuple(rows[0]), [tuple(row.values()) for row in rows])
        for rows in (found.rounds, found.asked)
        if rows
    ]
    return lead + calls.join(tables)


def _gallery(drawn: Sequence[Chosen]) -> str:
    if not drawn:
        return '<p class="soft">Nothing came through that can be drawn.</p>'
    cards = []
    for number, one in enumerate(drawn):
        facts = [f"{len(one.cell.species)} atoms", one.id]
        facts += [
            f"{value:+.3f} eV/atom above the hull ({name.partition('.')[0]})"
            for name, value in one.values.items()
            if name.endswith(".e_above_hull") and isinstance(value, float)
        ]
        cards.append(
            f'<div class="card"><div class="stage" data-scene="{number}">{picture(one.cell)}</div>'
            f"<h4>{formula_html(one.cell)}</h4><small>{'<br>'.join(map(escape, facts))}</small></div>"
        )
    return f'<div class="gallery">{"".join(cards)}</div>'


def _table(chosen: Sequence[Chosen]) -> str:
    names = sorted({name for one in chosen for name in one.values})
    rows = [
        (
            one.id,
            Html(formula_html(one.cell)),
            len(one.cell.species),
            *(one.values.get(name) for name in names),
        )
        for one in chosen
    ]
    return sortable(("id", "formula", "atoms", *names), rows)


class Html(str):
    """Text that is HTML already."""


def sortable(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table that a click on a head sorts."""
    if not rows:
        return '<p class="soft">None.</p>'
    head = "".join(f'<th><button type="button">{escape(name)}</button></th>' for name in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    table = f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="panel scroll">{table}</div>'


def _cell(value: Any) -> str:
    if value is None:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, float):
        return f'<td data-v="{value!r}">{value:.4g}</td>'
    return f"<td>{value if isinstance(value, Html) else escape(str(value))}</td>"
