"""Files of crystals: what is written is read, a frame that is being written is not there yet, a cut one is dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleate.data.extxyz import frame_text, read_every_frame
from nucleate.data.frames import finished
from nucleate.errors import DataError
from nucleate.records.crystal_files import (
    crystal_name,
    drop_cut_frame,
    prediction_files,
    read_headers,
    read_prediction_files,
)

RNG = np.random.default_rng(0)
LATTICE = np.array([[4.0, 0.5, -0.3], [1.2, 5.0, 0.7], [-0.4, 2.1, 6.0]])
INFOS: list[dict[str, object]] = [
    {"key": "a", "sample": 0, "formula": "Mg O", "material_id": ""},
    {"key": "b", "sample": 1, "formula": "MgO", "material_id": "O'Neill (2)"},
    {"key": "c", "sample": 2, "model": "x=y", "note": "back\\slash", "none": None},
]


def frames() -> list[str]:
    return [
        frame_text(np.array([12, 8, 8][: 1 + n]), RNG.random((1 + n, 3)), LATTICE, info)
        for n, info in enumerate(INFOS)
    ]


def written(info: dict[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in info.items() if value is not None}


def test_written_crystals_are_read_back() -> None:
    species, frac = np.array([12, 8]), RNG.random((2, 3))
    for info in INFOS:
        (found,) = read_every_frame(frame_text(species, frac, LATTICE, info))
        read, cell, problem = found
        assert problem == ""
        assert read.items() >= written(info).items()
        assert cell is not None
        assert cell.species.tolist() == [12, 8]
        np.testing.assert_allclose(cell.frac, frac, atol=1e-8)
        np.testing.assert_allclose(cell.lattice, LATTICE, atol=1e-8)


def test_headers_are_read_with_the_bytes_at_which_frames_end(tmp_path: Path) -> None:
    path, texts = tmp_path / "predictions.extxyz", frames()
    path.write_text("".join(texts))
    headers, ends = zip(*read_headers(path), strict=True)
    assert [{k: v for k, v in header.items() if k in info} for header, info in zip(headers, INFOS, strict=True)] == [
        written(info) for info in INFOS
    ]  # fmt: skip
    assert list(ends) == np.cumsum([len(text.encode()) for text in texts]).tolist()


def test_at_every_byte_the_same_whole_frames_are_seen(tmp_path: Path) -> None:
    """By one that reads while the file grows, and by one that goes on after a crash."""
    path, texts = tmp_path / "predictions.extxyz", frames()
    content = "".join(texts)
    ends = np.cumsum([len(text) for text in texts])
    for size in range(len(content) + 1):
        whole = int((ends <= size).sum())
        path.write_text(content[:size])
        assert len(read_prediction_files([path], unfinished=True)[0]) == whole
        assert finished(content[:size]) == "".join(texts[:whole])
        assert len(drop_cut_frame(path)) == whole
        assert path.read_text() == "".join(texts[:whole])


def test_a_cut_file_is_refused_unless_it_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "predictions.extxyz"
    path.write_text("".join(frames())[:-80])
    with pytest.raises(DataError, match="ends within a frame that begins at line 8"):
        read_prediction_files([path])
    path.write_text("data_x\n")
    with pytest.raises(DataError, match="is not extended XYZ"):
        drop_cut_frame(path)
    assert path.read_text() == "data_x\n"


def test_a_crystal_drawn_twice_counts_once(tmp_path: Path) -> None:
    texts = frames()
    (tmp_path / "predictions.0-of-2.extxyz").write_text(texts[0] + texts[1])
    (tmp_path / "predictions.1-of-2.extxyz").write_text(texts[1] + texts[2])
    (tmp_path / "other.extxyz").write_text(texts[0])
    files = prediction_files(tmp_path)
    assert len(files) == 2
    found, repeated = read_prediction_files(files)
    assert ([frame.info["key"] for frame in found], repeated) == (["a", "b", "c"], 1)


@pytest.mark.parametrize(
    ("info", "file", "name"),
    [
        ({"sample": "7"}, "generated.extxyz", "generated-000007"),
        ({"sample": "7", "cell": "Na4Cl4", "formula": "NaCl"}, "predictions.extxyz", "Na4Cl4-007"),
        ({"sample": "7", "material_id": "mp/1 b"}, "predictions.extxyz", "mp_1_b-007"),
        ({"sample": "7"}, "predictions.extxyz", ""),
        ({"sample": "x", "cell": "NaCl"}, "predictions.extxyz", ""),
    ],
)
def test_names_of_crystals(info: dict[str, str], file: str, name: str) -> None:
    assert crystal_name(info, file) == name
