"""The HTML report: whole, without network, safe against what names hold; charts against their numbers."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.metrics.dng.family import Comparison
from nucleate.report.html.charts import _ticks, figure, histogram, is_elements, periodic_table
from nucleate.report.html.gallery import DRAWN, formula_html, picture, ranking, scene
from nucleate.report.html.page import page
from tests.metrics.crystals_for_tests import known_crystals
from tests.report.made_report import comparisons, made_report

CELLS = [Cell.of(crystal) for crystal in known_crystals()]
VOID = {"meta", "br"}
SHAPES = {"rect", "line", "circle", "polyline"}


class Outline(HTMLParser):
    """Ids, links, and whether every element that was opened is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.ids, self.targets, self.outside, self.cards = [], [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.targets += [found["href"][1:]] if found.get("href", "").startswith("#") else []
        self.outside += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith("#")]
        self.cards += "data-scene" in found
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SHAPES

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_self_contained():
    text = page(made_report([*CELLS, None]))
    outline = Outline(text)
    assert outline.open == []
    assert outline.outside == []
    assert set(outline.targets) <= set(outline.ids)
    assert len(outline.ids) == len(set(outline.ids))
    assert "default-src 'none'" in text
    assert "Copyright (c) 2014, University of Pittsburgh" in text
    scenes = json.loads(re.search(r'id="scenes">(.*?)</script>', text, flags=re.DOTALL)[1])
    assert outline.cards == len(scenes) == 10


def test_names_of_samples_are_escaped():
    evil = "</script><img src=x onerror=alert(1)>"
    text = page(made_report(CELLS[:2], [evil, "b"]))
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "No match &lt;in&gt; train." in text


def test_a_page_without_samples_is_made():
    text = page(made_report([None, None]))
    outline = Outline(text)
    assert outline.open == []
    assert "No sample can be drawn." in text
    assert len(text) < 100_000


def test_only_the_first_two_hundred_rows_are_on_the_page():
    report = made_report([CELLS[0]] * 230)
    text = page(report)
    assert "The first 200 of 230 samples" in text
    assert text.count("<tr><td>") >= 200
    body = re.search(r"<tbody>(.*)</tbody>", text)[1]
    assert body.count("<tr>") == 200


def bars(svg: str, kind: str) -> np.ndarray:
    return np.array([float(h) for h in re.findall(rf'<rect class="{kind}"[^>]*height="([\d.]+)"', svg)])


def test_bars_are_as_high_as_the_shares():
    numbers, systems = comparisons()[:2]
    for comparison in (numbers, systems):
        heights = bars(histogram(comparison), "samples")
        assert len(heights) == len(comparison.labels)
        big = comparison.samples > 0.05
        ratios = heights[big] / comparison.samples[big]
        np.testing.assert_allclose(ratios, ratios[0], rtol=0.02)
    assert len(bars(histogram(systems), "reference")) == 7
    assert "<polyline" in histogram(numbers)
    assert "g/cm³" in histogram(numbers)


def test_bins_without_anything_are_drawn_flat():
    empty = Comparison("Nothing", ["a", "b"], np.zeros(2), np.full(2, np.nan))
    assert bars(histogram(empty), "samples").tolist() == [0.0, 0.0]
    none = Comparison("None at all", [], np.zeros(0), np.zeros(0))
    assert "<svg" in figure(none)


@pytest.mark.parametrize("top", [0.003, 1.0, 7.3, 20.0, 33.0, 100.0])
def test_ticks_are_round_and_reach_the_top(top):
    ticks = _ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top * (1 - 1e-6)
    assert 3 <= len(ticks) <= 7
    np.testing.assert_allclose(np.diff(ticks), ticks[1])


def test_the_periodic_table_distinguishes_more_from_less():
    comparison = Comparison(
        "Elements", ["Li", "O", "Fe"], np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.8, 0.1])
    )
    assert is_elements(comparison)
    assert not is_elements(comparisons()[1])
    svg = periodic_table(comparison)
    assert len(re.findall(r'<g class="element', svg)) == 100
    assert len(re.findall(r'class="element absent"', svg)) == 97
    assert len(re.findall(r'class="element strong"', svg)) == 2
    fill = dict(re.findall(r'<title>(\w+):[^<]*</title><rect[^>]*style="fill: ([^"]*)"', svg))
    assert fill["Li"] == "color-mix(in oklab, var(--more) 100%, var(--even))"
    assert fill["O"] == "color-mix(in oklab, var(--less) 100%, var(--even))"
    assert " 0%" in fill["Fe"]
    places = set(re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', svg))
    assert len(places) == 100


def test_the_best_come_first_whatever_the_order():
    report = made_report(CELLS)
    order = ranking(report)
    assert order[:2] == [0, 6]
    energies = [report.column("stability", "energy_above_hull")[i] for i in order if i % 2 and i % 3]
    assert energies == sorted(energies)


def test_a_scene_repeats_atoms_on_faces():
    salt = scene(Cell.of(Structure(Lattice.cubic(4), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])))
    lines = salt["xyz"].splitlines()
    assert lines[0] == "9"
    assert sum(line.startswith("Cs") for line in lines) == 8
    assert lines[-1] == "Cl 0.0000 0.0000 0.0000"
    assert len(salt["edges"]) == 12
    lengths = [np.linalg.norm(np.subtract(edge[3:], edge[:3])) for edge in salt["edges"]]
    np.testing.assert_allclose(lengths, 4)


def test_pictures_and_errors_of_pictures():
    assert picture(CELLS[1]).count("<circle") == 27
    assert formula_html(CELLS[7]) == "ZrO<sub>2</sub>"
    broken = CELLS[1]._replace(frac=CELLS[1].frac * np.nan)
    flat = CELLS[1]._replace(lattice=np.zeros((3, 3)))
    found = [defect(cell, DRAWN) for cell in (CELLS[1], None, broken, flat)]
    assert found == [None, "unreadable", "not_finite", "no_cell_to_see"]
