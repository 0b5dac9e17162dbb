"""Numbers of one model: match rate of validation compositions, and what its inventions are worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.comparison.families.drawing import draw_within
from nucleate.comparison.families.plan import FamilyPlan, FamilyUnit
from nucleate.data.dataset import Dataset
from nucleate.energies.hull import Hull
from nucleate.energies.hull_choice import HullChoice
from nucleate.energies.potential import Potential
from nucleate.errors import ModelError
from nucleate.funnel.hulls import MOST_ABOVE, WHOLE, open_hull
from nucleate.metrics.csp.evaluate import CspSettings
from nucleate.metrics.csp.evaluate import evaluate as judge_csp
from nucleate.metrics.csp.predictions import Prediction, read_predictions
from nucleate.metrics.dng.evaluate import evaluate as judge_dng
from nucleate.metrics.dng.report import DngReport
from nucleate.metrics.dng.samples import read_samples
from nucleate.metrics.dng.settings import NO_RELAXATION, DngSettings
from nucleate.predictor import Predictor
from nucleate.sampling.request import table_requests
from nucleate.streams import SUBSET
from nucleate.training.validation import validation_subset
from nucleate.work import Work

POTENTIAL = "chgnet"
GENERATED = {
    "structure": ("validity", "structure_classic"),
    "composition": ("validity", "composition"),
    "cov_recall": ("coverage", "cov_recall"),
    "cov_precision": ("coverage", "cov_precision"),
    "density": ("distributions", "density_w1"),
    "elements": ("distributions", "n_elements_w1"),
    "p1": ("symmetry", "p1"),
    "unique": ("uniqueness", "unique"),
    "novel": ("novelty", "novel"),
    "unique_novel": ("joint", "unique_novel"),
}
"""Numbers of generated crystals by their names here."""
STABLE = {name: ("joint", name) for name in ("sun", "msun")} | {"stable": ("stability", "stable_0.1")}


@dataclass(frozen=True)
class KnownHull(HullChoice):
    """The potential's hull of all shipped crystals of MP-20, whatever the data set: perovskites alone are no hull, and
    half of what a model makes of Perov-5 would lie below it."""

    def open(self, potential: Potential, reference: Dataset | None, work: Work = Work()) -> Hull:
        return open_hull(potential.name, WHOLE, "", MOST_ABOVE, work.cache)


def csp_numbers(
    plan: FamilyPlan, unit: FamilyUnit, folder: Path, predictor: Predictor, work: Work
) -> dict[str, Any]:
    """Match rate and RMSE of one structure for each composition, under the `geometry` protocol.

    A composition that was refused, or answered by no crystal, counts as missed; one that time did not suffice for does
    not count.
    """
    table = Dataset.open(unit.data).split("val")
    rows = validation_subset(table, plan.compositions)
    requests, refused = table_requests(table, 1, predictor.limits, rows)
    place = folder / f"csp-{predictor.checksum}"
    mixed = [requests[i] for i in SUBSET.generator(unit.seed).permutation(len(requests))]
    spent = _drawn(place, predictor, mixed, unit.seed, plan.seconds)
    made = read_predictions(place, table).predictions if spent["crystals"] else []
    reached = {one.row for one in made}
    lost = [int(row) for row in rows if int(row) not in reached][: spent["failures"] + len(refused)]
    judged = [*made, *(Prediction(row, 0, None) for row in lost)]
    settings = CspSettings(k=(1,), protocols=("geometry",), metre=False)
    numbers = judge_csp(judged, table, settings, work).to_dict()["geometry"]
    return {"spent": spent, "refused": len(refused), "numbers": _renamed(numbers)}


def _renamed(numbers: dict[str, Any]) -> dict[str, Any]:
    return {"match_rate": numbers["match_rate@1"], "rmse": numbers["rmse@1"]}


def dng_numbers(
    plan: FamilyPlan, unit: FamilyUnit, folder: Path, predictor: Predictor, work: Work
) -> dict[str, Any]:
    """Shares of all crystals that were made, and their distances from the validation split."""
    place = folder / f"dng-{predictor.checksum}"
    requests = predictor.inventions(plan.crystals, unit.seed)
    spent = _drawn(place, predictor, requests, unit.seed, plan.seconds)
    settings = DngSettings("classic", relax=NO_RELAXATION, reference_limit=plan.references)
    report = judge_dng(read_samples(place), Dataset.open(unit.data), settings, work)
    return {"spent": spent, "numbers": _taken(report, GENERATED)}


def sun_numbers(
    plan: FamilyPlan, unit: FamilyUnit, folder: Path, predictor: Predictor, work: Work
) -> dict[str, Any]:
    """Stable, unique and novel among some crystals, after relaxing them; novel against the training split, stable
    against MP-20."""
    samples = read_samples(folder / f"dng-{predictor.checksum}", limit=plan.relaxed)
    settings = DngSettings("mattergen", relax=POTENTIAL, hull=KnownHull(), coverage=False)
    report = judge_dng(samples, Dataset.open(unit.data), settings, work)
    return {"numbers": _taken(report, STABLE)}


def _drawn(place: Path, predictor: Predictor, requests: list, seed: int, seconds: float) -> dict[str, Any]:
    """What was drawn. Raises ModelError where nothing was asked or made."""
    spent = draw_within(place, predictor.generator, requests, seed, seconds)
    if not spent["crystals"] and not spent["failures"]:
        raise ModelError(f"{predictor.name} can be asked for none of this", "take another family")
    return spent


def _taken(report: DngReport, names: dict[str, tuple[str, str]]) -> dict[str, Any]:
    every = {name: report.measure(*where) for name, where in names.items()}
    return {name: one.estimate.to_dict() for name, one in every.items() if one is not None}
