"""The page in a real browser: tables, crystals, trajectories, predictions; keyboard, dark colours, a narrow window.

Every test fails on an error in the browser's console, such as a script that the content security policy refuses.
"""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.data.extxyz import frame_text
from nucleate.data.table import CrystalTable
from nucleate.data.writing import write_dataset
from tests.web.browser import chromium, served
from tests.web.folders import house, rocksalt

playwright = pytest.importorskip("playwright.sync_api", reason="tests in a browser need playwright")
pytest.importorskip("uvicorn", reason="the page needs nucleate[show]")
PROGRAM = chromium()
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine: apt-get install -y chromium"),
    pytest.mark.xdist_group("browser"),
]
MANY = 20_000
PATIENCE = 60_000
REFUSED = "status of 400"
"""What a browser itself logs of a request that was refused, which is no error of the page."""


def many(folder):
    """A data set of 20,000 crystals of five atoms, with two properties."""
    rng = np.random.default_rng(0)
    species = rng.integers(1, 90, (MANY, 5))
    lattice = np.eye(3)[None] * rng.uniform(3, 6, (MANY, 1, 1))
    properties = {
        "band_gap": rng.uniform(0, 5, MANY),
        "spacegroup.number": rng.integers(1, 231, MANY).astype(float),
    }
    names = [f"made-{n}" for n in range(MANY)]
    offsets = np.arange(MANY + 1) * 5
    table = CrystalTable(names, species.reshape(-1), offsets, rng.random((5 * MANY, 3)), lattice, properties)
    write_dataset({"train": table}, folder, {"source": {}, "licence": ""})


def alloy(folder):
    """An ordered alloy of copper and gold, relaxed by effective medium theory."""
    folder.mkdir()
    cell = Cell(np.array([29, 79]), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), np.eye(3) * 3.0)
    (folder / "relaxed.extxyz").write_text(frame_text(*cell, {"name": "CuAu-a", "sample": 0}))
    (folder / "relaxed.csv").write_text("name,energy\nCuAu-a,0.05\n")
    (folder / "relax.json").write_text(json.dumps({"potential": "emt (ase)", "crystals": {}}))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = house(tmp_path_factory.mktemp("browser"))
    many(folder / "many")
    ways = folder / "drawn" / "trajectories"
    ways.mkdir(parents=True)
    frames = [frame_text(*rocksalt(12, 8, 4 + 0.1 * n), {"t": f"{n / 9:.4f}"}) for n in range(10)]
    (ways / "MgO-000.extxyz").write_text("".join(frames))
    alloy(folder / "alloys")
    run = folder / "run"
    run.mkdir()
    (run / "metrics.jsonl").write_text(
        "".join(json.dumps({"step": n, "train/frac": 1 / n}) + "\n" for n in range(1, 50))
    )
    with served([folder], runs=True) as found:
        yield found


@pytest.fixture
def open_page(browser, address):
    """A function that opens a view; at the end, an error in any console fails the test."""
    contexts, errors = [], []

    def begin(view: str = "", width: int = 1280, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                errors.append(said.text) if said.type == "error" and REFUSED not in said.text else None
            ),
        )
        page.goto(address + view)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert not errors


def test_from_the_library_to_a_crystal(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("salts")).click()
    page.get_by_role("link", name="salt-0").click()
    page.wait_for_selector('.canvas[data-state="ready"] canvas')
    text = page.inner_text("main")
    assert "NaCl" in text
    assert "225" in text
    assert "4a" in text
    page.get_by_role("combobox", name="a", exact=True).select_option("2")
    page.get_by_label("Style").select_option("polyhedra")
    with page.expect_download() as download:
        page.get_by_role("link", name="CIF").click()
    assert "data_" in open(download.value.path()).read()  # noqa: SIM115


def test_filters_stand_in_the_address_and_survive_a_reload(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("salts")).click()
    page.get_by_role("button", name=re.compile("^Oxygen")).click()
    page.wait_for_selector("text=3 of 9")
    titanium = page.get_by_role("button", name=re.compile("^Titanium"))
    titanium.click()
    page.wait_for_selector("text=1 of 9")
    titanium.click()
    page.wait_for_selector("text=2 of 9")
    assert "with=O" in page.url
    assert "without=Ti" in page.url
    page.reload()
    page.wait_for_selector("text=2 of 9")
    assert page.locator("tbody tr").count() == 2


def test_many_rows_are_filtered_and_sorted(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("many")).click()
    page.wait_for_selector("text=20,000 crystals")
    for n in range(2):
        with page.expect_response(lambda answer: "with=O" in answer.url) as first:
            page.get_by_role("button", name=re.compile("^Oxygen")).click()
        assert first.value.ok
        page.wait_for_selector("text=/of 20,000/")
        with page.expect_response(lambda answer, n=n: f"sort={'-' * n}band_gap" in answer.url) as second:
            page.get_by_role("button", name=re.compile("^band gap")).click()
        assert second.value.ok
        if n == 1:
            break
        page.get_by_role("button", name="Clear all filters").click()
        page.wait_for_selector("text=20,000 crystals")
    values = [float(text) for text in page.locator("td.band_gap").all_inner_texts()]
    assert len(values) == 50
    assert values in (sorted(values), sorted(values, reverse=True))


def test_a_trajectory_is_scrubbed(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("trajectories")).click()
    page.wait_for_selector('.canvas[data-state="ready"] canvas')
    page.wait_for_selector("text=t = 1.00")
    slider = page.get_by_role("slider", name="Frame")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_selector("text=t = 0.00")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("text=t = 0.11")
    page.get_by_role("button", name=re.compile("Play")).click()
    page.wait_for_selector("text=t = 0.33")


