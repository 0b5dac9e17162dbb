"""Energies above a hull, drawn as inline SVG: a histogram of all, and each chemical system by composition.

Of two elements the energy stands over the composition; of three, points in the triangle of compositions are coloured by
it. Phases of the hull that candidates decompose into stand at zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 16, 42
BINS = 24
SYSTEMS = 8
"""Chemical systems drawn, those with most candidates first."""
FULL = 0.3
"""eV/atom above the hull, from which the colour is that of the worst."""


@dataclass(frozen=True)
class HullPoint:
    """One candidate that was placed.

    Attributes:
        id: of the candidate.
        formula: text.
        shares: of the elements by symbol, which add up to 1.
        above: eV/atom above the hull.
        passed: whether it is below the limit.
        chosen: whether it came through all stages.
        phases: shares of the elements of the phases that it decomposes into, by name.
    """

    id: str
    formula: str
    shares: Mapping[str, float]
    above: float
    passed: bool
    chosen: bool = False
    phases: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.formula} ({self.id}): {self.above:+.3f} eV/atom"

    @property
    def kind(self) -> str:
        return "chosen" if self.chosen else "samples" if self.passed else "reference"


def histogram(points: Sequence[HullPoint]) -> str:
    """How many lie how far above the hull: those below the limit, and the others."""
    values = np.array([one.above for one in points])
    low, high = float(min(values.min(), 0.0)), float(np.quantile(values, 0.98))
    edges = np.linspace(low, max(high, low + 0.1), BINS + 1)
    good = np.histogram([one.above for one in points if one.passed], edges)[0]
    all_ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    top, width = max(int(all_.max()), 1), (WIDTH - LEFT - RIGHT) / BINS
    scale = (HEIGHT - TOP - BOTTOM) / top
    parts = []
    for place in range(BINS):
        x, floor = LEFT + place * width, HEIGHT - BOTTOM
        words = f"{edges[place]:.3f} to {edges[place + 1]:.3f} eV/atom: {all_[place]}, of which {good[place]} pass"
        for count, kind in ((all_[place], "reference"), (good[place], "samples")):
            parts.append(
                f'<rect class="{kind}" x="{x + 0.5:.1f}" y="{floor - count * scale:.1f}" width="{width - 1:.1f}" '
                f'height="{count * scale:.1f}"><title>{words}</title></rect>'
            )
    ticks = [(LEFT + (x - edges[0]) / (edges[-1] - edges[0]) * (WIDTH - LEFT - RIGHT), x) for x in edges[::6]]
    parts += [_text(x, HEIGHT - BOTTOM + 15, f"{value:.2f}", "middle") for x, value in ticks]
    parts += [_text(LEFT - 6, TOP + 8, str(top), "end"), _text(LEFT - 6, HEIGHT - BOTTOM, "0", "end")]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "eV/atom above the hull", "middle axis"))
    legend = '<span class="legend"><i class="samples"></i>pass<i class="reference"></i>do not</span>'
    return _figure(f"All {len(points)} that were placed", legend, "".join(parts))


def systems(points: Sequence[HullPoint]) -> list[str]:
    """A figure for each of the chemical systems of two or three elements that have most candidates."""
    groups: dict[tuple[str, ...], list[HullPoint]] = defaultdict(list)
    for one in points:
        groups[tuple(sorted(one.shares))].append(one)
    most = sorted(
        (key for key in groups if len(key) in (2, 3)),
        key=lambda key: (-sum(one.chosen for one in groups[key]), -len(groups[key]), key),
    )
    return [
        _binary(key, groups[key]) if len(key) == 2 else _ternary(key, groups[key]) for key in most[:SYSTEMS]
    ]


def _phases(points: Sequence[HullPoint]) -> dict[str, Mapping[str, float]]:
    return {name: shares for one in points for name, shares in one.phases.items()}


def _binary(key: tuple[str, ...], points: Sequence[HullPoint]) -> str:
    """Energy above the hull over the share of the second element."""
    top = max(0.1, *(one.above for one in points)) * 1.05
    low = min(0.0, *(one.above for one in points)) * 1.1
    span = HEIGHT - TOP - BOTTOM

    def at(share: float, above: float) -> tuple[float, float]:
        return LEFT + share * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - (above - low) / (top - low) * span

    (x0, y0), (x1, _) = at(0, 0), at(1, 0)
    parts = [f'<line class="grid" x1="{x0:.1f}" x2="{x1:.1f}" y1="{y0:.1f}" y2="{y0:.1f}"/>']
    for name, shares in _phases(points).items():
        x, y = at(shares.get(key[1], 0.0), 0.0)
        parts.append(_square(x, y, f"{name}: on the hull"))
    for one in points:
        x, y = at(one.shares[key[1]], one.above)
        parts.append(_dot(x, y, one))
    parts += [_text(LEFT - 6, at(0, value)[1] + 4, f"{value:.2f}", "end") for value in (0.0, top / 1.05)]
    parts += [
        _text(x0, HEIGHT - BOTTOM + 16, key[0], "middle"),
        _text(x1, HEIGHT - BOTTOM + 16, key[1], "middle"),
    ]
    parts.append(_text((x0 + x1) / 2, HEIGHT - 8, "composition; eV/atom above the hull", "middle axis"))
    return _figure("-".join(key), _legend(), "".join(parts))


def _ternary(key: tuple[str, ...], points: Sequence[HullPoint]) -> str:
    """Compositions in a triangle, coloured by the energy above the hull."""
    height = HEIGHT - TOP - BOTTOM
    side = height / np.sin(np.pi / 3)
    corners = np.array([[0, height], [side, height], [side / 2, 0]]) + np.array([(WIDTH - side) / 2, TOP])

    def at(shares: Mapping[str, float]) -> tuple[float, float]:
        x, y = np.array([shares.get(symbol, 0.0) for symbol in key]) @ corners
        return float(x), float(y)

    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*corners, corners[0]])
    parts = [f'<polyline class="outline" points="{path}"/>']
    parts += [_square(*at(shares), f"{name}: on the hull") for name, shares in _phases(points).items()]
    # the lowest last, so that it is seen
    for one in sorted(points, key=lambda one: -one.above):
        share = round(100 * min(max(one.above, 0.0) / FULL, 1.0))
        colour = f' style="fill: color-mix(in oklab, var(--less) {share}%, var(--good))"'
        parts.append(_dot(*at(one.shares), one, colour))
    for symbol, (x, y), down in zip(key, corners, (16, 16, -4), strict=True):
        parts.append(_text(x, y + down, symbol, "middle"))
    parts.append(
        _text(WIDTH / 2, HEIGHT - 6, f"green: on the hull, orange: {FULL} eV/atom above", "middle axis")
    )
    return _figure("-".join(key), _legend(), "".join(parts))


def _dot(x: float, y: float, one: HullPoint, colour: str = "") -> str:
    ring = ' stroke="currentColor" stroke-width="1.6"' if one.chosen else ""
    kind = "samples" if one.chosen or one.passed else "reference"
    size = 5 if one.chosen else 3.4
    return (
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"{ring}{colour}>'
        f"<title>{escape(one.title)}</title></circle>"
    )


def _square(x: float, y: float, title: str) -> str:
    box = f'x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"'
    return f'<rect {box} fill="none" stroke="currentColor"><title>{escape(title)}</title></rect>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'


def _legend() -> str:
    return '<span class="legend">square: phase of the hull; ring: shortlist</span>'


def _figure(title: str, legend: str, drawing: str) -> str:
    name = escape(title)
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{drawing}</svg>'
    return f"<figure><figcaption>{name}{legend}</figcaption>{svg}</figure>"
