"""Pull: a predictor that steers a draw by its gradient, as a request asks for it; `properties.pulls` carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nucleate.errors import FormulaError

View = Literal["clean", "noised"]
WEIGHT = 3.0
"""Of a pull where none is given."""


@dataclass(frozen=True)
class Pull:
    """What a predictor draws a crystal towards.

    Attributes:
        name: the property.
        aim: its value, in its unit, or `max` or `min` for more or less of it.
        weight: of the objective, in units of the predictor's error.
        start, stop: times between which it acts; 0 is noise and 1 the crystal.
        on: the crystal that the predictor is asked about: the `clean` one that the model expects, or the `noised` one.
        predictor: checksum of the weights of what predicts.
    """

    name: str
    aim: float | Literal["max", "min"]
    weight: float = WEIGHT
    start: float = 0.0
    stop: float = 1.0
    on: View = "clean"
    predictor: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.weight <= 1000 and 0 <= self.start < self.stop <= 1):
            raise FormulaError(
                f"the pull {self.text} has a weight or times that can't be",
                "give a weight from 0 to 1000, and times from 0 (noise) to 1 (crystal)",
            )
        if self.on not in ("clean", "noised"):
            raise FormulaError(
                f"a predictor can't be asked about a {self.on} crystal", "ask about clean or noised"
            )

    @property
    def text(self) -> str:
        """As it stands in files."""
        aim = self.aim if isinstance(self.aim, str) else f"{self.aim:g}"
        seen = "" if self.on == "clean" else f" {self.on}"
        return f"{self.name}={aim} {self.weight:g}@{self.start:g}-{self.stop:g}{seen}"