def test_dark_colours_by_the_system_and_by_choice(open_page):
    page = open_page(scheme="dark")
    page.wait_for_selector("h1")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(15, 19, 24)"
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(ground) == "rgb(246, 247, 248)"
    page.reload()
    page.wait_for_selector("h1")
    assert page.evaluate(ground) == "rgb(246, 247, 248)"


def test_everything_by_keyboard(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("salts")).focus()
    page.keyboard.press("Enter")
    hydrogen = page.get_by_role("button", name=re.compile("^Hydrogen"))
    hydrogen.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=1 of 9")
    page.get_by_role("link", name="salt-0").focus()
    page.keyboard.press("Enter")
    canvas = page.locator('.canvas[data-state="ready"]')
    canvas.wait_for()
    canvas.focus()
    before = canvas.screenshot()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    assert canvas.screenshot() != before


@pytest.mark.parametrize("view", ["", "crystals", "crystal", "compare"])
def test_a_window_of_400_pixels(open_page, address, view):
    page = open_page(width=400)
    page.wait_for_selector("h1")
    if view:
        page.get_by_role("link", name=re.compile("salts")).click()
        page.wait_for_selector("tbody tr")
    if view == "crystal":
        page.get_by_role("link", name="salt-0").click()
        page.wait_for_selector("text=Wyckoff")
    if view == "compare":
        page.get_by_role("button", name="Pin salt-0").click()
        page.get_by_role("button", name="Pin salt-1").click()
        page.get_by_role("link", name="Compare 2").click()
        page.wait_for_selector("text=other composition")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


CONTRASTS = """() => [...document.querySelectorAll('main *, header *')].filter((element) =>
  [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && element.offsetParent &&
  !element.closest('.canvas, [disabled], .u-legend, svg, .hidden')).map((element) => {
    let behind = element
    const of = (one) => getComputedStyle(one).backgroundColor
    while (behind && /(0, 0, 0, 0|transparent)/.test(of(behind))) behind = behind.parentElement
    const ground = of(behind ?? document.documentElement)
    return [element.textContent.trim().slice(0, 40), getComputedStyle(element).color, ground]
  }).filter(([, colour, ground]) => /^rgb\\(/.test(colour) && /^rgb\\(/.test(ground))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_all_text_is_that_of_wcag_aa(open_page, scheme):
    page = open_page(scheme=scheme)
    page.wait_for_selector("h1")
    seen = page.evaluate(CONTRASTS)
    page.get_by_role("link", name=re.compile("answers")).click()
    page.wait_for_selector("tbody tr")
    seen += page.evaluate(CONTRASTS)
    page.get_by_role("link", name="ZnSe-000").click()
    page.wait_for_selector("text=Wyckoff")
    seen += page.evaluate(CONTRASTS)
    assert len(seen) > 100
    poor = []
    for text, colour, ground in seen:
        high, low = sorted((luminance(colour), luminance(ground)), reverse=True)
        if (high + 0.05) / (low + 0.05) < 4.5:
            poor.append((text, colour, ground))
    assert not poor


def test_a_run_is_drawn(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("^T run|run training|run")).last.click()
    page.wait_for_selector(".plot canvas")
    assert "loss: frac" in page.inner_text("main").lower()


PREDICTS = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
print('drawing', file=sys.stderr, flush=True); time.sleep(0.5)
(out / 'predictions.extxyz').write_text(pathlib.Path(sys.argv[2]).read_text())
"""


def test_a_prediction_comes_in_ranked_with_its_prototype(open_page, tmp_path, monkeypatch):
    from nucleate.web.runner import Wish
    from tests.web.folders import answers

    text = answers(tmp_path) / "predictions.extxyz"
    monkeypatch.setattr(
        Wish, "command", lambda self, out: [sys.executable, "-c", PREDICTS, str(out), str(text)]
    )
    page = open_page("#/predict")
    page.get_by_role("textbox", name="Formula").fill("ZnSe")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("text=done")
    first = page.locator(".candidates li").first
    first.wait_for()
    assert "80 %" in first.inner_text()
    assert "AB_cF8_216_a_c from mp_20:mp-1" in first.inner_text()


def test_the_library_shows_answers_with_their_rivals_at_one_glance(open_page):
    page = open_page()
    page.wait_for_selector(".glance")
    # another test may have predicted the same into the folder
    rows = [row.split() for row in page.locator(".glance").first.locator("tbody tr").all_inner_texts()]
    assert [row[1] for row in rows] == ["1", "2"]
    assert {"80", "0", "-3.300"} <= {word.replace("\u2212", "-") for word in rows[0]}
    page.get_by_role("link", name="ZnSe, rank 2").first.click()
    page.wait_for_selector("text=225")


def test_a_crystal_beside_the_nearest_known_one(open_page):
    page = open_page()
    page.get_by_role("link", name="ZnSe, rank 1").first.click()
    page.get_by_role("link", name="Nearest known").click()
    page.wait_for_selector(".sides .panel >> nth=1")
    assert page.locator(".sides .panel").count() == 2
    assert "AMD" in page.inner_text("main")


def test_a_candidate_in_a_phase_diagram_leads_to_its_crystal(open_page):
    page = open_page()
    page.get_by_role("link", name=re.compile("^R? ?alloys")).click()
    page.get_by_role("link", name="Phase diagram").click()
    page.get_by_role("button", name=re.compile("Cu-Au|Au-Cu")).click()
    page.wait_for_selector("circle.candidate")
    assert page.locator("circle.known").count() > 2
    page.locator("svg a:has(circle.candidate)").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('CuAu-a')")


def test_what_an_error_says(open_page):
    page = open_page("#/predict")
    page.get_by_role("textbox", name="Formula").fill("Xx")
    page.get_by_role("button", name="Predict").click()
    page.wait_for_selector("text=is no element")
