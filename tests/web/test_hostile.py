"""Hostile requests and files give clean answers: nothing but 2xx where the request is sound, else 4xx, never 5xx."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient, httpx

from nucleate.web.app import make_app
from nucleate.web.guard import Guard
from nucleate.web.library import CRYSTALS, FRESH, Library
from nucleate.web.routes import Shown
from tests.web.folders import house
from tests.web.hostile import broken_files, requests

HOST, TOKEN = "127.0.0.1:8417", "token"
SECRET = "root:x:0"
InvalidURL = httpx.InvalidURL


def full(folder):
    house(folder)
    run = folder / "run"
    run.mkdir()
    (run / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n')
    (folder / "report.json").write_text('{"report": "dng", "format": 1, "record": {}}')
    return folder


def client(folder) -> tuple[TestClient, Library]:
    library = Library([folder])
    guard = Guard(make_app(Shown(library)), TOKEN, (HOST,))
    return TestClient(
        guard, base_url=f"http://{HOST}", raise_server_exceptions=True, follow_redirects=False
    ), library


def run_requests(folder, count: int, seed: int) -> dict[int, int]:
    """How many answers of each status."""
    page, library = client(full(folder))
    keys = [entry.key for entry in library.entries()]
    found: dict[int, int] = {}
    for ask in requests(count, keys, seed):
        if ask.path.startswith("api/events"):
            continue  # a stream that does not end
        if ask.path.startswith("api/upload") and ask.method == "POST":
            continue  # starts a process: test_uploads
        try:
            answer = page.request(
                ask.method, f"/{TOKEN}/{ask.path}", params=ask.query, headers=ask.headers, content=ask.body
            )
        except (UnicodeEncodeError, ValueError, InvalidURL):
            continue  # the client itself refuses to send it
        found[answer.status_code] = found.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (ask, answer.text)
        assert answer.status_code // 100 in (2, 4), (ask, answer.status_code)
        assert SECRET not in answer.text
        assert "Traceback" not in answer.text
        assert "content-security-policy" in answer.headers
        if answer.status_code >= 400 and ask.method != "HEAD":
            assert json.loads(answer.text)["error"]
    return found


def run_files(folder, count: int, seed: int) -> dict[int, int]:
    """Every view of every broken folder."""
    full(folder)
    broken_files(folder, count, seed)
    page, library = client(folder)
    found: dict[int, int] = {}
    for entry in library.entries():
        views = ["table/{}", "crystal/{}/0", "zip/{}/cif"] if entry.kind in CRYSTALS else []
        views += {"run": ["run/{}"], "report": ["report/{}"]}.get(entry.kind, [])
        for view in views:
            answer = page.get(f"/{TOKEN}/api/{view.format(entry.key)}")
            found[answer.status_code] = found.get(answer.status_code, 0) + 1
            assert answer.status_code in (200, 400, 404), (entry, view, answer.text)
            assert SECRET not in answer.text
    return found


def test_hostile_requests(tmp_path):
    found = run_requests(tmp_path, 150, 0)
    assert sum(count for status, count in found.items() if status >= 400) > 80


def test_hostile_files(tmp_path):
    run_files(tmp_path, 20, 0)


@pytest.mark.slow
def test_a_thousand_hostile_requests_and_files(tmp_path):
    for seed in range(5):
        (tmp_path / f"{seed}").mkdir()
        (tmp_path / f"files-{seed}").mkdir()
        run_requests(tmp_path / f"{seed}", 200, seed)
        run_files(tmp_path / f"files-{seed}", 40, seed)


def test_the_search_is_not_repeated_for_each_request(tmp_path, monkeypatch):
    from nucleate.web import library as module

    assert FRESH > 0
    library = Library([house(tmp_path)])
    library.entries()
    monkeypatch.setattr(module, "_search", lambda root: pytest.fail("searched again"))
    for _ in range(20):
        library.entries()
