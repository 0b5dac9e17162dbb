"""Safe files: atomic writes, and clear errors for full disks, missing permissions and JSON nested too deeply."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate.errors import NucleateError

if TYPE_CHECKING:
    from torch import Tensor

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_TEXTS = ("No space left", "disk is full", "quota exceeded")
"""How safetensors and SQLite, which set no error numbers, report a full disk."""

FREE_SPACE = "free some space and run the same command again (train: with --resume); what is written is kept"


def parse_json(text: str | bytes) -> Any:
    """As `json.loads`, with ValueError for anything unreadable, including nesting beyond Python's stack."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("brackets nested too deeply") from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a system error about a file that can't be written into a NucleateError with a hint."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: Exception) -> NucleateError:
    full = getattr(error, "errno", None) in FULL or any(text in str(error) for text in FULL_TEXTS)
    reason = "no space left on the disk" if full else getattr(error, "strerror", None) or error
    hint = FREE_SPACE if full else "name a file in a folder that you may write to"
    return NucleateError(f"{path} can't be written ({reason})", hint)


def check_target(path: Path | None) -> None:
    """Make the folder of a result before long work starts; raise NucleateError if it can't be written."""
    if path is None:
        return
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_whole(path: Path, text: str) -> None:
    """Write beside `path`, then rename: at any moment a reader finds either the old file or the new one.

    Raises NucleateError where it can't be written; the old file stays as it was.
    """
    with beside(path) as part:
        part.write_text(text, encoding="utf-8")


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """A safetensors file, written as `write_whole` writes."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with beside(path) as part:
        try:
            save_file(dict(tensors), part, metadata=metadata)
        except SafetensorError as error:
            raise _unwritten(path, error) from error


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A temporary file that becomes `path` on success and is deleted on failure.

    Raises NucleateError where it can't be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with writing(path):
            yield part
            os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink()
