"""Stages by the name that a plan gives: one file for each, and those of other packages.

A package adds stages by an entry point of the group `nucleate.stages` that names a tuple of classes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache

from nucleate.errors import RecipeError
from nucleate.funnel import (
    calculations,
    consensus,
    duplicates,
    energies,
    heuristics,
    novelty,
    property,
    relaxing,
    sanitise,
    shortlist,
    symmetrise,
)
from nucleate.funnel.stage import Stage
from nucleate.plugins import with_plugins

BUILT_IN = (
    sanitise, duplicates, symmetrise, energies, relaxing, consensus, property, heuristics, novelty, shortlist,
    calculations,
)  # fmt: skip
ENTRY_POINTS = "nucleate.stages"


@cache
def stages() -> dict[str, type[Stage]]:
    """All kinds of stages: ours, then those of other packages; what can't be loaded is left out with a warning."""
    ours = {kind.name: kind for module in BUILT_IN for kind in module.STAGES}
    return with_plugins(ours, ENTRY_POINTS, "stages")


def stage_kind(name: str) -> type[Stage]:
    """A kind of stage by its name. Raises RecipeError for an unknown one."""
    known = stages()
    if name not in known:
        raise RecipeError(f"no stage is called '{name}'", f"{nearest(name, known)}stages: {', '.join(known)}")
    return known[name]


def nearest(name: str, known: Iterable[str]) -> str:
    """A question after the nearest of the known names, "" where none is near."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean '{close[0]}'? " if close else ""
