"""Comparisons drawn as inline SVG: histograms of samples over the reference, and the periodic table."""

from __future__ import annotations

from html import escape
from math import log2

import numpy as np

from nucleate.elements import ATOMIC_NUMBERS, MAX_ATOMIC_NUMBER, SYMBOLS, group_of, period_of
from nucleate.metrics.dng.family import Comparison

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 14, 44
LETTERS = 62
"""Letters that fit side by side below a plot; longer labels are tilted."""
TICKS = (1.0, 2.0, 2.5, 5.0, 10.0)
CELL = 36
FULL_RATIO = 3.0
"""A share eight times that of the reference, or an eighth of it, has the full colour."""


def figure(comparison: Comparison) -> str:
    """One comparison as a figure with caption and legend."""
    if is_elements(comparison):
        drawing, legend = periodic_table(comparison), _ratio_legend()
    else:
        drawing, legend = histogram(comparison), _pair_legend()
    kind = "wide" if is_elements(comparison) else ""
    title = escape(comparison.title)
    return f'<figure class="{kind}"><figcaption>{title}{legend}</figcaption>{drawing}</figure>'


def is_elements(comparison: Comparison) -> bool:
    """Whether the bins are chemical elements."""
    labels = comparison.labels
    return not len(comparison.edges) and bool(labels) and all(label in ATOMIC_NUMBERS for label in labels)


def histogram(comparison: Comparison) -> str:
    """Filled bars of the samples, an outline (numbers) or bars beside them (categories) of the reference."""
    samples, reference = np.nan_to_num(comparison.samples), np.nan_to_num(comparison.reference)
    ticks = _ticks(100 * max([*samples, *reference, 1e-9]))
    numeric = len(comparison.edges) > 0
    tilted = not numeric and sum(len(label) + 2 for label in comparison.labels) > LETTERS
    bottom = BOTTOM + (26 if tilted else 0)
    plot = _Plot(ticks[-1], HEIGHT - TOP - BOTTOM, len(comparison.labels))
    parts = [plot.grid(ticks)]
    if numeric:
        parts += [plot.bars(samples, comparison, 0.0, 1.0, "samples"), plot.outline(reference)]
        parts.append(_number_axis(comparison.edges, plot))
    else:
        parts += [plot.bars(samples, comparison, 0.1, 0.5, "samples")]
        parts += [plot.bars(reference, comparison, 0.5, 0.9, "reference")]
        parts.append(_label_axis(comparison.labels, plot, tilted))
    name = escape(f"{comparison.title}: samples and reference")
    if comparison.unit:
        parts.append(_text(LEFT + plot.width / 2, HEIGHT - 6, comparison.unit, "middle axis"))
    height = HEIGHT - BOTTOM + bottom
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">{"".join(parts)}</svg>'


class _Plot:
    """Positions of shares and bins on the page."""

    def __init__(self, top: float, height: float, bins: int) -> None:
        self.top, self.height, self.bins = top, height, max(bins, 1)
        self.width = WIDTH - LEFT - RIGHT
        self.floor = TOP + height

    def x(self, place: float) -> float:
        return LEFT + self.width * place / self.bins

    def y(self, share: float) -> float:
        return self.floor - self.height * 100 * share / self.top

    def grid(self, ticks: list[float]) -> str:
        lines = []
        for tick in ticks:
            y = self.y(tick / 100)
            lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            lines.append(_text(LEFT - 6, y + 3.5, f"{tick:g} %", "end"))
        return "".join(lines)

    def bars(self, shares: np.ndarray, comparison: Comparison, start: float, end: float, kind: str) -> str:
        out = []
        gap = 0.5 if start == 0.0 else 0.0
        for place, share in enumerate(shares):
            x, right, y = self.x(place + start) + gap, self.x(place + end) - gap, self.y(float(share))
            title = escape(_bin_title(comparison, place))
            out.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(right - x, 0.5):.1f}" '
                f'height="{self.floor - y:.1f}"><title>{title}</title></rect>'
            )
        return "".join(out)

    def outline(self, shares: np.ndarray) -> str:
        points = [(self.x(0), self.floor)]
        for place, share in enumerate(shares):
            points += [(self.x(place), self.y(float(share))), (self.x(place + 1), self.y(float(share)))]
        points.append((self.x(len(shares)), self.floor))
        return f'<polyline class="outline" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _bin_title(comparison: Comparison, place: int) -> str:
    edges = comparison.edges
    name = f"{edges[place]:.4g} to {edges[place + 1]:.4g}" if len(edges) else comparison.labels[place]
    ours, theirs = 100 * comparison.samples[place], 100 * comparison.reference[place]
    return f"{name} {comparison.unit}: samples {ours:.1f} %, reference {theirs:.1f} %"


