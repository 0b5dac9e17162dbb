"""Some of the atoms of an element, chosen up to symmetry: choices that an operation turns into one another are one."""

from __future__ import annotations

import numpy as np


def first_of_its_kind(chosen: np.ndarray, images: np.ndarray) -> tuple[int, ...]:
    """The least of all choices that the operations make of one: the same for equivalent choices.

    chosen: numbers of atoms. images: of a `nucleate.symmetry.template.Template`.
    """
    return min(tuple(row) for row in np.sort(images[:, chosen], 1).tolist())
