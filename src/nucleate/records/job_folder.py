"""The folder of one job: its settings (job.json) and every crystal as it is drawn (predictions*, generated*.extxyz).

The extended XYZ file is the ledger: a rerun reads it, drops a frame cut short by a crash, and draws what is missing.
Requests that can't be answered are listed in a file of failures beside it. Several processes may share one folder, each
with its own shard of the work and its own files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nucleate.errors import ModelError
from nucleate.files import parse_json, write_whole, writing
from nucleate.identity import differing
from nucleate.records.crystal_files import drop_cut_frame, read_headers
from nucleate.records.failures import ENDING, append_failures, drop_cut_line, read_failures

Item = TypeVar("Item")
RECORD = "job.json"


@dataclass(frozen=True)
class Shard:
    """Every `count`-th request from `index` on."""

    index: int = 0
    count: int = 1

    def file(self, stem: str) -> str:
        return f"{stem}.extxyz" if self.count == 1 else f"{stem}.{self.index}-of-{self.count}.extxyz"

    def of(self, items: Sequence[Item]) -> list[Item]:
        """This shard's part of a sequence."""
        return list(items[self.index :: self.count])


class JobFolder:
    """A folder that belongs to one job.

    Attributes:
        path: the file of this shard.
        done: keys of all crystals that the folder holds.
        failed: the reasons why there is no crystal, by the keys of their requests.

    Args:
        asked: what the crystals depend on, as JSON can hold it.
        stem: `predictions` or `generated`, what its files are called.
        identity: the part of a record that identifies a job, comparable with earlier versions.

    Raises ModelError when it can't be made or already holds another job's crystals.
    """

    def __init__(
        self,
        folder: Path,
        asked: dict[str, Any],
        shard: Shard | None = None,
        stem: str = "predictions",
        identity: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.folder, self.shard, self.stem = folder, shard or Shard(), stem
        self.path = folder / self.shard.file(stem)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(f"{folder} can't be made ({error.strerror})", "name another --out") from None
        self._claim(asked, identity)
        if self.path.exists():
            drop_cut_frame(self.path)
        if self.failures.exists():
            drop_cut_line(self.failures)
        self.done = {header["key"] for path in self.files() for header, _ in read_headers(path)}
        files = sorted(folder.glob(f"{stem}*{ENDING}"))
        self.failed = {one["key"]: one["reason"] for path in files for one in read_failures(path)}

    @property
    def failures(self) -> Path:
        """The file of this shard's failures."""
        return self.path.with_suffix(ENDING)

    @property
    def answered(self) -> set[str]:
        """Keys of all requests that need not be asked for again."""
        return {*self.done, *self.failed}

    def _claim(self, asked: dict[str, Any], identity: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Write job.json in one step, or compare with the existing one."""
        record = self.folder / RECORD
        asked = json.loads(json.dumps(asked))
        if not record.exists():
            write_whole(record, json.dumps(asked, indent=2) + "\n")
            return
        try:
            before = dict(parse_json(record.read_bytes()))
        except (ValueError, TypeError):
            raise ModelError(f"{record} is not readable", "delete it, or name another --out") from None
        changed = differing(identity(before), identity(asked))
        if changed:
            raise ModelError(
                f"{self.folder} holds crystals made with other {', '.join(changed)}",
                "name another --out, or repeat the first command to resume it",
            )

    def append(self, frames: Sequence[tuple[str, str]]) -> None:
        """Append (key, frame) pairs whose keys are new; a crash loses at most these.

        Raises NucleateError where the file can't be written.
        """
        new = [(key, text) for key, text in frames if key not in self.done]
        with writing(self.path), self.path.open("a") as file:
            file.write("".join(text for _, text in new))
            file.flush()
        self.done |= {key for key, _ in new}

    def append_failures(self, failures: Sequence[dict[str, Any]]) -> None:
        """Add requests without a crystal, as far as their keys are new; each has `key` and `reason`."""
        new = [one for one in failures if one["key"] not in self.answered]
        append_failures(self.failures, new)
        self.failed |= {one["key"]: one["reason"] for one in new}

    def files(self) -> list[Path]:
        """All crystal files in the folder, including other shards'."""
        return sorted(self.folder.glob(f"{self.stem}*.extxyz"))


def is_job(folder: Path) -> bool:
    """Whether a job was started here; a shard with nothing to do leaves no file of crystals."""
    return (folder / RECORD).exists()
