"""The answer to a request: a crystal with what it took and where it came from, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nucleate.crystals import Crystals
from nucleate.sampling.request import Request

HEADER = ("crystal", "material_id", "sample", "formula", "cell", "seed", "nfe", "model", "key", "seconds",
          "Lattice", "Properties", "pbc")  # fmt: skip
"""What the header of every crystal says already, and an origin or a cost can't."""


def _check_names(what: str, names: Mapping[str, Any]) -> None:
    """Raise ValueError for names that can't stand beside those of every header."""
    for name in names:
        if name in HEADER or not re.fullmatch(r"[A-Za-z]\w*", name):
            raise ValueError(f"{what} can't be called '{name}': it is no plain word, or files use it already")


@dataclass(frozen=True)
class Cost:
    """What one crystal took.

    Attributes:
        nfe: network evaluations, 0 where there is no network.
        counts: of anything else by its name, such as tokens or lookups.
        seconds: where they were measured.
    """

    nfe: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None

    def __post_init__(self) -> None:
        _check_names("a cost", self.counts)


@dataclass(frozen=True)
class Generated:
    """The crystal that answers a request.

    Attributes:
        request: what was asked for.
        crystal: a batch of one without padding, on the CPU.
        cost: what it took.
        path: the time and the crystal of some steps on the way from noise; empty unless it was asked for.
        origin: where it came from, such as the prototype that it was made of; words and numbers by name, for files.
    """

    request: Request
    crystal: Crystals
    cost: Cost = Cost()
    path: tuple[tuple[float, Crystals], ...] = ()
    origin: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_names("an origin", self.origin)


@dataclass(frozen=True)
class Failure:
    """The answer to a request for which there is no crystal.

    Attributes:
        request: what was asked for.
        reason: why there is none, as a sentence without its full stop.
        cost: what it took to find out.
    """

    request: Request
    reason: str
    cost: Cost = Cost()


Answer = Generated | Failure
