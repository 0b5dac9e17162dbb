"""Files that are dropped on the page: read in a process beside, with limits; a bad one is one sentence."""

import pytest

from nucleate.errors import DataError
from nucleate.web import uploads
from nucleate.web.uploads import kind_of, read_upload
from tests.web.folders import perovskite


def test_a_cif_is_shown(page):
    text = perovskite().to_structure().to(fmt="cif")
    answer = page.post("/api/upload?name=a.cif", content=text.encode())
    (found,) = answer.json()["crystals"]
    assert found["crystal"]["lengths"] == pytest.approx([3.9] * 3)
    assert found["symmetry"][-1]["number"] == 221


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exe", b"x"), ("a", b"x"), ("../../etc/passwd", b"x"), ("a.cif", b"x" * (uploads.LARGEST + 1)),
        ("a.cif", b"data_a\nloop_\n_cell_length_a\n"), ("POSCAR", b"\x00\xff" * 100),
        ("a.extxyz", b"99999999999\nx\n"),
    ],
)  # fmt: skip
def test_bad_files_are_refused(page, name, data):
    answer = page.post("/api/upload", params={"name": name}, content=data)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert "/tmp" not in answer.text


def test_a_file_that_takes_too_long_is_given_up():
    with pytest.raises(DataError, match="too long"):
        read_upload("a.cif", b"data_a", patience=0.001)


def test_kinds_by_name():
    assert [kind_of(name) for name in ("a.CIF", "POSCAR_1", "x.vasp", "b.xyz")] == [
        "cif",
        "poscar",
        "poscar",
        "extxyz",
    ]
