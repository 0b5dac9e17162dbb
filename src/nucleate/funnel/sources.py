"""Where candidates come from: a generator that draws them, or files and folders of crystals.

Candidates of a source are numbered. Of a generator they are drawn in blocks, each a job of its own with a seed of its
own: the first block has the seed that is given, so that its crystals are those of `nucleate generate`. Memory does not
grow with their number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nucleate.errors import RecipeError
from nucleate.identity import canonical
from nucleate.settings import MOST_SEED, override, within

BLOCK = 8192
"""Requests of one job."""
USUAL = 1000
MOST = 1_000_000_000


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
            held = len(read_folder(self.folder, self.split))
            return held if self.n is None else min(self.n, held)
        return (self.n or USUAL) * max(len(self.formulas), 1)

    def content(self) -> str:
        """What identifies the content of the model, or of the files."""
        if self.folder:
            from nucleate.discovery.candidates import contents

            digests = contents(read_folder(self.folder, self.split))
            return hashlib.sha256("\n".join(f"{k} {v}" for k, v in digests.items()).encode()).hexdigest()[:16]
        return predictor_of(self).checksum

    def check(self) -> None:
        """Raise NucleateError for a generator, a folder or a request that can't be."""
        if self.folder:
            read_folder(self.folder, self.split)
        else:
            requests_of(self, 0)
            settings_of(self)


def seed_of(source: Source, block: int) -> int:
    """The seed of a block."""
    seed = source.seed or 0
    if not block:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} block {block}".encode()).digest()[:8], "big") >> 1


@lru_cache(maxsize=1)
def read_folder(folder: str, split: str) -> Sequence[Any]:
    """The candidates of files or a folder; those of the last one are kept."""
    from nucleate.discovery.candidates import read_candidates

    return read_candidates([Path(folder)], split)


@lru_cache(maxsize=4)
def _loaded(generator: str, device: str, adapters: tuple[str, ...]) -> Any:
    from nucleate.predictor import load

    return load(generator, device, adapters=adapters)


def predictor_of(source: Source) -> Any:
    """The generator of a source, loaded once in each process."""
    return _loaded(source.generator, source.device, source.adapters)


def settings_of(source: Source) -> Any:
    """The settings that a generator draws with. Raises RecipeError for those that it has not."""
    settings = predictor_of(source).sampler()
    if settings is None and source.set:
        raise RecipeError(f"{source.generator} has no settings", "leave set out")
    return override(settings, list(source.set)) if source.set else settings


_known: dict[tuple[str, int], list[Any]] = {}


def requests_of(source: Source, block: int) -> list[Any]:
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

    predictor, seed = predictor_of(source), seed_of(source, block)
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
