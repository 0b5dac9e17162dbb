"""Space groups that pymatgen has made are kept: it forgets them, and takes a second for the 192 operations of one."""

from __future__ import annotations

from typing import Any

from pymatgen.symmetry.groups import SpaceGroup


def keep_space_groups() -> None:
    """Hold every space group made from now on, so that pymatgen's cache of weak references finds it again."""
    made: dict[int, SpaceGroup] = {}
    init = SpaceGroup.__init__

    def kept(self: SpaceGroup, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        made[id(self)] = self

    SpaceGroup.__init__ = kept
