"""A copy of the page: scripts that hold the answers, refusals that are told, nothing written over."""

import json
import re

import pytest

from nucleate.errors import NucleateError
from nucleate.web.export import export
from nucleate.web.library import Library
from nucleate.web.routes import Shown
from tests.web.folders import house


def answers_in(folder) -> dict:
    found = {}
    for path in folder.glob("*.js"):
        address, text = re.fullmatch(
            r'nucleateSite\.answers\["(.*?)"\] = (.*);\n', path.read_text(), re.DOTALL
        ).groups()
        found[address] = json.loads(text)
    return found


def test_a_copy_holds_what_the_page_would_ask_for(tmp_path, page, keys):
    said: list[str] = []
    count = export(Shown(Library([house(tmp_path / "house")])), tmp_path / "site", said.append)
    assert said == []
    found = answers_in(tmp_path / "site" / "data")
    assert count == len(found) == 2 + 2 + 9 + 3
    (table,) = [one for name, one in found.items() if name.startswith("table/") and one["total"] == 9]
    assert table["rows"] == page.get(f"/api/table/{keys['salts']}").json()["rows"]
    assert {entry["name"] for entry in found["library"]["entries"]} == {"salts", "answers"}
    text = (tmp_path / "site" / "index.html").read_text()
    assert re.findall(r'src="([^"]+)"', text) == ["site.js", "app.js"]
    for name in ("site.js", "app.js", "app.css", "3Dmol-min.js", "3Dmol.LICENSE.txt"):
        assert (tmp_path / "site" / name).stat().st_size


def test_what_cannot_be_read_is_left_out_and_told(tmp_path):
    house(tmp_path / "house")
    (tmp_path / "house" / "salts" / "train.parquet").write_bytes(b"")
    said: list[str] = []
    export(Shown(Library([tmp_path / "house"])), tmp_path / "site", said.append)
    assert len(said) == 1
    assert "salts is left out" in said[0]
    entries = answers_in(tmp_path / "site" / "data")["library"]["entries"]
    assert [entry["name"] for entry in entries] == ["answers"]


def test_only_a_copy_is_written_over(tmp_path):
    shown = Shown(Library([house(tmp_path / "house")]))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(NucleateError, match="no copy"):
        export(shown, tmp_path / "mine", print)
    export(shown, tmp_path / "site", print)
    export(shown, tmp_path / "site", print)
