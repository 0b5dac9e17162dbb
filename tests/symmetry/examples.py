"""Templates for every space group, without a table of Wyckoff positions: orbits of points under the operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nucleate.symmetry.operations import operations_of_number
from nucleate.symmetry.template import Template, images_of

GENERAL = (0.137, 0.271, 0.419)


def template(
    number: int, points: Sequence[Sequence[float]], elements: Sequence[int] | None = None
) -> Template:
    """A space group in its primitive cell with the orbits of these points, of elements 1, 2, .. or as given."""
    found = operations_of_number(number)
    species, frac = [], []
    for place, point in enumerate(points):
        images = (found.rotations @ np.array(point) + found.translations) % 1 % 1
        orbit: list[np.ndarray] = []
        for image in images:
            gaps = [one - image - np.round(one - image) for one in orbit]
            if all(np.abs(gap).max() > 1e-6 for gap in gaps):
                orbit.append(image)
        frac += orbit
        species += [place + 1 if elements is None else elements[place]] * len(orbit)
    places, numbers = np.array(frac), np.array(species)
    images = images_of(numbers, places, found.rotations, found.translations)
    return Template(number, numbers, places, found.rotations, found.translations, images)


def many(numbers: Sequence[int]) -> list[Template]:
    """For each group an orbit through the origin and one in general position."""
    return [template(number, [(0, 0, 0), GENERAL], [11, 17]) for number in numbers]
