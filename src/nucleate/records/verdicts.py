"""A crystal on its way through a funnel, and what a stage found about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from nucleate.cell import Cell

Value = str | float | int | bool | None
"""What a stage may find out: words, numbers, yes or no."""
Outcome = Literal["passed", "rejected", "failed"]
PASSED, REJECTED, FAILED = OUTCOMES = ("passed", "rejected", "failed")


@dataclass(frozen=True)
class Candidate:
    """One crystal on its way.

    Attributes:
        id: "SOURCE-0000012": its source and its place there.
        source: what made it.
        cell: as it is now; a stage may have replaced it.
        values: what earlier stages found out, by name, such as "chgnet.energy_per_atom".
    """

    id: str
    source: str
    cell: Cell
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What a stage found about a candidate.

    Attributes:
        outcome: "failed" where the stage could not say: it ran out of time, or did not converge.
        reason: the class of it in a few words, the same for all alike: "atoms too close". "" for a passed one.
        detail: its numbers: "Si-O 0.61 Å, least 1.0 Å".
        values: what the stage found out, by name.
        cell: a new geometry; None leaves the cell as it is.
        seconds: that it took; None where the stage did not measure it.
        trace: the last line of a traceback.
    """

    outcome: Outcome
    reason: str = ""
    detail: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    cell: Cell | None = None
    seconds: float | None = None
    trace: str = ""

    @classmethod
    def passed(cls, cell: Cell | None = None, **more: object) -> Verdict:
        """A candidate that goes on; more: other attributes."""
        return cls(PASSED, cell=cell, **more)  # type: ignore[arg-type]

    @classmethod
    def rejected(cls, reason: str, detail: str = "", **more: object) -> Verdict:
        """A candidate that does not go on."""
        return cls(REJECTED, reason, detail, **more)  # type: ignore[arg-type]

    @classmethod
    def failed(cls, reason: str, detail: str = "", **more: object) -> Verdict:
        """A candidate of which the stage can't say anything; may be tried again."""
        return cls(FAILED, reason, detail, **more)  # type: ignore[arg-type]


def pack(cell: Cell) -> bytes:
    """A cell as bytes: cell vectors, fractional coordinates, atomic numbers; comes back exactly."""
    parts = ((cell.lattice, "<f8"), (cell.frac, "<f8"), (cell.species, "<i2"))
    return b"".join(np.ascontiguousarray(values, dtype=kind).tobytes() for values, kind in parts)


def unpack(content: bytes) -> Cell:
    """Inverse of `pack`."""
    atoms, rest = divmod(len(content) - 72, 26)
    if rest or atoms < 0:
        raise ValueError(f"{len(content)} bytes are no cell")
    numbers = np.frombuffer(content, "<f8", 9 + 3 * atoms)
    species = np.frombuffer(content, "<i2", atoms, 72 + 24 * atoms).astype(np.int64)
    return Cell(species, numbers[9:].reshape(atoms, 3).copy(), numbers[:9].reshape(3, 3).copy())


def digest(candidate: Candidate) -> bytes:
    """Sixteen bytes of a hash of all that a stage is given of a candidate, besides its id. [16]"""
    values = json.dumps(dict(candidate.values), sort_keys=True)
    return hashlib.sha256(pack(candidate.cell) + values.encode()).digest()[:16]
