"""What commands that judge share: bars on stderr, and files of results that are known to be writable beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EISDIR
from os import W_OK, access, strerror
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.errors import NucleateError

if TYPE_CHECKING:
    from nucleate.pool import Progress


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """One bar for each stage, on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, int] = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)  # pyright: ignore[reportArgumentType]

        yield advance


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
