"""Candidates of a source made, a few at once: what a worker does for [[generate]]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from nucleate.funnel.sources import (
    BLOCK,
    USUAL,
    Source,
    predictor_of,
    read_folder,
    requests_of,
    seed_of,
    settings_of,
)
from nucleate.records.verdicts import Value, Verdict

CHUNK = 64
"""Candidates that are drawn, and written, at once."""
NO_CRYSTAL = "no crystal"


@dataclass(frozen=True)
class Drawing:
    """Candidates of a source that are made at once: those from `start` on, before `stop`."""

    source: Source
    start: int
    stop: int


def chunks(source: Source, made: Sequence[int]) -> Iterator[Drawing]:
    """What is left to do of a source, of which some candidates are made, in order."""
    have, size, step = set(made), source.size, _step(source)
    for start in range(0, size, step):
        missing = [place for place in range(start, min(start + step, size)) if place not in have]
        if missing:
            yield Drawing(source, missing[0], missing[-1] + 1)


def _step(source: Source) -> int:
    """How many candidates are drawn at once: all samples of a formula where they are ranked."""
    count = source.n or USUAL
    if source.formulas and predictor_of(source).generator.ranked:
        return max(CHUNK // count, 1) * count
    return CHUNK


def draw(job: Drawing) -> list[tuple[Any, Verdict]]:
    """A cell and a verdict for each candidate, None and a rejection where there is no crystal."""
    start = perf_counter()
    made = _from_folder(job) if job.source.folder else _from_generator(job)
    each = (perf_counter() - start) / max(len(made), 1)
    return [(cell, replace(verdict, seconds=each)) for cell, verdict in made]


def _from_folder(job: Drawing) -> list[tuple[Any, Verdict]]:
    made = []
    for one in read_folder(job.source.folder, job.source.split)[job.start : job.stop]:
        origin: dict[str, Value] = {"file": one.name}
        if one.cell is None:
            made.append((None, Verdict.rejected("unreadable", one.problem, values=origin)))
        else:
            made.append((one.cell, Verdict.passed(values=origin)))
    return made


def _from_generator(job: Drawing) -> list[tuple[Any, Verdict]]:
    from nucleate.sampling.generator import Generated

    block, first = (0, job.start) if job.source.formulas else divmod(job.start, BLOCK)
    asked = requests_of(job.source, block)[first : first + job.stop - job.start]
    place = {request.key: number for number, request in enumerate(asked)}
    made: list[tuple[Any, Verdict]] = [(None, Verdict.rejected(NO_CRYSTAL))] * len(asked)
    predictor = predictor_of(job.source)
    for batch in predictor.draw(asked, settings_of(job.source), seed_of(job.source, block)):
        for one in batch:
            if isinstance(one, Generated):
                crystal = one.crystal.cells()[0]
                made[place[one.request.key]] = crystal, Verdict.passed(values=dict(one.origin))
            else:
                made[place[one.request.key]] = None, Verdict.rejected(NO_CRYSTAL, one.reason)
    return made
