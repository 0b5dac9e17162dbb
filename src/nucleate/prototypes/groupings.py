"""Subsets of the atoms of an element up to symmetry: choices that an operation maps onto each other are one."""

from __future__ import annotations

import numpy as np


def first_of_its_kind(chosen: np.ndarray, images: np.ndarray) -> tuple[int, ...]:
    """The smallest image of a choice under the operations: the same for equivalent choices.

    chosen: numbers of atoms. images: of a `nucleate.symmetry.template.Template`.
    """
    return min(tuple(row) for row in np.sort(images[:, chosen], 1).tolist())
