"""What commands that judge share: bars on stderr, and files of results that are known to be writable beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EISDIR
from os import W_OK, access, strerror
from pathlib import Path

from nucleate.cli.bars import progress_bars
from nucleate.errors import NucleateError

__all__ = ["check_target", "progress_bars", "written"]


def check_target(path: Path | None) -> None:
    """Make the folder of a result before the long work; raise NucleateError where it can't be written."""
    if path is None:
        return
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR))
        if not access(path if path.exists() else path.parent, W_OK):
            raise PermissionError(EACCES, strerror(EACCES))


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Turns what the system says of a file that can't be written into an error for the user."""
    try:
        yield
    except OSError as error:
        raise NucleateError(
            f"{path} can't be written ({error.strerror})", "name a file in a folder that you may write to"
        ) from error
