"""What commands that judge share: bars on stderr, and files of results that are known to be writable beforehand."""

from __future__ import annotations

from errno import EACCES, EISDIR
from os import W_OK, access, strerror
from pathlib import Path

from nucleate.cli.bars import progress_bars
from nucleate.files import writing

__all__ = ["check_target", "progress_bars"]


def check_target(path: Path | None) -> None:
    """Make the folder of a result before the long work; raise NucleateError where it can't be written."""
    if path is None:
        return
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR))
        if not access(path if path.exists() else path.parent, W_OK):
            raise PermissionError(EACCES, strerror(EACCES))
