"""A folder with a little of everything, and the application over it."""

from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the page needs nucleate[show]")


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    from tests.web.folders import house

    return house(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def page(folder):
    """A client of the application without its guard."""
    from starlette.testclient import TestClient

    from nucleate.web.app import make_app
    from nucleate.web.library import Library
    from nucleate.web.routes import Shown

    return TestClient(make_app(Shown(Library([folder]))))


@pytest.fixture(scope="session")
def keys(page) -> dict[str, str]:
    """Keys of the things in the folder by their names."""
    return {entry["name"]: entry["key"] for entry in page.get("/api/library").json()["entries"]}


@pytest.fixture(scope="session")
def browser():
    """Debian's or any other Chromium."""
    from tests.web.browser import ARGUMENTS, chromium

    playwright = pytest.importorskip("playwright.sync_api", reason="tests in a browser need playwright")
    if chromium() is None:
        pytest.skip("no Chromium on this machine: apt-get install -y chromium")
    with playwright.sync_playwright() as program:
        found = program.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield found
        found.close()
