"""A data set folder on disk: parquet for each split, dataset.json, rejected.csv.

Everything is written to a folder beside the target and renamed at the end: a data set is complete or absent.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nucleate import __version__
from nucleate.data.refusals import REJECTED, Refusal, write_refusals
from nucleate.errors import DataError
from nucleate.files import writing

if TYPE_CHECKING:
    from nucleate.data.table import CrystalTable

FORMAT = 1


def refuse_existing(out: Path, overwrite: bool) -> None:
    if not out.exists():
        above = next(folder for folder in out.absolute().parents if folder.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise DataError(f"{out} can't be made in {above}", "name another --out, where you may write")
        return
    if not overwrite:
        raise DataError(f"{out} exists", "choose another --out, or replace it with --overwrite")
    foreign = not out.is_dir() or (any(out.iterdir()) and not (out / "dataset.json").is_file())
    if foreign:
        raise DataError(f"{out} is not a data set, so it is not overwritten", "choose another --out")


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, beside `out`; it becomes `out` when the block ends, and is gone if the block fails.

    Raises NucleateError where the disk is full or the folder can't be written.
    """
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            yield folder
            folder.chmod(0o755)
            if out.exists():
                shutil.rmtree(out)
            os.replace(folder, out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def write_dataset(
    tables: dict[str, CrystalTable], out: Path, info: dict[str, Any], rejected: Sequence[Refusal] = ()
) -> dict[str, Any]:
    """Write one table for each split, and what is known of them. Returns what dataset.json says.

    `info` holds source, licence, settings and rejected; counts, statistics and checksums are added. Whatever exists
    at `out` is replaced: call `refuse_existing` first.
    """
    from nucleate.data.dataset import sha256
    from nucleate.data.statistics import describe
    from nucleate.data.table import write_table

    with whole_folder(out) as folder:
        for name, table in tables.items():
            write_table(table, folder / f"{name}.parquet")
        write_refusals(rejected, folder / REJECTED)
        info = (
            {"format": FORMAT, "made_with": f"nucleate {__version__}"}
            | info
            | {
                "counts": {name: len(table) for name, table in tables.items()},
                "statistics": {name: describe(table) for name, table in tables.items()},
                "checksums": {f"{name}.parquet": sha256(folder / f"{name}.parquet") for name in tables},
            }
        )
        (folder / "dataset.json").write_text(json.dumps(info, indent=1, ensure_ascii=False) + "\n")
    return info
