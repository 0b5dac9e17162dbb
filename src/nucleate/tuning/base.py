"""The model that a run starts from: what draws, what is trained, and what is written beside its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.cell import Cell
from nucleate.errors import ModelError
from nucleate.families.wyckoff.diffused import SequenceDiffusion
from nucleate.model.trainable import Trainable
from nucleate.predictor import requests
from nucleate.predictor.draw import Predictor
from nucleate.predictor.loading import load
from nucleate.recipes.contract import AnyRecipe
from nucleate.runs.model_folder import checksum
from nucleate.sampling.generator import Failure, Generated, Generator
from nucleate.sampling.request import Request


@dataclass(frozen=True, eq=False)
class Base:
    """A model and what surrounds it.

    Attributes:
        name: as files call it.
        folder: its model folder.
        generator: what draws crystals with it.
        model: what is trained.
        recipe, card: of its folder.
        formulas: compositions to draw, for a model that has to be given them; () for a model that invents them.
        structures: by which the structure model behind Wyckoff sequences is found; "" where there is none.
    """

    name: str
    folder: Path
    generator: Generator
    model: Trainable
    recipe: AnyRecipe
    card: dict[str, Any]
    formulas: tuple[str, ...] = ()
    structures: str = ""

    @classmethod
    def of(cls, name: str | Path, formulas: Sequence[str] = (), device: str = "auto") -> Base:
        """A model by its name. Raises ModelError for what can't be trained, or lacks compositions."""
        found = load(name, device)
        if found.recipe is None or found.folder is None or not isinstance(found.model, Trainable):
            raise ModelError(
                f"{name} is no model folder, and nothing of it can be trained",
                "name a model such as kldm-mp20-dng; for wyckoff-mp20 take --method sequences",
            )
        _check_formulas(found, formulas)
        if isinstance(found.generator, SequenceDiffusion):
            raise ModelError(
                f"{found.name} is sequences before a structure model, which only one method tunes",
                "take --method sequences",
            )
        return cls(
            found.name, found.folder, found.generator, found.model, found.recipe, dict(found.card),
            tuple(formulas),
        )  # fmt: skip

    @property
    def checksum(self) -> str:
        """Of the weights that it starts from."""
        return checksum(self.folder)

    def requests(self, n: int, seed: int) -> list[Request]:
        """For n crystals, the compositions one after another where they are given."""
        if self.formulas:
            each = [n // len(self.formulas) + (i < n % len(self.formulas)) for i in range(len(self.formulas))]
            limits = self.generator.limits
            return [
                one
                for formula, count in zip(self.formulas, each, strict=True)
                if count
                for one in requests.predictions(formula, count, limits, seed=seed)
            ]
        return Predictor(self.generator, self.recipe, self.card).inventions(n, seed)

    def drawn(self, asked: Sequence[Request], settings: Any, seed: int) -> list[Generated | None]:
        """A crystal for each request, in their order; None where there is none."""
        places = {request.key: place for place, request in enumerate(asked)}
        found: list[Generated | None] = [None] * len(asked)
        for batch in self.generator.draw(asked, settings, seed):
            for one in batch:
                found[places[one.request.key]] = None if isinstance(one, Failure) else one
        return found


def cells_of(drawn: Sequence[Generated | None]) -> list[Cell | None]:
    """Their cells."""
    return [None if one is None else one.crystal.cells()[0] for one in drawn]


def _check_formulas(found: Predictor, formulas: Sequence[str]) -> None:
    csp = found.generator.task == "csp"
    if csp and not formulas:
        raise ModelError(
            f"{found.name} has to be given compositions, and there are none",
            "name them with --formulas SrTiO3,NaCl, or tune a model with task dng",
        )
    if formulas and not csp:
        raise ModelError(f"{found.name} invents compositions, and some are given", "leave the formulas out")
