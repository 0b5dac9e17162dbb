"""What notebooks are given: everything in one piece of HTML, the first crystals of many, whatever kind they are."""

import base64
import gzip
import html
import json
import re

import numpy as np
import pytest

import nucleate
from nucleate.crystals import Crystals
from nucleate.data.dataset import Dataset
from nucleate.errors import DataError
from nucleate.predictor.structures import Structures
from nucleate.web.notebook import DETAILED, ROWS, show
from nucleate.web.piece import document
from tests.web.folders import data_set, perovskite, rocksalt


def answers_of(page: str) -> dict:
    packed = json.loads(re.search(r"const packed = (\{.*\});", page)[1])
    return json.loads(gzip.decompress(base64.b64decode(packed["answers"])))


@pytest.mark.parametrize(
    "thing",
    [
        perovskite(), perovskite().to_structure(), perovskite().to_atoms(), Crystals.of_cells([perovskite()]),
        [perovskite()],
    ],
    ids=["cell", "pymatgen", "ase", "crystals", "list"],
)  # fmt: skip
def test_one_crystal_of_any_kind(thing):
    piece = show(thing)
    assert repr(piece) == "SrTiO3"
    found = answers_of(piece.document)["crystal/here/0"]
    assert found["symmetry"][-1]["number"] == 221
    assert '"#/crystal/here/0"' in piece.document


def test_what_structures_say_of_themselves_stands_in_the_table():
    structures = [rocksalt(12, 8).to_structure(), rocksalt(20, 8).to_structure()]
    for sample, structure in enumerate(structures):
        structure.properties |= {
            "sample": sample,
            "probability": 0.5 - sample / 4,
            "source": "mp_20:mp-1",
            "lists": [1],
        }
    table = answers_of(show(structures).document)["table/here"]
    names = [column["name"] for column in table["columns"]]
    assert names[:4] == ["name", "formula", "rank", "probability"]
    assert [row["values"][2:4] for row in table["rows"]] == [[1.0, 0.5], [2.0, 0.25]]
    assert "lists" not in names


def test_many_crystals_are_cut_and_say_so(tmp_path):
    cells = [rocksalt(12, 8, 4 + n / 1000) for n in range(ROWS + 5)]
    found = answers_of(show(cells).document)
    assert found["table/here"]["total"] == ROWS + 5
    assert len(found["table/here"]["rows"]) == ROWS
    assert sum(address.startswith("crystal/") for address in found) == DETAILED


def test_our_own_classes_draw_themselves(tmp_path):
    table = Dataset.open(data_set(tmp_path / "salts")).split("train")
    for thing in (
        table,
        Crystals.of_cells([perovskite()]),
        perovskite(),
        Structures([perovskite().to_structure()]),
    ):
        found = thing._repr_html_()
        assert found.count("<iframe") == 1
        assert 'sandbox="allow-scripts allow-downloads"' in found
    assert "6 crystals" in table._repr_html_()
    assert nucleate.show is show


def test_a_piece_is_whole_and_hides_nothing_from_html():
    piece = show(perovskite())
    drawn = piece._repr_html_()
    inside = html.unescape(re.search(r'srcdoc="([^"]*)"', drawn)[1])
    assert inside == piece.document
    assert not re.search(r"(?:src|href)=|https?://", inside)
    assert len(drawn) < 400_000
    assert show(perovskite()).document == piece.document


def test_names_cannot_end_the_script():
    page = document({"a": "</script><script>alert(1)</script>"}, "#/</script>", "</title><script>")
    assert page.count("</script>") == 1
    assert page.count("<script>") == 1


@pytest.mark.parametrize(
    "thing", [[], 7, ["NaCl"], None, np.zeros(3)], ids=["nothing", "number", "text", "None", "array"]
)
def test_what_is_no_crystal_is_refused(thing):
    with pytest.raises(DataError):
        show(thing)


def test_folders_that_are_none(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        show(tmp_path / "nowhere")
