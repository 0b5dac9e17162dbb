"""Pictures are made, show something, and refuse what can't be drawn."""

import numpy as np
import pytest

from nucleate.cell import Cell
from nucleate.errors import DataError
from nucleate.pictures import draw_strip

FRAME = Cell(np.array([11, 17]), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.eye(3) * 3.4)


def pixels(path) -> np.ndarray:
    """[height, width, 3], 0 to 1."""
    from matplotlib import image

    return image.imread(path)[..., :3]


def test_a_strip_shows_its_frames(tmp_path):
    draw_strip([FRAME, FRAME], ["first", "second"], tmp_path / "new" / "a.png")
    picture = pixels(tmp_path / "new" / "a.png")
    assert picture.shape[1] > 1.5 * picture.shape[0]
    halves = np.array_split(picture, 2, axis=1)
    assert all(half.var() > 0.01 for half in halves)
    # jmol draws chlorine green: without atoms, lines and letters are grey
    assert all((half[..., 1] - half[..., 0] > 0.5).mean() > 0.01 for half in halves)


def test_an_atom_at_the_corner_stands_at_every_corner(tmp_path):
    def share_of_violet(place: float) -> float:
        draw_strip([Cell(np.array([11]), np.full((1, 3), place), np.eye(3) * 5)], [""], tmp_path / "a.png")
        picture = pixels(tmp_path / "a.png")
        return float((picture[..., 2] - picture[..., 1] > 0.3).mean())

    assert share_of_violet(0.0) > 3 * share_of_violet(0.5) > 0


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_other_kinds_of_pictures(tmp_path, ending):
    draw_strip([FRAME], [""], tmp_path / f"a.{ending}")
    head = (tmp_path / f"a.{ending}").read_bytes()[:200]
    assert (b"<?xml" if ending == "svg" else b"%PDF") in head


def test_undrawable_crystals_are_refused(tmp_path):
    with pytest.raises(DataError, match="no frames"):
        draw_strip([], [], tmp_path / "a.png")
    with pytest.raises(DataError, match=r"no picture can be made as .*a\.foo"):
        draw_strip([FRAME], [""], tmp_path / "a.foo")
    with pytest.raises(DataError, match="'end' holds numbers that are not finite"):
        draw_strip([FRAME, FRAME._replace(frac=FRAME.frac * np.nan)], ["start", "end"], tmp_path / "a.png")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="can't be written"):
        draw_strip([FRAME], [""], tmp_path / "file" / "a.png")
    assert not (tmp_path / "a.png").exists()
