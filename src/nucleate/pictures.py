"""Pictures of crystals: balls in their cell, seen in perspective, as a strip of frames from noise to crystal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import DataError, MissingPackageError

ENDINGS = (".png", ".svg", ".pdf")
MARGIN = 0.06
EDGES = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]


def draw_strip(
    frames: Sequence[Cell], titles: Sequence[str], path: Path, azimuth: float = 28, height: float = 2.6
) -> None:
    """Draw frames side by side, all to one scale, and save them as `path` (PNG, SVG or PDF by its ending).

    Atoms near a face of the cell are repeated on the opposite one. Raises DataError without frames, for numbers
    that are not finite, and for a path that can't be written.
    """
    check_picture(path)
    if not frames:
        raise DataError("there are no frames to draw", "give an extended XYZ file with at least one frame")
    for title, frame in zip(titles, frames, strict=True):
        if not frame.finite:
            raise DataError(f"'{title}' holds numbers that are not finite", "leave this frame out")
    try:
        import matplotlib
    except ImportError:
        raise MissingPackageError("pictures need matplotlib", "pip install matplotlib") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(frames), figsize=(height * len(frames), height * 1.08), squeeze=False)
    reach = (
        max(float(np.abs(_centred_corners(cell) @ _view(azimuth)[:, :2]).max()) for *_, cell in frames) + 1.0
    )
    for axis, frame, title in zip(axes[0], frames, titles, strict=True):
        _draw_cell(axis, frame, azimuth)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axis.axis("off")
        axis.set_title(title, fontsize=10)
    figure.tight_layout(pad=0.3)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=160, facecolor="white", bbox_inches="tight", pad_inches=0.08)
    except OSError as error:
        raise DataError(f"{path} can't be written ({error.strerror})", "name another --out") from error
    finally:
        plt.close(figure)


def check_picture(path: Path) -> None:
    """Raise DataError if a picture of this kind can't be made."""
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"no picture can be made as {path}", f"end its name with one of {', '.join(ENDINGS)}")


def _view(azimuth: float) -> np.ndarray:
    """Columns: screen right, screen up, towards the eye. [3, 3]"""
    turn, tilt = np.radians(azimuth), np.radians(18)
    right = np.array([np.cos(turn), np.sin(turn), 0])
    eye = np.array([np.sin(turn) * np.cos(tilt), -np.cos(turn) * np.cos(tilt), np.sin(tilt)])
    return np.stack([right, np.cross(eye, right), eye], 1)


def _centred_corners(cell: np.ndarray) -> np.ndarray:
    return (np.array(list(product((0, 1), repeat=3))) - 0.5) @ cell


def _draw_cell(axis, frame: Cell, azimuth: float) -> None:
    from ase.data import covalent_radii
    from ase.data.colors import jmol_colors
    from matplotlib.patches import Circle

    species, frac, cell = frame
    view = _view(azimuth)
    corners = _centred_corners(cell) @ view
    for i, j in EDGES:
        axis.plot(
            corners[[i, j], 0], corners[[i, j], 1], color="0.6", lw=0.9, zorder=corners[[i, j], 2].mean()
        )
    for number, place in _with_images(species, frac):
        x, y, depth = ((place - 0.5) @ cell) @ view
        radius = 0.5 * covalent_radii[number]
        colour = np.asarray(jmol_colors[number])
        axis.add_patch(Circle((x, y), radius, facecolor=colour, edgecolor="0.15", lw=0.7, zorder=depth))
        light = np.minimum(1, colour + 0.35)
        spot = Circle(
            (x - 0.3 * radius, y + 0.3 * radius), 0.3 * radius, color=light, alpha=0.8, zorder=depth + 1e-3
        )
        axis.add_patch(spot)


def _with_images(numbers: np.ndarray, frac: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Atoms, and their copies on the far side of the faces they lie on."""
    out = []
    for number, place in zip(numbers.tolist(), np.mod(frac, 1), strict=True):
        shifts = [(0, 1) if x < MARGIN else (0, -1) if x > 1 - MARGIN else (0,) for x in place]
        out += [(number, place + np.array(shift)) for shift in product(*shifts)]
    return out
