"""Folders for results that can be computed again: beside a data set for what belongs to it, or the user's."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """The user's folder: under XDG_CACHE_HOME, or under .cache at home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nucleate"


def own_cache(dataset: Path) -> Path | None:
    """The folder .cache of a data set; None where it can't be written."""
    folder = dataset / ".cache"
    return folder if os.access(folder if folder.is_dir() else dataset, os.W_OK) else None
