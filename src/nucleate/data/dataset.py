"""Dataset: an opened data set folder. Needs numpy, pyarrow and torch only, as training does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.data.table import CrystalTable, read_table
from nucleate.errors import DataError
from nucleate.files import parse_json

MAKE = "make one with 'nucleate data import SOURCE --out DIR' or 'nucleate data download mp_20'"


@dataclass(frozen=True)
class Dataset:
    """A data set folder.

    Attributes:
        path: the folder.
        info: dataset.json: source, licence, counts, rejected, statistics, checksums, settings of the import.
    """

    path: Path
    info: dict[str, Any]

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Open a folder. Raises DataError when it is missing or holds no readable dataset.json."""
        path = Path(path)
        if path.is_file():
            raise DataError(f"{path} is a file, and a data set is a folder", MAKE)
        if not path.is_dir():
            raise DataError(f"no data set {path}", MAKE)
        try:
            info = parse_json((path / "dataset.json").read_bytes())
        except FileNotFoundError:
            raise DataError(f"{path} is not a data set: it has no dataset.json", MAKE) from None
        except ValueError as error:
            raise DataError(
                f"{path / 'dataset.json'} is not readable ({error})", "import the data set again"
            ) from None
        if not isinstance(info, dict) or not isinstance(info.get("checksums"), dict):
            raise DataError(f"{path / 'dataset.json'} has no checksums", "import the data set again")
        return cls(path, info)

    @property
    def splits(self) -> list[str]:
        """Names of the splits that exist."""
        return [name.removesuffix(".parquet") for name in self.info["checksums"]]

    def split(self, name: str) -> CrystalTable:
        """One split. Raises DataError for an unknown name and for a file changed since the import."""
        if name not in self.splits:
            raise DataError(f"{self.path} has no split '{name}'", f"it has {', '.join(self.splits)}")
        path = self.path / f"{name}.parquet"
        if path.is_file() and sha256(path) != self.info["checksums"][path.name]:
            raise DataError(
                f"{path} was changed or damaged: its checksum is not the one in dataset.json",
                "import the data set again",
            )
        return read_table(path)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
