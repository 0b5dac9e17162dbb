"""One unit of the cross benchmark: train a model, draw validation compositions at every cost, judge them.

Every finished measurement has its own file, so a killed call can be resumed, and several machines can share a folder
by `shard`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleate.cell import Cell
from nucleate.comparison.plan import Plan, Unit
from nucleate.data.dataset import Dataset
from nucleate.files import parse_json, write_whole
from nucleate.identity import canonical, canonical_of
from nucleate.metrics.csp.evaluate import CspSettings, evaluate
from nucleate.metrics.csp.predictions import Prediction
from nucleate.predictor import Predictor, load
from nucleate.runs.devices import Hardware
from nucleate.runs.train import train_recipe
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import table_requests
from nucleate.sampling.settings import SamplerSettings, scaled
from nucleate.settings import to_dict
from nucleate.training.validation import validation_subset
from nucleate.work import Work

Tell = Callable[[str], None]
SAMPLES = 20


@dataclass(frozen=True)
class Measurement:
    """A measurement to make: a sampler at a cost, the number of crystals, and samples of each."""

    sampler: str
    settings: SamplerSettings
    crystals: int
    samples: int

    @property
    def name(self) -> str:
        sampler = self.sampler.lower().replace(", ", "-").replace(" ", "-")
        return f"{sampler}-{self.settings.evaluations}-k{self.samples}"

    def found(self, folder: Path) -> dict[str, Any] | None:
        """The result in this folder; None if there is none, it has other settings or crystals, or the file is cut."""
        path = folder / f"{self.name}.json"
        try:
            values = parse_json(path.read_bytes()) if path.exists() else None
        except ValueError:
            return None
        if values is None or values.get("asked", values["crystals"]) != self.crystals:
            return None
        same = canonical_of(SamplerSettings, values["settings"]) == canonical(self.settings)
        return values if same else None


def measurements(plan: Plan, unit: Unit) -> list[Measurement]:
    """The measurements of a unit: every sampler at every cost, or the plain ones at the largest; then many samples."""
    entry = unit.entry
    swept = entry.swept and unit.seed < plan.swept
    costs, names = (plan.nfe, tuple(entry.samplers)) if swept else (plan.nfe[-1:], entry.plain)
    found = [
        Measurement(name, scaled(entry.samplers[name], nfe), plan.limit, 1) for name in names for nfe in costs
    ]
    if plan.top:
        found.append(Measurement(names[0], scaled(entry.samplers[names[0]], plan.top_nfe), plan.top, SAMPLES))
    # Two costs may scale to the same number of steps.
    return list({point.name: point for point in found}.values())


def run_unit(plan: Plan, unit: Unit, root: Path, hardware: Hardware, work: Work, tell: Tell) -> bool:
    """Train and measure whatever a unit lacks; False if a signal stopped the training."""
    folder = unit.folder(root)
    outcome = train_recipe(
        unit.recipe, unit.data, folder / "run", epochs=plan.epochs, minutes=plan.minutes, resume=True,
        hardware=hardware, visible=False,
    )  # fmt: skip
    if outcome.state == "stopped":
        return False
    if not outcome.main:
        return True
    waiting = [point for point in measurements(plan, unit) if point.found(folder) is None]
    if waiting:
        predictor = load(folder / "run")
        for point in waiting:
            _write(folder / f"{point.name}.json", measure(predictor, unit, point, work))
    tell(f"{unit.data.name} {unit.entry.name} seed {unit.seed}: {outcome.counters.step} steps")
    return True


def measure(predictor: Predictor, unit: Unit, point: Measurement, work: Work) -> dict[str, Any]:
    """Match rate and RMSE of one sample, and of `samples` of them, under the `geometry` protocol."""
    table = Dataset.open(unit.data).split("val")
    rows = validation_subset(table, point.crystals)
    requests, refused = table_requests(table, point.samples, predictor.limits, rows)
    predictions = [
        Prediction(int(one.request.crystal or 0), one.request.sample, _cell(one.crystal))
        for batch in predictor.draw(requests, point.settings, unit.seed)
        for one in batch
        if isinstance(one, Generated)
    ]
    ks = (1,) if point.samples == 1 else (1, point.samples)
    settings = CspSettings(k=ks, protocols=("geometry",), metre=False)
    found = evaluate(predictions, table, settings, work).to_dict()["geometry"]
    return {
        "sampler": point.sampler,
        "settings": to_dict(point.settings),
        "nfe": point.settings.evaluations,
        "samples": point.samples,
        "asked": point.crystals,
        "crystals": len(rows) - len(refused),
        **{key: value for key, value in found.items() if key.startswith(("match_rate@", "rmse@"))},
    }


def _cell(crystal: Any) -> Cell:
    return Cell(
        crystal.species[0].numpy(), crystal.frac[0].double().numpy(), crystal.lattice[0].double().numpy()
    )


def _write(path: Path, found: dict[str, Any]) -> None:
    write_whole(path, json.dumps(found, indent=1) + "\n")