def _ticks(top: float) -> list[float]:
    """Round numbers from 0 to at least `top`, four to six of them."""
    raw = top / 4
    unit = 10 ** np.floor(np.log10(raw))
    step = float(unit * next(tick for tick in TICKS if tick * unit >= raw * (1 - 1e-9)))
    return [step * n for n in range(int(np.ceil(top / step - 1e-9)) + 1)]


def _number_axis(edges: np.ndarray, plot: _Plot) -> str:
    stride = max(1, round((len(edges) - 1) / 6))
    places = range(0, len(edges), stride)
    return "".join(_text(plot.x(i), plot.floor + 15, f"{edges[i]:.3g}", "middle") for i in places)


def _label_axis(labels: list[str], plot: _Plot, tilted: bool) -> str:
    out = []
    for place, label in enumerate(labels):
        x, y = plot.x(place + 0.5), plot.floor + (11 if tilted else 15)
        turn = f' transform="rotate(-45 {x:.1f} {y:.1f})"' if tilted else ""
        out.append(_text(x, y, label, "end" if tilted else "middle", turn))
    return "".join(out)


def _text(x: float, y: float, text: str, kind: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}"{more}>{escape(text)}</text>'


def _pair_legend() -> str:
    return '<span class="legend"><i class="samples"></i>samples<i class="reference"></i>reference</span>'


def _ratio_legend() -> str:
    return (
        '<span class="legend">share of samples over share of reference: 1/8<i class="ramp"></i>8 times</span>'
    )


def periodic_table(comparison: Comparison) -> str:
    """Each element coloured by the logarithm of its share among the samples over that in the reference."""
    shares = {
        label: (float(ours), float(theirs))
        for label, ours, theirs in zip(
            comparison.labels, comparison.samples, comparison.reference, strict=True
        )
    }
    cells = [_element(number, shares) for number in range(1, MAX_ATOMIC_NUMBER + 1)]
    title = escape(f"{comparison.title}: samples over reference")
    box = f"0 0 {18 * CELL} {9.4 * CELL:.0f}"
    return f'<svg viewBox="{box}" role="img" aria-label="{title}">{"".join(cells)}</svg>'


def _element(number: int, shares: dict[str, tuple[float, float]]) -> str:
    symbol, group, period = SYMBOLS[number], group_of(number), period_of(number)
    column, row = (group - 1, period - 1.0) if group <= 18 else (group - 17, period + 1.4)
    ours, theirs = shares.get(symbol, (0.0, 0.0))
    kind, style = _colour(ours, theirs)
    x, y = column * CELL, row * CELL
    words = f"{symbol}: samples {100 * ours:.2f} %, reference {100 * theirs:.2f} %"
    return (
        f'<g class="element {kind}"><title>{words}</title>'
        f'<rect x="{x + 1:.1f}" y="{y + 1:.1f}" width="{CELL - 2}" height="{CELL - 2}" rx="4"{style}/>'
        f'<text class="number" x="{x + 5:.1f}" y="{y + 11:.1f}">{number}</text>'
        f'<text class="symbol middle" x="{x + CELL / 2:.1f}" y="{y + 26:.1f}">{symbol}</text></g>'
    )


def _colour(ours: float, theirs: float) -> tuple[str, str]:
    """Class and fill between the colours of too little and too much; "absent" where neither side has the element."""
    if not ours and not theirs:
        return "absent", ""
    ratio = FULL_RATIO if not theirs else -FULL_RATIO if not ours else log2(ours / theirs)
    strength = round(100 * min(abs(ratio) / FULL_RATIO, 1.0))
    side = "more" if ratio > 0 else "less"
    style = f' style="fill: color-mix(in oklab, var(--{side}) {strength}%, var(--even))"'
    return ("strong" if strength > 60 else ""), style
