"""Copies of the page without a server, in a real browser: an exported folder, and pieces in a notebook."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from nucleate.data.extxyz import read_sound_frames
from nucleate.data.structure_files import read_structure
from nucleate.metrics.matching import rms_distance
from nucleate.web.export import export
from nucleate.web.library import Library
from nucleate.web.notebook import show
from nucleate.web.routes import Shown
from tests.web.folders import house, perovskite, rocksalt

pytestmark = pytest.mark.xdist_group("browser")
PATIENCE = 60_000
DRAWN = '.canvas[data-state="ready"] canvas'


@contextmanager
def opened(browser, address: str):
    """A page without a server; an error in its console fails the test."""
    page, errors, asked = browser.new_page(), [], []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    page.close()
    assert not errors
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    export(Shown(Library([house(folder / "house")])), folder / "site", print)
    return folder / "site"


def test_a_copy_opens_from_the_file_system(browser, site):
    with opened(browser, (site / "index.html").as_uri()) as page:
        page.get_by_role("link", name=re.compile("salts")).click()
        page.get_by_role("button", name=re.compile("^Oxygen")).click()
        page.wait_for_selector("text=3 of 9")
        page.get_by_role("link", name="perovskite").click()
        page.wait_for_selector(DRAWN)
        assert "221" in page.inner_text("main")


@pytest.mark.parametrize("kind", ["CIF", "POSCAR", "extXYZ"])
def test_a_crystal_of_a_copy_is_downloaded_as_it_is(browser, site, tmp_path, kind):
    with opened(browser, (site / "index.html").as_uri()) as page:
        page.get_by_role("link", name=re.compile("salts")).click()
        page.get_by_role("link", name="perovskite").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
    if kind == "extXYZ":
        ((info, cell),) = read_sound_frames(path.read_text(), path.name)
        assert info["formula"] == "SrTiO3"
        structure = cell.to_structure()
    else:
        structure = read_structure(path)
    assert rms_distance(structure, perovskite().to_structure()) == pytest.approx(0, abs=1e-6)
    assert structure.volume == pytest.approx(3.9**3, abs=1e-4)


def test_a_selection_of_a_copy_is_downloaded_as_a_zip(browser, site, tmp_path):
    with opened(browser, (site / "index.html").as_uri()) as page:
        page.get_by_role("link", name=re.compile("salts")).click()
        page.get_by_role("button", name=re.compile("^Oxygen")).click()
        page.wait_for_selector("text=3 of 9")
        page.get_by_text("Download").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="all found as CIF").click()
        download.value.save_as(tmp_path / "found.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "found.zip").read_bytes())) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["perovskite.cif", "salt-1.cif", "salt-6.cif"]
        archive.extractall(tmp_path)
    assert read_structure(tmp_path / "salt-1.cif").composition.reduced_formula == "MgO"


def notebook(tmp_path, *things) -> str:
    """The address of a page that holds pieces as a notebook does."""
    path = tmp_path / "notebook.html"
    body = "".join(f"<p>Out:</p>{show(thing)._repr_html_()}" for thing in things)
    path.write_text(f'<!doctype html><meta charset="utf-8">{body}', encoding="utf-8")
    return path.as_uri()


def test_a_crystal_in_a_notebook_is_drawn(browser, tmp_path):
    with opened(browser, notebook(tmp_path, perovskite())) as page:
        assert page.locator("body > div").inner_text() == "SrTiO3"
        piece = page.frame_locator("iframe")
        piece.locator(DRAWN).wait_for()
        text = piece.locator("main").inner_text()
        assert "221" in text
        assert "Wyckoff" in text
        assert "Library" not in text
        with page.expect_download() as download:
            piece.get_by_role("button", name="CIF").click()
        assert download.value.suggested_filename == "0.cif"


def test_crystals_in_a_notebook_are_a_table_that_leads_to_each(browser, tmp_path):
    salts = [rocksalt(12, 8).to_structure(), rocksalt(11, 17, 5.6).to_structure()]
    salts[1].properties["name"] = "</script><b>halite</b>"
    with opened(browser, notebook(tmp_path, salts)) as page:
        piece = page.frame_locator("iframe")
        piece.get_by_role("link", name="halite").click()
        piece.locator(DRAWN).wait_for()
        assert "NaCl" in piece.locator("h1").inner_text()
        piece.get_by_role("link", name="all crystals").click()
        piece.get_by_role("button", name="formula").click()
        assert piece.locator("tbody tr").count() == 2
        assert "notebook.html" in page.url


def test_a_folder_in_a_notebook_is_its_library(browser, tmp_path):
    with opened(browser, notebook(tmp_path, house(tmp_path / "house"))) as page:
        piece = page.frame_locator("iframe")
        piece.get_by_role("link", name=re.compile("^ZnSe, rank 1")).click()
        piece.locator(DRAWN).wait_for()
        assert "216" in piece.locator("main").inner_text()


def test_a_piece_cannot_reach_its_notebook(browser, tmp_path):
    with opened(browser, notebook(tmp_path, perovskite())) as page:
        piece = page.frame_locator("iframe")
        piece.locator(DRAWN).wait_for()
        reached = piece.locator("main").evaluate(
            "() => { try { return String(parent.document.title) } catch { return 'refused' } }"
        )
        assert reached == "refused"


def test_lattices_of_pieces_are_exact(browser, tmp_path):
    cell = perovskite()._replace(lattice=np.eye(3) * 3.91234567)
    with opened(browser, notebook(tmp_path, cell)) as page:
        piece = page.frame_locator("iframe")
        with page.expect_download() as download:
            piece.get_by_role("button", name="POSCAR").click()
        assert "3.9123456700" in open(download.value.path()).read()  # noqa: SIM115
