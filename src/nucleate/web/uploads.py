"""Files that somebody drops on the page: read in a process of their own, with limits of size, time and memory."""

from __future__ import annotations

import multiprocessing
import re
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nucleate.errors import DataError

LARGEST = 1_000_000
"""Bytes of a file."""
PATIENCE = 20.0
"""Seconds, the start of the process included."""
MEMORY = 4 * 2**30
"""Bytes of address space."""
MOST = 200
"""Crystals that are shown of one file."""
ENDINGS = {"cif": ".cif", "poscar": ".vasp", "extxyz": ".extxyz"}


def kind_of(name: str) -> str:
    """cif, poscar or extxyz by the name of a file. Raises DataError for another."""
    low = name.lower()
    if low.endswith((".cif", ".mcif")):
        return "cif"
    if low.endswith((".extxyz", ".xyz")):
        return "extxyz"
    if low.endswith((".vasp", ".poscar")) or low.startswith(("poscar", "contcar")):
        return "poscar"
    raise DataError(f"'{name[:40]}' is of an unknown kind", "give a CIF, POSCAR or extended XYZ file")


def read_upload(name: str, data: bytes, patience: float = PATIENCE) -> list[dict[str, Any]]:
    """The crystals of a file, as `details.alone` tells them. Raises DataError where it can't be read in time."""
    kind = kind_of(name)
    if len(data) > LARGEST:
        raise DataError(f"the file has {len(data)} bytes", f"give one of at most {LARGEST}")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(theirs, kind, data), daemon=True)
    worker.start()
    theirs.close()
    try:
        if not ours.poll(patience):
            raise DataError("reading the file took too long", "give a smaller one")
        found = ours.recv()
    except EOFError:
        raise DataError(
            "the file could not be read: the reader broke off", "give a smaller or simpler one"
        ) from None
    finally:
        worker.kill()
        worker.join()
        ours.close()
    if isinstance(found, str):
        raise DataError(found, "give a CIF, POSCAR or extended XYZ file")
    return found


def _work(answer: Connection, kind: str, data: bytes) -> None:
    """In the other process: crystals, or a sentence on what is wrong."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from nucleate.metrics.reading import read_structures
    from nucleate.web.details import alone

    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"file{ENDINGS[kind]}"
            path.write_bytes(data)
            found, _ = read_structures(path)
            if not any(one.cell is not None for one in found):
                raise DataError(found[0].problem or "it holds no crystal")
            answer.send([alone(one.name, one.cell, one.problem) for one in found[:MOST]])
    except Exception as error:  # whatever a reader of foreign files may raise
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        answer.send(f"the file can't be read ({re.sub(r'/[^ ]*/', '', said)[:200]})")
