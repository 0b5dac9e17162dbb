"""What other packages bring by entry points: tuples of things that have a name each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeVar

Named = TypeVar("Named")


def with_plugins(ours: Mapping[str, Named], group: str, what: str) -> dict[str, Named]:
    """Ours by their names, then those of the entry points of a group, without what can't be loaded.

    Of the latter a warning tells, which says `what` they are. A name that is taken stays whose it was.
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
