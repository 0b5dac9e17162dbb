"""nucleate draw: titles, frames that are left out, and one line and a hint for bad input; nucleate models likewise."""

import pytest

from nucleate import pictures
from tests.cli.words import assert_one_line, run

HEAD = 'Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3'


def frames(*headers: str, place: str = "0 0 0") -> str:
    return "".join(f"1\n{HEAD} {header}\nNa {place}\n" for header in headers)


@pytest.fixture
def titles(monkeypatch) -> list[str]:
    """What the strip is asked to write above its frames."""
    seen = []
    monkeypatch.setattr(pictures, "draw_strip", lambda cells, titles, out: seen.extend(titles))
    return seen


def test_a_picture_is_made_and_named_on_stdout(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.extxyz").write_text(frames("t=1.0", "t=0.0"))
    assert run(monkeypatch, "draw", tmp_path / "a.extxyz", "--out", tmp_path / "a.png") == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_titles_are_the_times_of_the_frames(tmp_path, monkeypatch, titles):
    (tmp_path / "a.extxyz").write_text(frames("t=1.0", "t=0.9", "t=0.5", "t=0.1", "t=0"))
    assert run(monkeypatch, "draw", tmp_path / "a.extxyz", "--frames", 3, "--out", tmp_path / "a.png") == 0
    assert titles == ["t = 1.00", "t = 0.50", "t = 0.00"]


def test_frames_without_a_time_show_their_number_and_broken_ones_are_counted(
    tmp_path, monkeypatch, titles, capsys
):
    (tmp_path / "a.extxyz").write_text(
        frames("") + frames("", place="nan 0 0") + frames("", place="x y z") + frames("")
    )
    assert run(monkeypatch, "draw", tmp_path / "a.extxyz", "--out", tmp_path / "a.png") == 0
    assert titles == ["frame 0", "frame 3"]
    assert "2 of 4 frames are left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "out", "part"),
    [
        (frames("t=1"), "a.foo", "no picture can be made as"),
        (frames("t=1"), "a", "no picture can be made as"),
        (frames("t=1"), "a.extxyz/b.png", "can't be written"),
        (frames("t=1", "t=0", place="nan 0 0"), "a.png", "none of the 2 frames"),
        ("", "a.png", "no frames to draw"),
        ("-3\nx\n", "a.png", "is not a number of atoms"),
        ("\u00b2\nx\n", "a.png", "is not a number of atoms"),
        ("\x00\xff binary", "a.png", "is not a number of atoms"),
        (frames("t=1")[:-9], "a.png", "ends within a frame"),
        (frames("t=1")[:-8], "a.png", "none of the 1 frames"),
        (frames("").replace("pos:R:3", "pos:R:x").replace("species:S", "kind:S"), "a.png", "no species and pos"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_a_hint(tmp_path, monkeypatch, capsys, text, out, part):
    (tmp_path / "a.extxyz").write_text(text, encoding="latin-1")
    assert run(monkeypatch, "draw", tmp_path / "a.extxyz", "--out", tmp_path / out) == 2
    assert_one_line(capsys, part)


def test_no_file(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "draw", tmp_path) == 2
    assert_one_line(capsys, "no file")


def test_a_folder_without_a_card_is_no_model(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "models", tmp_path) == 2
    assert_one_line(capsys, str(tmp_path))
