"""The files of the front end: built ones beside this module, and those that reports have too."""

from __future__ import annotations

from importlib.resources import files

VIEWER = ("3Dmol-min.js", "3Dmol.LICENSE.txt")
"""Files that the page shares with reports."""


def asset_bytes(name: str) -> bytes | None:
    """A file of the front end, None for a name that none has. Only names that are in its folder are known."""
    folder = files("nucleate.report.html" if name in VIEWER else "nucleate.web.static")
    known = VIEWER if name in VIEWER else {one.name for one in folder.iterdir()}
    return folder.joinpath(name).read_bytes() if name in known else None
