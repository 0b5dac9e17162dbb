"""How a model of a comparison comes to be: trained from its recipe, trained on another's proposals, or looked up."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleate.comparison.families.drawing import draw_within
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.files import parse_json, write_whole
from nucleate.predictor import Predictor, load
from nucleate.recipes.contract import AnyRecipe
from nucleate.recipes.registry import get_recipe
from nucleate.runs.based import FromGenerator
from nucleate.runs.devices import Hardware
from nucleate.runs.subject import Subject
from nucleate.runs.train import train_recipe
from nucleate.sampling.folder import FolderGenerator
from nucleate.sampling.generator import Task
from nucleate.sampling.request import table_requests
from nucleate.settings import to_dict
from nucleate.streams import SUBSET
from nucleate.training.validation import validation_subset

PAIRED = 64
"""Validation crystals for which a base proposes."""
PROPOSED = "predictions.extxyz"
FACTS = "facts.json"
CPU = Hardware(accelerator="cpu")
Fitted = Callable[[CrystalTable], tuple[str, ...]]


@dataclass(frozen=True)
class Place:
    """Where a model is made, from what, and in how much time.

    Attributes:
        data: data set folder.
        folder: of the model.
        seed: of its weights and of the order of the data.
        minutes: of the processor, for all of its training.
    """

    data: Path
    folder: Path
    seed: int
    minutes: float


@dataclass(frozen=True)
class Made:
    """A model that can draw.

    Attributes:
        predictor: what draws.
        facts: parameters, steps and seconds of training, for the record.
    """

    predictor: Predictor
    facts: Mapping[str, Any] = field(default_factory=dict)


class Maker(ABC):
    """One model of a family.

    Attributes:
        tasks: what it is asked for.
    """

    tasks: tuple[Task, ...]

    @property
    @abstractmethod
    def name(self) -> str:
        """Of its folder."""

    @abstractmethod
    def made(self, place: Place) -> Made | None:
        """The model, trained as far as it was not; None where a signal stopped that."""


def plain(table: CrystalTable) -> tuple[str, ...]:
    """No setting follows from the data."""
    return ()


@dataclass(frozen=True)
class Trained(Maker):
    """A recipe.

    Attributes:
        recipe: its name.
        tasks: what it is asked for.
        settings: `key=value`, beside those of the recipe.
        fitted: settings that follow from the training split.
    """

    recipe: str
    tasks: tuple[Task, ...] = ("csp", "dng")
    settings: tuple[str, ...] = ()
    fitted: Fitted = plain

    @property
    def name(self) -> str:
        return self.recipe

    def made(self, place: Place) -> Made | None:
        facts = self.trained(place, place.folder / "run", place.minutes)
        return None if facts is None else Made(load(place.folder / "run", "cpu"), facts)

    def trained(
        self, place: Place, run: Path, minutes: float, settings: tuple[str, ...] = (),
        subject: Subject = Subject(),
    ) -> dict[str, Any] | None:  # fmt: skip
        """What is known of the finished run, kept in it, so that a later call prepares nothing; None where a signal
        stopped it."""
        recipe, note = self._recipe(place, settings), run / FACTS
        asked = _asked(recipe, place.data, minutes)
        if known := _noted(note, asked):
            return known
        fresh, start = not (run / "last.ckpt").exists(), time.process_time()
        outcome = train_recipe(
            recipe, place.data, run, minutes=minutes, resume=True, hardware=CPU, visible=False,
            subject=subject, timer=time.process_time,
        )  # fmt: skip
        if outcome.state == "stopped" or not outcome.main:
            return None
        seconds = outcome.counters.seconds + outcome.counters.paused
        prepared = time.process_time() - start - seconds if fresh else None
        facts = {
            "recipe": self.recipe, "parameters": load(run, "cpu").card["parameters"],
            "steps": outcome.counters.step, "crystals": outcome.counters.crystals,
            "seconds": round(seconds, 1), "preparation": None if prepared is None else round(prepared, 1),
        }  # fmt: skip
        write_whole(note, json.dumps({"asked": asked, "facts": facts}) + "\n")
        return facts

    def _recipe(self, place: Place, settings: tuple[str, ...]) -> AnyRecipe:
        fitted = self.fitted(Dataset.open(place.data).split("train"))
        own = [*self.settings, *fitted, *settings, f"training.seed={place.seed}"]
        return get_recipe(self.recipe, own)


def _asked(recipe: AnyRecipe, data: Path, minutes: float) -> dict[str, Any]:
    """What a finished run hangs on."""
    checksum = Dataset.open(data).info["checksums"]["train.parquet"]
    plain = json.loads(json.dumps(to_dict(recipe)))
    return {"recipe": plain, "data": checksum, "minutes": minutes}


def _noted(note: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Facts of a run that was finished by an earlier call; None where there are none, or it was asked for otherwise."""
    try:
        values = parse_json(note.read_bytes())
        return values["facts"] if values["asked"] == asked else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Refined(Trained):
    """A flow that starts from another model: of the training time, a third is for that one, a third for its proposals
    and a third for the flow.

    Attributes:
        base: the other model.
    """

    base: Trained = Trained("crystal-text-tiny")

    def made(self, place: Place) -> Made | None:
        share, run = place.minutes / 3, place.folder / "base"
        first = self.base.trained(place, run, share)
        if first is None:
            return None
        drawn = proposals(load(run, "cpu"), place, 60 * share)
        known = FolderGenerator.read(place.folder / "proposals" / PROPOSED)
        base = f"base={(run / 'model').resolve()}"
        facts = self.trained(place, place.folder / "run", share, (base,), FromGenerator(known))
        if facts is None:
            return None
        total = {key: facts[key] + first[key] for key in ("parameters", "seconds")}
        total["seconds"] = round(total["seconds"] + drawn["seconds"], 1)
        pairs = {"pairs": drawn["crystals"], "base_steps": first["steps"]}
        return Made(load(place.folder / "run", "cpu"), {**facts, **total, **pairs})


def proposals(base: Predictor, place: Place, seconds: float) -> dict[str, Any]:
    """Crystals of the base for some of the validation compositions, then for those of the training split in random
    order until the time is up."""
    dataset, asked = Dataset.open(place.data), []
    val, train = (dataset.split(name) for name in ("val", "train"))
    order = SUBSET.generator(place.seed).permutation(len(train))
    for table, rows in ((val, validation_subset(val, PAIRED)), (train, order)):
        asked += table_requests(table, 1, base.limits, rows)[0]
    return draw_within(place.folder / "proposals", base.generator, asked, place.seed, seconds)
