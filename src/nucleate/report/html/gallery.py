"""The best structures of a run as pictures: SVG on the page, and the data for 3Dmol.js."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.defects import Rule, Rules, above, below, is_finite
from nucleate.elements import SYMBOLS
from nucleate.measures import atoms, volume
from nucleate.metrics.dng.report import DngReport

SHOWN = 12
LARGEST = 200
"""Atoms; larger cells are not drawn."""
MARGIN = 0.02
EDGES = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]
TURN, TILT = np.radians(28), np.radians(16)
SIZE = 220


def ranking(report: DngReport) -> list[int]:
    """All samples, best first: by the number of tests of the funnel passed, then the lower energy above the hull."""
    energy = report.column("stability", "energy_above_hull") or [None] * len(report.samples)
    keys = report.samples.keys()

    def order(i: int) -> tuple[int, float, str]:
        passed = sum(bool(verdicts[i]) for _, _, verdicts in report.tests)
        value = energy[i]
        return -passed, float("inf") if value is None or value != value else float(value), keys[i]

    return sorted(range(len(report.samples)), key=order)


DRAWN = Rules(
    (
        Rule("no_atoms_or_too_many", atoms, 1, LARGEST),
        is_finite("not_finite"),
        Rule("no_cell_to_see", volume, above(0.1), below(1e5)),
    )
)
"""Whether a crystal can be drawn."""


def scene(cell: Cell) -> dict[str, Any]:
    """Atoms, with copies of those on faces of the cell, and its edges: XYZ text and pairs of points, Å."""
    numbers, places = _with_images(cell)
    middle = cell.lattice.sum(0) / 2
    rows = [
        f"{SYMBOLS[z]} {x:.4f} {y:.4f} {w:.4f}"
        for z, (x, y, w) in zip(numbers, places @ cell.lattice - middle, strict=True)
    ]
    corners = np.array(list(product((0, 1), repeat=3))) @ cell.lattice - middle
    edges = [[*corners[i].round(4).tolist(), *corners[j].round(4).tolist()] for i, j in EDGES]
    return {"xyz": "\n".join([str(len(rows)), "", *rows]), "edges": edges}


def _with_images(cell: Cell) -> tuple[list[int], np.ndarray]:
    numbers, places = [], []
    for number, place in zip(cell.species.tolist(), np.mod(cell.frac, 1), strict=True):
        shifts = [(0, 1) if x < MARGIN else (0, -1) if x > 1 - MARGIN else (0,) for x in place]
        for shift in product(*shifts):
            numbers.append(number)
            places.append(place + np.array(shift))
    return numbers, np.array(places)


def picture(cell: Cell) -> str:
    """The crystal as balls in its cell, SVG: for paper, and for browsers without WebGL."""
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors

    view = _view()
    numbers, places = _with_images(cell)
    corners = (np.array(list(product((0, 1), repeat=3))) - 0.5) @ cell.lattice @ view
    atoms = (places - 0.5) @ cell.lattice @ view
    radii = 0.45 * covalent_radii[numbers]
    extent = max(np.abs(corners[:, :2]).max(), (np.abs(atoms[:, :2]).max(1) + radii).max()) * 1.04
    scale = SIZE / (2 * extent)
    items = []
    for i, j in EDGES:
        (x1, y1, z1), (x2, y2, z2) = corners[i], corners[j]
        line = f'<line x1="{_px(x1, scale)}" y1="{_px(-y1, scale)}" x2="{_px(x2, scale)}" y2="{_px(-y2, scale)}"/>'
        items.append(((z1 + z2) / 2, line))
    for number, radius, (x, y, z) in zip(numbers, radii, atoms, strict=True):
        red, green, blue = (round(255 * c) for c in jmol_colors[number])
        circle = (
            f'<circle cx="{_px(x, scale)}" cy="{_px(-y, scale)}" r="{radius * scale:.1f}" '
            f'fill="rgb({red} {green} {blue})"/>'
        )
        items.append((z, circle))
    drawn = "".join(item for _, item in sorted(items, key=lambda item: item[0]))
    return f'<svg class="crystal" viewBox="0 0 {SIZE} {SIZE}" aria-hidden="true">{drawn}</svg>'


def _view() -> np.ndarray:
    """Columns: screen right, screen up, towards the eye. [3, 3]"""
    right = np.array([np.cos(TURN), np.sin(TURN), 0])
    eye = np.array([np.sin(TURN) * np.cos(TILT), -np.cos(TURN) * np.cos(TILT), np.sin(TILT)])
    return np.stack([right, np.cross(eye, right), eye], 1)


def _px(x: float, scale: float) -> str:
    return f"{SIZE / 2 + x * scale:.1f}"


def formula_html(cell: Cell) -> str:
    """The reduced formula, metals first, with its counts lowered."""
    from pymatgen.core import Composition

    formula = Composition({SYMBOLS[z]: n for z, n in cell.formula}).reduced_formula
    return re.sub(r"([0-9]+)", r"<sub>\1</sub>", formula)
