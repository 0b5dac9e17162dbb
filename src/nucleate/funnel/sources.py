"""Where candidates come from: a generator that draws them, or files and folders of crystals.

Candidates of a source are numbered. Of a generator they are drawn in blocks, each a job of its own with a seed of its
own: the first block has the seed that is given, so that its crystals are those of `nucleate generate`. Memory does not
grow with their number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

from nucleate.errors import RecipeError
from nucleate.identity import canonical
from nucleate.records.verdicts import Value, Verdict
from nucleate.settings import MOST_SEED, override, within

BLOCK = 8192
"""Requests of one job."""
CHUNK = 64
"""Requests that are drawn, and written, at once."""
USUAL = 1000
MOST = 1_000_000_000
NO_CRYSTAL = "no crystal"


@dataclass(frozen=True)
class Source:
    """One [[generate]] of a plan.

    Attributes:
        generator: a shipped name, a model or run folder, hf:owner/name, or what an installed package brings.
        folder: files of crystals instead: anything that `nucleate relax` reads.
        n: how many candidates; of each formula where formulas are given. None: 1000, or all of a folder.
        name: what they are called; by default the generator or the folder.
        seed: the same seed gives the same crystals; None for that of the plan.
        formulas: what a generator that predicts is asked for.
        atoms: the smallest and the largest number of atoms in the cell; empty for those of the training data.
        elements, at_most, without: exactly these elements, no others than these, none of these.
        target, guidance: properties that are asked for, and how strongly, as in `nucleate generate`.
        adapters: of the model.
        space_group: that they have; 0 for any.
        split: of a folder that is a data set.
        set: settings of the generator, such as "temperature=0.8".
        device: auto, cpu or cuda.
    """

    generator: str = ""
    folder: str = ""
    n: int | None = None
    name: str = ""
    seed: int | None = None
    formulas: tuple[str, ...] = ()
    atoms: tuple[int, ...] = ()
    elements: tuple[str, ...] = ()
    at_most: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    target: Mapping[str, Any] = field(default_factory=dict)
    guidance: Mapping[str, Any] = field(default_factory=dict)
    adapters: tuple[str, ...] = ()
    space_group: int = 0
    split: str = ""
    set: tuple[str, ...] = ()
    device: str = "auto"

    def __post_init__(self) -> None:
        if bool(self.generator) == bool(self.folder):
            raise RecipeError(
                "candidates come from a generator or from a folder",
                'write generator = "substitution", or folder = "crystals"',
            )
        within(self, 1, MOST, "n")
        within(self, 0, MOST_SEED, "seed")
        within(self, 0, 230, "space_group")
        if self.atoms and not (len(self.atoms) == 2 and 1 <= self.atoms[0] <= self.atoms[1]):
            raise RecipeError(f"atoms = {list(self.atoms)} is no range", "write for example atoms = [4, 12]")
        if self.name and not re.fullmatch(r"[\w.+-]+", self.name):
            raise RecipeError(f"candidates can't be called '{self.name}'", "use letters, digits and . + - _")

    @property
    def called(self) -> str:
        """The name of its candidates."""
        return (
            self.name
            or re.sub(r"[^\w.+-]+", "-", Path(self.generator or self.folder).name).strip("-")
            or "source"
        )

    @property
    def identity(self) -> str:
        """What the crystals hang on, besides the content of models and files."""
        return canonical(replace(self, n=None, name="", device="auto"))

    @property
    def size(self) -> int:
        """How many candidates there are."""
        if self.folder:
            held = len(_read(self.folder, self.split))
            return held if self.n is None else min(self.n, held)
        return (self.n or USUAL) * max(len(self.formulas), 1)

    def content(self) -> str:
        """What identifies the content of the model, or of the files."""
        if self.folder:
            from nucleate.discovery.candidates import contents

            digests = contents(_read(self.folder, self.split))
            return hashlib.sha256("\n".join(f"{k} {v}" for k, v in digests.items()).encode()).hexdigest()[:16]
        return _predictor(self).checksum

    def check(self) -> None:
        """Raise NucleateError for a generator, a folder or a request that can't be."""
        if self.folder:
            _read(self.folder, self.split)
        else:
            _asked(self, 0)
            _settings(self)


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
    if source.formulas and _predictor(source).generator.ranked:
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
    for one in _read(job.source.folder, job.source.split)[job.start : job.stop]:
        origin: dict[str, Value] = {"file": one.name}
        if one.cell is None:
            made.append((None, Verdict.rejected("unreadable", one.problem, values=origin)))
        else:
            made.append((one.cell, Verdict.passed(values=origin)))
    return made


