"""One row with one seed: its models are made, asked, and judged; every number has its file, so that nothing is made
twice."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nucleate.comparison.families.judged import csp_numbers, dng_numbers, sun_numbers
from nucleate.comparison.families.made import Made, Maker, Place
from nucleate.comparison.families.plan import FamilyPlan, FamilyUnit
from nucleate.errors import NucleateError
from nucleate.files import parse_json, write_whole
from nucleate.work import Work

Tell = Callable[[str], None]
JUDGES = {"csp": csp_numbers, "dng": dng_numbers, "sun": sun_numbers}
ERROR = "error.txt"
STOPPED, DONE, FAILED = "stopped", "done", "failed"


def found(plan: FamilyPlan, folder: Path, task: str) -> dict[str, Any] | None:
    """The numbers of a task in this folder; None if there are none, or they were asked for otherwise."""
    try:
        values = parse_json((folder / f"{task}.json").read_bytes())
        return values if values["asked"] == plan.asked(task) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def wanted(plan: FamilyPlan, model: Maker) -> list[str]:
    """The tasks of a model whose numbers are asked for."""
    return [*model.tasks, *(["sun"] if plan.relaxed and "dng" in model.tasks else [])]


def run_family_unit(plan: FamilyPlan, unit: FamilyUnit, root: Path, work: Work, tell: Tell) -> str:
    """Whatever a row lacks. `failed` leaves the reason in a file, and the next call tries again."""
    folder = unit.folder(root)
    error, what = folder / ERROR, f"{unit.data.name} {unit.family.title} seed {unit.seed}"
    error.unlink(missing_ok=True)
    try:
        state = _run(plan, unit, folder, work)
    except Exception as problem:  # one family must not end the comparison of the others
        known = isinstance(problem, NucleateError)
        reason = problem.message if known else f"{type(problem).__name__}: {problem}"
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(error, f"{reason}\n\n{traceback.format_exc()}")
        tell(f"{what} failed: {reason}; {error} says more")
        return FAILED
    if state == DONE:
        tell(f"{what}: done")
    return state


def _run(plan: FamilyPlan, unit: FamilyUnit, folder: Path, work: Work) -> str:
    for model in unit.family.models:
        lacking = [task for task in wanted(plan, model) if found(plan, folder, task) is None]
        if not lacking:
            continue
        place = Place(unit.data, folder / model.name, unit.seed, plan.minutes)
        made = model.made(place)
        if made is None:
            return STOPPED
        for task in lacking:
            numbers = JUDGES[task](plan, unit, place.folder, made.predictor, work)
            _write(folder / f"{task}.json", plan.asked(task), made, numbers)
    return DONE


def _write(path: Path, asked: dict[str, Any], made: Made, numbers: dict[str, Any]) -> None:
    values = {"asked": asked, "model": dict(made.facts), **numbers}
    write_whole(path, json.dumps(values, indent=1) + "\n")
