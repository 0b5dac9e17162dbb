"""What the page starts: only with --run, one at a time, wishes that are checked, stopped as by Ctrl-C."""

import signal
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nucleate.errors import NucleateError
from nucleate.web.app import make_app
from nucleate.web.library import Library
from nucleate.web.routes import Shown
from nucleate.web.runner import Runner, Wish

WAITS = "import sys, time; print('begun', file=sys.stderr, flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def heard():
    """Ctrl-C reaches child processes where a shell started the tests in the background and has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def until(runner: Runner, *states: str) -> str:
    for _ in range(600):
        if runner.state()["state"] in states:
            break
        time.sleep(0.05)
    return runner.state()["state"]


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"task": "rm"}, {"task": "predict"}, {"task": "predict", "formula": 3},
        {"task": "predict", "formula": "Xx"},
        {"task": "predict", "formula": "--help"}, {"task": "predict", "formula": "ZnSe; ls"},
        {"task": "predict", "formula": "ZnSe", "count": 0}, {"task": "predict", "formula": "ZnSe", "count": 21},
        {"task": "predict", "formula": "ZnSe", "count": True}, {"task": "predict", "formula": "ZnSe", "seed": -1},
        {"task": "predict", "formula": "ZnSe", "potential": "../x"}, {"task": "generate", "count": "5"},
    ],
)  # fmt: skip
def test_wishes_that_cannot_be_met(wish):
    with pytest.raises(NucleateError):
        Wish.of(wish)


def test_the_same_wish_goes_on_in_the_same_folder():
    wish = Wish.of({"task": "predict", "formula": "Zn2Se2", "count": 3})
    assert wish == Wish.of({"task": "predict", "formula": "ZnSe", "count": 3})
    assert wish.folder == "ZnSe-3-seed0"
    assert Wish.of({"task": "generate", "count": 3}).folder == "new-3-seed0"
    words = wish.command(Path("out"))
    assert words[3:5] == ["predict", "ZnSe"]


def test_one_at_a_time_stopped_and_started_again(tmp_path, monkeypatch):
    monkeypatch.setattr(Wish, "command", lambda self, out: [sys.executable, "-c", WAITS])
    runner, wish = Runner(tmp_path), Wish.of({"task": "generate", "count": 1})
    assert runner.start(wish)["state"] == "running"
    with pytest.raises(NucleateError, match="running already"):
        runner.start(wish)
    while not runner.state()["said"]:
        time.sleep(0.02)
    begun = time.monotonic()
    assert runner.stop()["state"] == "stopped"
    assert time.monotonic() - begun < 10
    assert runner.start(wish)["state"] == "running"
    runner.stop()


def test_how_a_command_ended_is_told(tmp_path, monkeypatch):
    runner, wish = Runner(tmp_path), Wish.of({"task": "generate", "count": 1})
    for code, state in ((0, "done"), (2, "failed")):
        text = f"import sys; print('error: it is so', file=sys.stderr); sys.exit({code})"
        monkeypatch.setattr(Wish, "command", lambda self, out, text=text: [sys.executable, "-c", text])
        runner.start(wish)
        assert until(runner, "done", "failed") == state
        assert runner.state()["said"] == ["error: it is so"]


def test_a_page_without_run_starts_nothing(page):
    assert page.post("/api/task", json={"task": "generate", "count": 1}).status_code == 403
    assert page.delete("/api/task").status_code == 403
    assert page.get("/api/task").status_code == 403


def test_the_page_starts_and_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(Wish, "command", lambda self, out: [sys.executable, "-c", WAITS])
    page = TestClient(make_app(Shown(Library([tmp_path]), runner=Runner(tmp_path))))
    assert page.get("/api/about").json()["runs"] is True
    assert page.get("/api/task").json()["state"] == "idle"
    assert page.post("/api/task", json={"task": "predict", "formula": "ZnSe"}).json()["state"] == "running"
    assert page.post("/api/task", json={"task": "predict", "formula": "ZnSe"}).status_code == 400
    assert page.delete("/api/task").json()["state"] == "stopped"
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        assert page.post("/api/task", content=body).status_code == 400