def _from_generator(job: Drawing) -> list[tuple[Any, Verdict]]:
    from nucleate.sampling.generator import Generated

    block, first = (0, job.start) if job.source.formulas else divmod(job.start, BLOCK)
    asked = _asked(job.source, block)[first : first + job.stop - job.start]
    place = {request.key: number for number, request in enumerate(asked)}
    made: list[tuple[Any, Verdict]] = [(None, Verdict.rejected(NO_CRYSTAL))] * len(asked)
    predictor = _predictor(job.source)
    for batch in predictor.draw(asked, _settings(job.source), _seed(job.source, block)):
        for one in batch:
            if isinstance(one, Generated):
                crystal = one.crystal.cells()[0]
                made[place[one.request.key]] = crystal, Verdict.passed(values=dict(one.origin))
            else:
                made[place[one.request.key]] = None, Verdict.rejected(NO_CRYSTAL, one.reason)
    return made


def _seed(source: Source, block: int) -> int:
    """The seed of a block."""
    seed = source.seed or 0
    if not block:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} block {block}".encode()).digest()[:8], "big") >> 1


@lru_cache(maxsize=1)
def _read(folder: str, split: str) -> Sequence[Any]:
    from nucleate.discovery.candidates import read_candidates

    return read_candidates([Path(folder)], split)


@lru_cache(maxsize=4)
def _loaded(generator: str, device: str, adapters: tuple[str, ...]) -> Any:
    from nucleate.predictor import load

    return load(generator, device, adapters=adapters)


def _predictor(source: Source) -> Any:
    return _loaded(source.generator, source.device, source.adapters)


def _settings(source: Source) -> Any:
    settings = _predictor(source).sampler()
    if settings is None and source.set:
        raise RecipeError(f"{source.generator} has no settings", "leave set out")
    return override(settings, list(source.set)) if source.set else settings


_known: dict[tuple[str, int], list[Any]] = {}


def _asked(source: Source, block: int) -> list[Any]:
    """The requests of a block; those of the last one are kept."""
    count = source.size if source.formulas else min(BLOCK, source.size - block * BLOCK)
    key = (canonical(replace(source, n=source.n if source.formulas else None)), block)
    if key not in _known or len(_known[key]) < count:
        _known.clear()
        _known[key] = _requests(source, count, block)
    if len(_known[key]) < count:
        raise RecipeError(
            f"{len(_known[key])} of {count} candidates can be asked for", "name each formula once"
        )
    return _known[key][:count]


def _requests(source: Source, count: int, block: int) -> list[Any]:
    from nucleate.predictor.requests import predictions
    from nucleate.predictor.steer import Steering

    predictor, seed = _predictor(source), _seed(source, block)
    steering = Steering(
        source.target, source.guidance, source.elements or None, source.at_most or None, source.without or None,
        tell=lambda sentence: None,
    )  # fmt: skip
    group, generator = source.space_group or None, predictor.generator
    if source.formulas:
        asked = predictions(
            list(source.formulas), source.n or USUAL, generator.limits, ranked=generator.ranked, seed=seed,
            space_group=group, chooses_sites=generator.chooses_sites,
        )  # fmt: skip
        return steering.steered(asked, generator, seed)
    span = (source.atoms[0], source.atoms[1]) if source.atoms else None
    return predictor.inventions(count, seed, atoms=span, space_group=group, steering=steering)
