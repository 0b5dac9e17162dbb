"""The front end that is shipped was built from the sources beside it, holds what it needs, and asks nobody else."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"
STATIC = files("nucleate.web.static")


def test_the_build_belongs_to_the_sources():
    listed = dict(
        line.split("  ")[::-1] for line in STATIC.joinpath("sources.sha256").read_text().splitlines()
    )
    inside = [
        path for folder in ("src", "public") for path in (FRONTEND / folder).rglob("*") if path.is_file()
    ]
    named = [
        FRONTEND / name for name in ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
    ]
    found = {
        path.relative_to(FRONTEND).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [*inside, *named]
    }
    assert listed == found, "the sources changed after the build: run 'make frontend'"


def test_the_page_loads_nothing_from_elsewhere():
    text = STATIC.joinpath("index.html").read_text()
    assert re.findall(r'(?:src|href)="([^"]+)"', text) == ["icon.svg", "app.css", "app.js"]
    assert "style=" not in text
    assert not re.search(r"<script>|\son\w+=", text)


@pytest.mark.parametrize("name", ["app.js", "app.css"])
def test_the_build_is_small_and_names_no_other_host(name):
    text = STATIC.joinpath(name).read_text()
    assert len(text) < 300_000
    hosts = set(re.findall(r"https?://([\w.-]+)", text))
    assert hosts <= {"www.w3.org"}
