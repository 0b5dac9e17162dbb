"""Rows without training: known crystals of a training split with other elements, for a composition or for none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from nucleate.answers.answerer import Answerer
from nucleate.answers.retrieval import Retrieval
from nucleate.answers.settings import AnswerSettings
from nucleate.comparison.families.made import Made, Maker, Place
from nucleate.data.dataset import Dataset
from nucleate.predictor import Predictor
from nucleate.prototypes.exchange_generator import ExchangeGenerator
from nucleate.prototypes.files import read_index, write_index
from nucleate.prototypes.index import Index, index_of
from nucleate.prototypes.retrieve import Prototypes
from nucleate.prototypes.shipped import INDEX
from nucleate.sampling.generator import Generator, Task
from nucleate.sampling.limits import Limits

FIRST = AnswerSettings(propose=("prototypes",), prototypes=1, rank="prior", known="other")
"""The first suggestion of known crystals; crystals of the composition itself come last."""


@dataclass(frozen=True)
class Known(Maker):
    """Known crystals of a training split: `csp` retrieves by anonymous formula, `dng` exchanges elements."""

    tasks: tuple[Task, ...]

    @property
    def name(self) -> str:
        return "known"

    def made(self, place: Place) -> Made:
        start = time.process_time()
        index = training_index(place.data, place.folder.parent.parent / "index.parquet")
        seconds = round(time.process_time() - start, 1)
        generator = retrieval(index) if "csp" in self.tasks else ExchangeGenerator(index)
        facts = {"recipe": "", "parameters": 0, "steps": 0, "seconds": 0.0, "preparation": seconds}
        return Made(Predictor(generator), {**facts, "entries": len(index)})


def retrieval(index: Index) -> Generator:
    """Answers a composition by a known crystal of its anonymous formula, the shipped ranking's first."""
    prototypes = Prototypes.open().on(index)
    limits = Limits(frozenset(index.elements.tolist()), int(index.sizes.max()), {})
    return Answerer({"prototypes": Retrieval(prototypes)}, limits, FIRST, "retrieval")


def training_index(data: Path, file: Path) -> Index:
    """An index of the training split: of the shipped one where that holds it, else made once and kept in a file."""
    train = Dataset.open(data).split("train")
    shipped = read_index(INDEX)
    if data.name in shipped.source:
        mine = shipped.of_sources((data.name,))
        if set(mine.names) <= set(train.ids):
            return mine
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".part-{file.name}")
        write_index(index_of(train, data.name), part)
        part.replace(file)
    return read_index(file)
