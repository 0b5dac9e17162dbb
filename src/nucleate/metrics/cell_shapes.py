"""Lengths, angles and reduction of many cells at once, float64 and to the digit as pymatgen's verdicts need them."""

from __future__ import annotations

import numpy as np


def cell_parameters(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths [cells, 3] in Å and angles [cells, 3] in degrees of cells [cells, 3, 3]."""
    lengths = np.sqrt((cells**2).sum(-1))
    following, last = cells[:, [1, 2, 0]], cells[:, [2, 0, 1]]
    cosines = (following * last).sum(-1) / (lengths[:, [1, 2, 0]] * lengths[:, [2, 0, 1]])
    return lengths, np.rad2deg(np.arccos(np.clip(cosines, -1, 1)))


def cells_from_parameters(lengths: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Cells [cells, 3, 3] with c along z and a in the xz plane, from lengths (Å) and angles (degrees)."""
    cosine, sine = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    star = (cosine[:, 0] * cosine[:, 1] - cosine[:, 2]) / (sine[:, 0] * sine[:, 1])
    star = np.arccos(np.clip(star, -1, 1))
    cells = np.zeros((len(lengths), 3, 3))
    cells[:, 0, 0], cells[:, 0, 2] = sine[:, 1], cosine[:, 1]
    cells[:, 1, 0], cells[:, 1, 1] = -sine[:, 0] * np.cos(star), sine[:, 0] * np.sin(star)
    cells[:, 1, 2], cells[:, 2, 2] = cosine[:, 0], 1.0
    return cells * lengths[:, :, None]


def reciprocal_lengths(cells: np.ndarray) -> np.ndarray:
    """Lengths of the reciprocal vectors of cells [..., 3, 3], with the factor 2 pi, 1/Å. [..., 3]"""
    return 2 * np.pi * np.sqrt((np.linalg.inv(cells) ** 2).sum(1))


def angles_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles in degrees between every vector of the one and every vector of the other."""
    norms = np.sqrt((first**2).sum(1))[:, None], np.sqrt((second**2).sum(1))[None, :]
    return np.rad2deg(np.arccos(np.clip(first @ second.T / norms[0] / norms[1], -1, 1)))


def surely_lll_reduced(cells: np.ndarray) -> np.ndarray:
    """Where LLL with delta = 3/4 leaves the basis as it is, with a margin for rounding. [cells]"""
    a, b, c = cells[:, 0], cells[:, 1], cells[:, 2]
    aa = (a * a).sum(1)
    ba = (b * a).sum(1) / aa
    b_star = b - ba[:, None] * a
    bb = (b_star * b_star).sum(1)
    ca, cb = (c * a).sum(1) / aa, (c * b_star).sum(1) / bb
    c_star = c - ca[:, None] * a - cb[:, None] * b_star
    cc = (c_star * c_star).sum(1)
    half, margin = 0.5 - 1e-9, 1 + 1e-9
    small = (np.abs(ba) < half) & (np.abs(ca) < half) & (np.abs(cb) < half)
    return small & (bb > (0.75 - ba**2) * aa * margin) & (cc > (0.75 - cb**2) * bb * margin)
