"""A predicted property as a part of a reward: the mean, or a lower confidence bound, within the range of the labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from nucleate.cell import Cell
from nucleate.errors import RecipeError
from nucleate.predictor.find import find_model
from nucleate.predictor.property import LoadedProperty, load_property
from nucleate.properties.predict import Predictions, fits, predict, table_of
from nucleate.rewards.part import Measure, Part
from nucleate.rewards.shapes import Numbers
from nucleate.runs.model_folder import checksum
from nucleate.settings import within


@dataclass(frozen=True)
class Predicted(Part):
    """A property as a predictor says it.

    Attributes:
        model: name or folder of the predictor.
        doubt: standard deviations between the members that count against a crystal, below its mean; 0 for the mean.
        range: smallest and largest value that is believed, in the unit of the property; () for those of the labels.
        familiar: whether a crystal that the predictor warns of as an extrapolation has no value.
    """

    kind: ClassVar[str] = "predictor"
    model: str = ""
    doubt: float = 0.0
    range: tuple[float, ...] = ()
    familiar: bool = False

    @cached_property
    def loaded(self) -> LoadedProperty:
        """The predictor. Raises ModelError where there is none."""
        return load_property(self.model)

    @property
    def identity(self) -> str:
        """Checksum of its weights."""
        return checksum(find_model(self.model))

    def opened(self, where: str) -> Measure:
        if not self.model:
            raise RecipeError(f"{where}model names no predictor", f'write {where}model = "property-tc-first"')
        within(self, 0, 10, "doubt", where)
        low, high = self._bounds(where)
        model = self.loaded.model

        def measure(cells: Sequence[Cell]) -> Numbers:
            usable = [row for row, cell in enumerate(cells) if not fits(cell)]
            found = np.full(len(cells), np.nan)
            if usable:
                said = predict(model, table_of([cells[row] for row in usable], list(map(str, usable))))
                found[usable] = self._believed(said).clip(low, high)
            return found

        return measure

    def _believed(self, said: Predictions) -> Numbers:
        strange = np.array([self.familiar and bool(warning) for warning in said.warnings])
        return np.where(strange, np.nan, said.value - self.doubt * said.spread)

    def _bounds(self, where: str) -> tuple[float, float]:
        if self.range:
            if len(self.range) != 2 or not self.range[0] < self.range[1]:
                raise RecipeError(
                    f"{where}range = {list(self.range)} is no smallest and largest value",
                    f"write {where}range = [0, 40]",
                )
            return self.range[0], self.range[1]
        low, high = self.loaded.model.ends
        if not (math.isfinite(low) and math.isfinite(high)):
            raise RecipeError(
                f'{where}model = "{self.model}" does not say between which values its labels lie',
                f"add {where}range = [smallest, largest]: beyond its labels a predictor is not believed",
            )
        return low, high
