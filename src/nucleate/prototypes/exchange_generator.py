"""Partial substitution as a generator: a request for so many atoms is answered by a new crystal of as many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.crystals import Crystals
from nucleate.prototypes.exchange import Exchange, ExchangeSettings
from nucleate.prototypes.files import checksum_of, read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.ions import HEAVIEST, hautier
from nucleate.prototypes.shipped import COLLECTION, INDEX
from nucleate.prototypes.volumes import Volumes
from nucleate.records.crystal_files import read_headers
from nucleate.sampling.generator import Answer, Cost, DrawOptions, Failure, Generated, Generator, Task
from nucleate.sampling.limits import Limits
from nucleate.sampling.request import Request
from nucleate.streams import EXCHANGES

BATCH = 16
NAME = "substitution"
GENERATED = "generated*.extxyz"


class ExchangeGenerator(Generator):
    """Answers a request for n atoms whose species are unknown.

    Attributes:
        index: the known crystals.
        without_repeats: whether a crystal that this instance made before, or was told of, counts as a failure. Answers
            then depend on those before them.
    """

    name = NAME
    task: Task = "dng"
    restricts = True
    settings = ExchangeSettings()

    def __init__(self, index: Index, without_repeats: bool = False) -> None:
        self.index, self.without_repeats = index, without_repeats
        self.seen: set[str] = set()
        self._exchanges: dict[ExchangeSettings, Exchange] = {}

    @cached_property
    def limits(self) -> Limits:
        sizes, counts = np.unique(self.index.sizes, return_counts=True)
        shares = dict(zip(sizes.tolist(), (counts / counts.sum()).tolist(), strict=True))
        return Limits(frozenset(range(1, HEAVIEST + 1)), int(sizes.max()), {}, shares, collection=COLLECTION)

    @cached_property
    def identity(self) -> str:
        return checksum_of(self.index)

    def remember(self, folder: Path) -> None:
        """Count the crystals of a job's folder as made before."""
        for file in sorted(folder.glob(GENERATED)) if folder.is_dir() else ():
            self.seen |= {header["same"] for header, _ in read_headers(file) if "same" in header}

    def answers(
        self, requests: Sequence[Request], settings: Any, seed: int, options: DrawOptions
    ) -> Iterator[Sequence[Answer]]:
        for start in range(0, len(requests), BATCH):
            batch = [self._answer(request, settings, seed) for request in requests[start : start + BATCH]]
            if options.on_step is not None:
                options.on_step(len(batch))
            yield batch

    def _answer(self, request: Request, settings: ExchangeSettings, seed: int) -> Answer:
        cost = Cost(counts={"draws": 1})
        if any(request.species):
            return Failure(request, "substitution invents crystals, and species are asked for", cost)
        exchange = self._exchange(settings)
        parents = np.flatnonzero(exchange.index.sizes == len(request.species))
        if not len(parents):
            return Failure(request, f"no known crystal has {len(request.species)} atoms", cost)
        if request.allowed:
            parents = exchange.near(parents, request.allowed)
            if not len(parents):
                return Failure(request, "no known crystal comes near the elements that are asked for", cost)
        found = exchange.draw(
            parents, EXCHANGES.generator(seed, request.key), request.allowed, request.required
        )
        if found is None:
            reason = (
                f"{settings.tries} draws from crystals of {len(request.species)} atoms made no new crystal"
            )
            return Failure(request, reason, cost)
        if self.without_repeats and found.key in self.seen:
            return Failure(request, "the same crystal was made before", cost)
        self.seen.add(found.key)
        index = exchange.index
        origin = {
            "parent": f"{index.source[found.parent]}:{index.names[found.parent]}", "replaced": found.replaced,
            "prototype": found.entry.label, "same": found.key,
        }  # fmt: skip
        return Generated(request, Crystals.of_cells([found.entry.cell]), cost, origin=origin)

    def _exchange(self, settings: ExchangeSettings) -> Exchange:
        if settings not in self._exchanges:
            index = self.index.of_sources(settings.sources) if settings.sources else self.index
            self._exchanges[settings] = Exchange(index, hautier(), Volumes.of_index(index), settings)
        return self._exchanges[settings]

    def facts(self) -> dict[str, str]:
        return {"crystals": str(len(self.index))}


def made(device: str, precision: str) -> ExchangeGenerator:
    """From the shipped index, for `nucleate generate --model substitution`."""
    return ExchangeGenerator(read_index(INDEX))
