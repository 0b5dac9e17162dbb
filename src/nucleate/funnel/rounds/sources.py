"""The sources of a round: those of the plan with a seed of the round, and the tuned generator where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from nucleate.funnel.rounds.settings import Rounds
from nucleate.funnel.sources import Source
from nucleate.identity import canonical

FOLDER, MODEL = "rounds", "model"


@dataclass(frozen=True)
class LaterSource(Source):
    """A source of the plan in a round after the first.

    Attributes:
        round: its number.
        origin: the generator that the plan names.
        tuned: whether that one learned from the rounds before; `generator` is then the folder of its weights.
    """

    round: int = 2
    origin: str = ""
    tuned: bool = False

    @property
    def identity(self) -> str:
        """As of any source, whatever the folder of the weights is called: their checksum is noted beside it."""
        return canonical(replace(self, generator=self.origin, n=None, name="", device="auto"))


def sources_of(sources: Sequence[Source], rounds: Rounds, number: int, folder: Path) -> tuple[Source, ...]:
    """All sources up to a round.

    Args:
        sources: of the plan.
        rounds: its settings.
        number: of the round, from 1.
        folder: of the ledger.
    """
    later = (_later(source, rounds, at, folder) for at in range(2, number + 1) for source in _drawn(sources))
    return (*sources, *later)


def names_of(sources: Sequence[Source], number: int) -> dict[str, str]:
    """What the candidates of a round are called, by the name of their source in the plan."""
    if number == 1:
        return {source.called: source.called for source in sources}
    return {source.called: f"{source.called}.round-{number}" for source in _drawn(sources)}


def tuned_folder(folder: Path, number: int, name: str) -> Path:
    """Where the tuning of a source for a round is."""
    return folder / FOLDER / f"{number:04d}" / name


def _drawn(sources: Sequence[Source]) -> Iterator[Source]:
    """Crystals of a folder come in the first round only."""
    return (source for source in sources if not source.folder)


def _later(source: Source, rounds: Rounds, number: int, folder: Path) -> LaterSource:
    tuned = source.called in rounds.tune
    said = {one.name: getattr(source, one.name) for one in fields(Source)}
    said |= {
        "name": names_of((source,), number)[source.called], "seed": _seed(source.seed or 0, number),
        "round": number, "origin": source.generator, "tuned": tuned,
    }  # fmt: skip
    if tuned:
        said["generator"] = str(tuned_folder(folder, number, source.called) / MODEL)
    return LaterSource(**said)


def _seed(seed: int, number: int) -> int:
    """Of a round: its draws are none of those before."""
    return int.from_bytes(hashlib.sha256(f"{seed} round {number}".encode()).digest()[:8], "big") >> 1
