"""Trajectories: the frames of one file, with what each says of its time and energy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.extxyz import read_sound_frames
from nucleate.defects import defect
from nucleate.errors import DataError
from nucleate.report.html.gallery import DRAWN
from nucleate.web.details import arrays

MOST = 400
"""Frames that are sent, spread evenly over the file."""
ENERGIES = ("energy_per_atom", "energy", "free_energy")


def files_of(folder: Path) -> list[Path]:
    """Files of trajectories in a folder, by name."""
    return sorted(file for file in folder.glob("*.extxyz") if file.is_file())


def trajectory(folder: Path, number: int) -> dict[str, Any]:
    """One file of a folder: names of all files, and the frames of this one.

    Raises IndexError for a file that there is not, DataError for one that can't be read.
    """
    files = files_of(folder)
    if not 0 <= number < len(files):
        raise IndexError(number)
    path = files[number]
    found = list(read_sound_frames(path.read_text(errors="replace"), path.name))
    if not found:
        raise DataError(f"{path.name} holds no frames", "it was cut: draw it again with --trajectory")
    places = np.unique(np.linspace(0, len(found) - 1, min(MOST, len(found))).round().astype(int))
    frames = []
    for place in places.tolist():
        info, cell = found[place]
        sound = cell is not None and not defect(cell, DRAWN)
        frames.append(
            {
                "t": _number(info.get("t")),
                "energy": next((_number(info[name]) for name in ENERGIES if name in info), None),
                "volume": cell.volume / len(cell.species) if cell is not None and sound else None,
                "crystal": arrays(cell) if cell is not None and sound else None,
            }
        )
    return {"files": [file.stem for file in files], "file": number, "frames": frames, "of": len(found)}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None
