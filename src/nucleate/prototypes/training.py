"""The whole training of a ranking: attention over all entries of an index, then judged examples, then probabilities."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from nucleate.errors import DataError
from nucleate.prototypes.attention_training import AttentionSettings, learn_attention
from nucleate.prototypes.candidates import Cells, Families
from nucleate.prototypes.examples import Examiner, Example
from nucleate.prototypes.files import read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.ranking import Ranking
from nucleate.prototypes.ranking_training import learn_ranking
from nucleate.prototypes.volumes import Volumes
from nucleate.streams import QUESTIONS
from nucleate.work import Work

Job = tuple[Path, tuple[str, ...] | None, Cells, np.ndarray]
"""Index, its sources, which cells, numbers of entries."""
ENTRIES_PER_JOB = 10
LEAST_ENTRIES = 50


@dataclass(frozen=True)
class RankingSettings:
    """How a ranking is learned.

    Attributes:
        attention: settings of the attention.
        cells: which candidates there are: cells of as many atoms, or of any number of formula units.
        examples: entries whose candidates are judged by the matcher.
        steps: of the network's training.
        seed: of the choice of examples, and of the network.
    """

    attention: AttentionSettings = AttentionSettings()
    cells: Cells = "same"
    examples: int = 5000
    steps: int = 1500
    seed: int = 0


def train_ranking(
    path: Path,
    sources: Collection[str] | None = None,
    settings: RankingSettings = RankingSettings(),
    work: Work = Work(),
) -> tuple[Ranking, dict[str, float]]:
    """A ranking for the index in a file, and its numbers: `loss` of held-back examples, `examples`, `groups`.

    Args:
        path: file of the index. sources: only entries of these.
        settings: how it is learned. work: where candidates are judged, and where progress is reported.

    Raises DataError where the index is too small to learn from.
    """
    sources = None if sources is None else tuple(sorted(sources))
    index = _open(path, sources)
    if len(index) < LEAST_ENTRIES:
        raise DataError(
            f"{path} has {len(index)} entries, too few to learn from", f"give {LEAST_ENTRIES} or more"
        )
    families = Families(index)

    def tell(done: int, total: int, _: float) -> None:
        work.tell("learning element vectors", done, total)

    attention = learn_attention(families, settings.attention, tell)
    chosen = _questions(index, settings)
    pieces = np.array_split(chosen, -(-len(chosen) // ENTRIES_PER_JOB))
    jobs: list[Job] = [(path, sources, settings.cells, piece) for piece in pieces]
    judged = work.run("judging candidates", _judge, jobs, len(pieces))
    examples = [example for some in judged for example in some]
    if not examples:
        raise DataError(f"no two entries of {path} have the same anonymous formula", "give a larger index")
    return learn_ranking(
        families, attention, Volumes.of_index(index), examples, settings.cells, settings.steps, settings.seed
    )


def _questions(index: Index, settings: RankingSettings) -> np.ndarray:
    """Entries to ask for; where sizes compete, as often as crystals of their kind exist."""
    random, number = QUESTIONS.generator(settings.seed), min(settings.examples, len(index))
    if settings.cells == "same":
        return random.permutation(len(index))[:number]
    return random.choice(len(index), number, replace=False, p=index.stands_for / index.stands_for.sum())


@lru_cache(maxsize=1)
def _open(path: Path, sources: tuple[str, ...] | None) -> Index:
    index = read_index(path)
    return index if sources is None else index.of_sources(sources)


@lru_cache(maxsize=1)
def _examiner(path: Path, sources: tuple[str, ...] | None, cells: Cells) -> Examiner:
    return Examiner(Families(_open(path, sources)), cells)


def _judge(job: Job) -> list[Example]:
    path, sources, cells, entries = job
    return list(_examiner(path, sources, cells).examples(entries))
