"""Requests that a job could not answer, one line of JSON each, beside its crystals: they are not asked for again.

A last line that is not whole is one that is being written, or that a crash cut short.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nucleate.errors import DataError
from nucleate.files import parse_json, write_whole, writing

ENDING = ".failures.jsonl"


def read_failures(path: Path) -> list[dict[str, Any]]:
    """All whole lines: key and name of a request, its sample, and the reason.

    Raises DataError for a line that says none of these.
    """
    found = []
    for number, line in enumerate(_whole(path).splitlines(), 1):
        try:
            one = dict(parse_json(line))
            found.append({**one, "key": str(one["key"]), "reason": str(one["reason"])})
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"line {number} of {path} is no record of a failure",
                "delete that line: the request is asked for again",
            ) from None
    return found


def append_failures(path: Path, failures: Sequence[dict[str, Any]]) -> None:
    """Add lines at the end. Raises NucleateError where the file can't be written."""
    if not failures:
        return
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in failures))
        file.flush()


def drop_cut_line(path: Path) -> None:
    """Take what a crash left of a last line off the file."""
    whole = _whole(path)
    if len(whole.encode()) < path.stat().st_size:
        write_whole(path, whole)


def _whole(path: Path) -> str:
    """The text up to the last line break, that included."""
    text = path.read_bytes()
    return text[: text.rfind(b"\n") + 1].decode("utf-8", "replace")
