"""Draws of one method, kept in a folder and continued from there: what the benchmarks of steering share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.discovery.candidates import Candidate
from nucleate.predictor import Predictor, load
from nucleate.predictor.property import load_property
from nucleate.predictor.pulling import Pulling
from nucleate.predictor.steer import Steering
from nucleate.properties.annotate import annotate
from nucleate.properties.front import Aim
from nucleate.prototypes.exchange_generator import ExchangeGenerator
from nucleate.prototypes.index import index_of
from nucleate.records.crystal_files import RUNS, prediction_files, read_prediction_files
from nucleate.sampling.job import Job

BASE = "kldm-mp20-dng"
PREDICTORS = {"tc": "tc", "band_gap": "band-gap", "formation_energy_per_atom": "formation-energy"}
"""Middle of the names of the shipped predictors, by property."""
PARENTS = 300
"""Most crystals that are substituted into: their description takes most of the time."""

Cells = list[Cell | None]


@dataclass(frozen=True)
class Method:
    """One way to draw.

    Attributes:
        name: in tables.
        adapters: of the base, names of runs in the folder of adapters, or else those in the package.
        target, guidance: of their conditions.
        towards, pull: of the predictors `-first`.
        atoms: least and most in the cell; None for those of the data.
        model: a model's folder, where it is not the base.
        predictors: that pull, where they are not those of the package.
        beyond: whether pulls may go beyond the labels.
        without: elements that are left out.
        shipped: whether adapters are those of the package, also where the folder of adapters has others.
    """

    name: str
    adapters: tuple[str, ...] = ()
    target: Mapping[str, Any] = field(default_factory=dict)
    guidance: Mapping[str, Any] = field(default_factory=dict)
    towards: Mapping[str, Any] = field(default_factory=dict)
    pull: Mapping[str, Any] = field(default_factory=dict)
    atoms: tuple[int, int] | None = None
    model: str = BASE
    predictors: tuple[Path, ...] = ()
    beyond: bool = False
    without: str | None = None
    shipped: bool = False


def draw(method: Method, n: int, seed: int, folder: Path, adapters: Path) -> Cells:
    """n crystals; None where one can't be read. Continues what is in the folder."""
    runs = [
        one if method.shipped or not (adapters / one / "model").exists() else adapters / one
        for one in method.adapters
    ]
    model = load(method.model, "cpu", adapters=runs)
    steering = Steering(
        method.target,
        method.guidance,
        beyond=method.beyond,
        without=method.without,
        pulling=Pulling(method.towards, method.pull, predictors=method.predictors),
        tell=lambda text: None,
    )
    return _drawn(model, folder, n, seed, atoms=method.atoms, steering=steering)


def substituted(table: CrystalTable, aims: list[Aim], n: int, seed: int, folder: Path) -> Cells:
    """n crystals by partial substitution into the tenth of a labelled table that is nearest the aims."""
    rows = nearest_tenth(table, aims, seed)
    model = Predictor(ExchangeGenerator(index_of(table.select(rows), "known"), without_repeats=True))
    return _drawn(model, folder, n, seed)


def nearest_tenth(table: CrystalTable, aims: list[Aim], seed: int) -> np.ndarray:
    """At most PARENTS rows, at random, of the tenth nearest the aims: the worst of several ranks counts."""
    values = [table.numbers([one.name])[:, 0] for one in aims]
    ranks = [np.argsort(np.argsort(one.miss(x))) for one, x in zip(aims, values, strict=True)]
    known = ~np.isnan(np.stack(values)).any(0)
    worst = np.where(known, np.max(ranks, 0), len(table))
    tenth = np.argsort(worst, kind="stable")[: max(1, known.sum() // 10)]
    return np.random.default_rng(seed).permutation(tenth)[:PARENTS]


def _drawn(model: Predictor, folder: Path, n: int, seed: int, **asked: Any) -> Cells:
    requests = model.inventions(n, seed, **asked)
    generator = model.generator
    Job.of(folder, generator, requests, generator.settings, seed, stem="generated").draw(
        generator, requests, generator.settings, seed
    )
    return kept(folder, n)


def kept(folder: Path, n: int) -> Cells:
    """The crystals of a folder of n draws; None where one can't be read."""
    cells: Cells = [None] * n
    for frame in read_prediction_files(prediction_files(folder, RUNS), unfinished=True)[0]:
        cells[int(frame.info["sample"])] = frame.cell
    return cells


def judged(cells: Cells, half: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What the predictors of a half say, NaN where there is no crystal; by property, and NAME_spread, NAME_low.

    NAME_familiar: 1 where the predictor does not warn, 0 where it extrapolates.
    """
    crystals = [Candidate(str(place), cell) for place, cell in enumerate(cells)]
    out = {}
    for name in names:
        said = annotate(load_property(f"property-{PREDICTORS[name]}-{half}").model, crystals)
        for suffix, part in (("", "value"), ("_spread", "spread"), ("_low", "low")):
            out[name + suffix] = np.array([getattr(one, part) for one in said], dtype=float)
        out[f"{name}_familiar"] = np.array([not one.warning for one in said], dtype=float)
    return out


def split(data: Path, name: str, part: str) -> CrystalTable:
    """One split of a data set."""
    return Dataset.open(data / name).split(part)
