"""Plug-ins: named objects that other packages provide through entry points."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeVar

Named = TypeVar("Named")


def with_plugins(ours: Mapping[str, Named], group: str, what: str) -> dict[str, Named]:
    """Our own objects by name, then those of an entry-point group that can be loaded.

    One that can't be loaded causes a warning, which calls it a `what`. Names already taken are not replaced.
    """
    found = dict(ours)
    for point in entry_points(group=group):
        try:
            theirs = {thing.name: thing for thing in point.load()}
        except Exception as error:  # whatever another package's import raises
            warnings.warn(f"the {what} of '{point.value}' can't be loaded ({error})", stacklevel=3)
            continue
        found |= {name: thing for name, thing in theirs.items() if name not in found}
    return found
