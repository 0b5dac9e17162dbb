"""A predicted property in a target, with its interval: what is near only because it is uncertain does not pass."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nucleate.errors import DataError, ModelError, RecipeError
from nucleate.funnel.stage import Candidate, Stage, Value, Verdict
from nucleate.properties.aims import Aim
from nucleate.work import Work

UNCERTAIN = "on target only because it is uncertain"
PARTS = ("mean", "low", "high", "spread", "inside", "warning")


@dataclass(frozen=True)
class PropertyStage(Stage):
    """A property that a predictor says.

    Attributes:
        model: the predictor: shipped name, model or run folder, hf:owner/name.
        low, high: ends of the target, in the property's unit; leave out what has no end.
        share: of the interval that must lie in the target.
        far: "keep" crystals unlike the training data, with a warning, or "reject" them.
        calibration: folder of a data set with labels that the predictor never saw, for intervals by kind of chemistry.
        split: of that data set.
    """

    name = "property"
    batch = 128

    model: str
    low: float | None = None
    high: float | None = None
    share: float = 0.5
    far: str = "keep"
    calibration: str = ""
    split: str = "test"

    def __post_init__(self) -> None:
        _ = self.aim
        if self.far not in ("keep", "reject"):
            raise RecipeError(f"far = '{self.far}' is nothing to do", "write keep or reject")

    @property
    def aim(self) -> Aim:
        """The target."""
        low = -math.inf if self.low is None else self.low
        return Aim(low, math.inf if self.high is None else self.high, self.share)

    @property
    def label(self) -> str:
        return f"{self.name} ({self.target})"

    @property
    def identity(self) -> str:
        return f"{super().identity} {_checksum(self.model)}"

    @property
    def target(self) -> str:
        """The property that the model predicts."""
        return _target(self.model)

    @property
    def writes(self) -> Sequence[str]:
        return tuple(f"{self.target}.{part}" for part in PARTS)

    def check(self) -> None:
        _target(self.model)
        if self.calibration:
            from nucleate.data.dataset import Dataset

            found = Dataset.open(self.calibration)
            if self.split not in found.splits:
                raise DataError(
                    f"{self.calibration} has no split '{self.split}'", f"it has {', '.join(found.splits)}"
                )

    def judge(self, candidates: Sequence[Candidate], work: Work) -> Sequence[Verdict]:
        from nucleate.properties.predict import bounded, fits, predict, table_of

        problems = [fits(one.cell) for one in candidates]
        usable = [one for one, problem in zip(candidates, problems, strict=True) if not problem]
        if not usable:
            return [Verdict.rejected("not for the predictor", problem) for problem in problems]
        model, intervals = _loaded(self.model, self.calibration, self.split)
        table = table_of([one.cell for one in usable], [one.id for one in usable])
        found = bounded(predict(model, table, intervals), model.ends)
        columns = zip(found.value, found.low, found.high, found.spread, found.warnings, strict=True)
        verdicts = iter(
            [
                self._judge(float(mean), float(low), float(high), float(spread), warning)
                for mean, low, high, spread, warning in columns
            ]
        )
        return [
            Verdict.rejected("not for the predictor", problem) if problem else next(verdicts)
            for problem in problems
        ]

    def _judge(self, mean: float, low: float, high: float, spread: float, warning: str) -> Verdict:
        aim = self.aim
        parts: tuple[Value, ...] = (mean, low, high, spread, aim.inside(low, high), warning)
        values = dict(zip(self.writes, parts, strict=True))
        detail = f"{mean:.4g}, between {low:.4g} and {high:.4g}"
        where = aim.judge(low, high)
        if where == "off target":
            return Verdict.rejected("off target", detail, values=values)
        if where == "only uncertain":
            return Verdict.rejected(UNCERTAIN, detail, values=values)
        if warning and self.far == "reject":
            return Verdict.rejected("unlike the training data", f"{detail}; {warning}", values=values)
        return Verdict.passed(values=values)


def _folder(model: str) -> Path:
    from nucleate.predictor.find import find_model

    return Path(find_model(model))


@cache
def _target(model: str) -> str:
    """What a predictor predicts, from its folder, without loading it. Raises ModelError where it is none."""
    try:
        recipe = tomllib.loads((_folder(model) / "recipe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{model} can't be read ({error})", "name a predictor: nucleate models") from None
    if recipe.get("name") != "property" or not recipe.get("target"):
        raise ModelError(f"{model} predicts no property", "name a predictor, such as property-tc-first")
    return str(recipe["target"])


@cache
def _checksum(model: str) -> str:
    from nucleate.runs.model_folder import checksum

    return checksum(_folder(model))


@cache
def _loaded(model: str, calibration: str, split: str) -> tuple[Any, Any]:
    """The model, and intervals by kind where a data set for them is given."""
    from nucleate.data.dataset import Dataset
    from nucleate.predictor.property import load_property
    from nucleate.properties.calibrated import calibrate

    loaded = load_property(model).model
    return loaded, calibrate(loaded, Dataset.open(calibration).split(split)) if calibration else None


STAGES = (PropertyStage,)
