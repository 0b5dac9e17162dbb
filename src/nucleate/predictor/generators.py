"""Generators that other packages bring, by the names of their entry points.

A package adds one by an entry point of the group `nucleate.generators`: its name is the generator's, its value a
function of (device, precision) that makes it. The package is imported when its generator is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from nucleate.errors import ModelError, NucleateError
from nucleate.sampling.generator import Generator

ENTRY_POINTS = "nucleate.generators"
SHIPPED = {
    "answers": "nucleate.answers.shipped:made",
    "wyckoff-mp20": "nucleate.predictor.sequences:made",
    "substitution": "nucleate.prototypes.exchange_generator:made",
}
"""Generators of this package that are no model folders."""
SHIPPED_ABOUT = {
    "answers": "different structures of a composition with probabilities: prototypes, draws, energies",
    "wyckoff-mp20": "wyckoff-mp20-sequences choose sites, kldm-mp20-symmetric draws cell and places",
    "substitution": "known crystals with other elements on some of their sites",
}
"""What each of them is, in a line."""


def generator_names() -> list[str]:
    """All names that `made` knows."""
    return list(_points())


def made(name: str, device: str, precision: str) -> Generator:
    """The generator of this name. Raises ModelError for a package whose generator can't be had or is none."""
    point = _points()[name]
    try:
        found = point.load()(device, precision)
    except NucleateError:
        raise
    except Exception as error:  # whatever another package's import raises
        raise ModelError(
            f"the generator '{name}' can't be loaded from '{point.value}' ({error})",
            "mend that package, or take another generator",
        ) from error
    if not isinstance(found, Generator):
        raise ModelError(
            f"the generator '{name}' from '{point.value}' is no nucleate.sampling.generator.Generator",
            "docs/guides/add-a-generator.md says what a generator is",
        )
    return found


@cache
def _points() -> dict[str, EntryPoint]:
    points = {name: EntryPoint(name, value, ENTRY_POINTS) for name, value in SHIPPED.items()}
    for point in sorted(entry_points(group=ENTRY_POINTS)):
        points.setdefault(point.name, point)
    return points
