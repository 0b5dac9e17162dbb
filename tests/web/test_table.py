"""Questions to a table: filters, order, pages; what can't be read is refused with a hint."""

import numpy as np
import pytest

from nucleate.web.readers import of_cells
from tests.web.folders import rocksalt


def names(client, key: str, **asked) -> list[str]:
    answer = client.get(f"/api/table/{key}", params=asked)
    assert answer.status_code == 200, answer.text
    return [row["values"][0] for row in answer.json()["rows"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"text": "NaCl"}, ["salt-0"]),
        ({"text": "Na2Cl2"}, ["salt-0"]),
        ({"text": "ClNa"}, ["salt-0"]),
        ({"text": "Sr-Ti-O"}, ["perovskite"]),
        ({"text": "O-Mg"}, ["salt-1"]),
        ({"text": "salt-7"}, ["salt-7"]),
        ({"text": "tio"}, ["perovskite"]),
        ({"with": "O"}, ["salt-1", "salt-6", "perovskite"]),
        ({"with": "O", "without": "Ti"}, ["salt-1", "salt-6"]),
        ({"with": "Sr"}, ["salt-5", "perovskite"]),
        ({"with": "Sr,Ti,O", "only": "1"}, ["perovskite"]),
        ({"with": "Sr,O", "only": "1"}, []),
        ({"group": "221"}, ["perovskite"]),
        ({"group": "cubic", "with": "Na"}, ["salt-0"]),
        ({"group": "1-200"}, []),
        ({"where": "band_gap:5.."}, ["salt-5", "salt-6", "salt-7"]),
        ({"where": "band_gap:2..3"}, ["salt-2", "salt-3"]),
        ({"where": "source:book 1"}, ["salt-1", "salt-3", "salt-5", "salt-7"]),
        ({"where": "atoms:5"}, ["perovskite"]),
    ],
)
def test_filters(page, keys, asked, found):
    assert names(page, keys["salts"], **asked) == found


def test_several_conditions_hold_together(page, keys):
    answer = page.get(f"/api/table/{keys['salts']}?where=band_gap:2..&where=source:book+0")
    assert [row["values"][0] for row in answer.json()["rows"]] == ["salt-2", "salt-4", "salt-6"]


def test_order_and_unknown_values_last(page, keys):
    assert names(page, keys["salts"], sort="-band_gap") == [f"salt-{n}" for n in range(7, -1, -1)] + [
        "perovskite"
    ]
    assert names(page, keys["salts"], sort="band_gap")[-1] == "perovskite"
    assert names(page, keys["salts"], sort="-atoms")[0] == "perovskite"


def test_pages_hold_all_rows_once(page, keys):
    seen = [
        name for number in (1, 2, 3) for name in names(page, keys["salts"], size=4, page=number, sort="name")
    ]
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 9


def test_a_page_says_what_it_holds(page, keys):
    answer = page.get(f"/api/table/{keys['salts']}?with=O").json()
    assert (answer["total"], answer["matched"]) == (9, 3)
    assert answer["elements"] == {"O": 3, "Mg": 1, "Ni": 1, "Sr": 1, "Ti": 1}
    gap = next(column for column in answer["columns"] if column["name"] == "band_gap")
    assert (gap["low"], gap["high"], gap["unit"]) == (0.0, 7.0, "eV")


def test_facts_of_crystals_are_right(page, keys):
    answer = page.get(f"/api/table/{keys['salts']}?text=salt-0").json()
    row = dict(
        zip([column["name"] for column in answer["columns"]], answer["rows"][0]["values"], strict=True)
    )
    assert (row["formula"], row["atoms"], row["elements"], row["space_group"]) == ("NaCl", 2, 2, 225)
    assert row["volume"] == pytest.approx(4.0**3 / 8)
    # 4 formula units of 58.443 u in 64 Å^3
    assert row["density"] == pytest.approx(4 * 58.443 / 64 * 1.66054, rel=1e-4)


def test_answers_come_by_rank_with_what_their_headers_say(page, keys):
    answer = page.get(f"/api/table/{keys['answers']}").json()
    columns = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(columns, row["values"], strict=True)) for row in answer["rows"]]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert [row["probability"] for row in rows] == [0.8, 0.1, None]
    assert [row["space_group"] for row in rows] == [216, 225, None]
    assert rows[0]["prototype"] == "AB_cF8_216_a_c"


@pytest.mark.parametrize(
    "asked",
    [
        "page=0", "page=x", "page=99999999999", "size=-1", "with=Xx", "without=<b>", "group=231", "group=5-1",
        "group=x", "where=band_gap", "where=none:1..2", "where=band_gap:a..b", "where=band_gap:nan..",
        "where=source:1..2", "sort=none", "text=" + "a" * 300,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_hint(page, keys, asked):
    answer = page.get(f"/api/table/{keys['salts']}?{asked}")
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert "Traceback" not in answer.text


def test_a_changed_file_is_read_again(tmp_path):
    from starlette.testclient import TestClient

    from nucleate.web.app import make_app
    from nucleate.web.library import Library
    from nucleate.web.routes import Shown
    from tests.web.folders import answers

    answers(tmp_path / "answers")
    found = TestClient(make_app(Shown(library := Library([tmp_path]))))
    (entry,) = library.entries()
    assert found.get(f"/api/table/{entry.key}").json()["total"] == 3
    file = tmp_path / "answers" / "predictions.extxyz"
    file.write_text(file.read_text() + file.read_text().replace("key=", "key=x"))
    assert found.get(f"/api/table/{entry.key}").json()["total"] == 6


def test_elements_are_counted_as_they_are_held():
    rng = np.random.default_rng(0)
    cells = [rocksalt(*pair) for pair in rng.choice(np.arange(1, 90), (40, 2), replace=True)]
    listing = of_cells([str(n) for n in range(40)], [None, *cells[1:]], {})
    for rows in (np.arange(40), np.array([3, 0, 7]), np.array([0]), np.zeros(0, dtype=int)):
        assert listing.element_counts(rows).tolist() == listing.holds[rows].sum(0).tolist()
