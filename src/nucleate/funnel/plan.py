"""A plan: one page of TOML that says what is looked for; read as a whole, and wrong in one sentence.

[plan]
name = "oxides"

[[generate]]
generator = "substitution"
n = 1000

[[stage]]
kind = "sanitise"

[[stage]]
kind = "duplicates"

[work]
workers = 2
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from nucleate.errors import DataError, RecipeError
from nucleate.funnel.executors import WorkPlan
from nucleate.funnel.registry import nearest, stage_kind
from nucleate.funnel.rounds.settings import Rounds
from nucleate.funnel.sources import Source
from nucleate.funnel.stage import Stage
from nucleate.settings import MOST_SECONDS, MOST_SEED, from_dict, within

GROUPS = ("plan", "generate", "stage", "rounds", "work", "limits")
OF_EVERY_STAGE = ("kind", "timeout", "batch", "most_failures")
MOST_BATCH = 100_000


@dataclass(frozen=True)
class Limits:
    """[limits] of a plan: when to stop.

    Attributes:
        most_failures: the share of the candidates of a stage, above which the run stops.
        after: not before so many were judged.
    """

    most_failures: float = 0.5
    after: int = 50

    def __post_init__(self) -> None:
        within(self, 0, 1, "most_failures", "limits.")
        within(self, 1, 10**9, "after", "limits.")


@dataclass(frozen=True)
class Step:
    """One [[stage]] of a plan: the judge, and how it is run, which changes no verdict.

    Attributes:
        stage: the judge.
        label: what reports call it, different from all others in the plan.
        timeout: seconds for one candidate; 0 for no limit.
        batch: how many candidates are judged at once.
        most_failures: as in Limits, for this stage.
    """

    stage: Stage
    label: str
    timeout: float | None
    batch: int
    most_failures: float


@dataclass(frozen=True)
class Plan:
    """What is looked for, and how.

    Attributes:
        name: for people.
        seed: of whatever has no seed of its own.
        sources: where candidates come from.
        steps: the stages in order.
        work: where it runs.
        limits: when to stop.
        text: the plan as it was written.
        rounds: how it goes round; None for a funnel that is run once.
    """

    name: str
    seed: int
    sources: tuple[Source, ...]
    steps: tuple[Step, ...]
    work: WorkPlan = field(default_factory=WorkPlan)
    limits: Limits = field(default_factory=Limits)
    text: str = ""
    rounds: Rounds | None = None

    def check(self) -> None:
        """Raise NucleateError for whatever can't be done here: before anything runs."""
        self.work.check()
        for source in self.sources:
            source.check()
        for step in self.steps:
            step.stage.check()
        if self.rounds is not None:
            self.rounds.check([step.stage for step in self.steps])


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises DataError where there is none, RecipeError for what is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"no plan {path}", "write one with: nucleate discover --example --out FOLDER"
        ) from None
    return parse_plan(text, path.name, path.stem)


def parse_plan(text: str, where: str = "the plan", name: str = "plan") -> Plan:
    """The plan in a text; `name` is its own by default."""
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"{where} is no TOML ({error})", "mend that line") from None
    _known(content, GROUPS, "", "groups")
    about, limits = _group(content, "plan"), from_dict(Limits, _checked(content, "limits", Limits))
    _known(about, ("name", "seed"), "plan.", "settings")
    seed = about.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
        raise RecipeError(f"plan.seed = {seed!r} is no seed", f"give a whole number from 0 to {MOST_SEED}")
    sources = _sources(_list(content, "generate"), seed)
    steps = _steps(_list(content, "stage"), limits)
    work = from_dict(WorkPlan, _checked(content, "work", WorkPlan), "work.")
    rounds = (
        from_dict(Rounds, _checked(content, "rounds", Rounds), "rounds.") if "rounds" in content else None
    )
    if rounds is not None:
        rounds.fit(sources, [step.stage for step in steps])
    return Plan(str(about.get("name", name)), seed, sources, steps, work, limits, text, rounds)


def _sources(groups: Sequence[Mapping[str, Any]], seed: int) -> tuple[Source, ...]:
    if not groups:
        raise RecipeError("the plan has no [[generate]]", 'write [[generate]] and generator = "substitution"')
    found: list[Source] = []
    for number, values in enumerate(groups, 1):
        where = f"generate {number}: "
        _known(values, [one.name for one in fields(Source)], where, "settings")
        source = from_dict(Source, values, where)
        source = replace(source, seed=seed) if source.seed is None else source
        taken = {one.called for one in found}
        if source.called in taken:
            raise RecipeError(
                f"{where}candidates are called '{source.called}' as those before",
                'write another name = "..."',
            )
        found.append(source)
    return tuple(found)


def _steps(groups: Sequence[Mapping[str, Any]], limits: Limits) -> tuple[Step, ...]:
    steps: list[Step] = []
    said: set[str] = set()
    for number, values in enumerate(groups, 1):
        if not isinstance(values.get("kind"), str):
            raise RecipeError(f"stage {number} has no kind", 'write for example kind = "sanitise"')
        where = f"stage {number} ({values['kind']}): "
        kind = stage_kind(values["kind"])
        own = [one.name for one in fields(kind)]  # type: ignore[arg-type]
        _known(values, (*own, *OF_EVERY_STAGE), where, "settings")
        stage = from_dict(kind, {name: one for name, one in values.items() if name in own}, where)
        lacking = [name for name in stage.reads if name not in said]
        if lacking:
            raise RecipeError(
                f"{where}no stage before it says {lacking[0]}",
                f"said before: {', '.join(sorted(said)) or 'nothing'}",
            )
        said |= set(stage.writes)
        steps.append(_step(stage, values, where, limits, [step.label for step in steps]))
    return tuple(steps)


def _step(stage: Stage, values: Mapping[str, Any], where: str, limits: Limits, labels: Sequence[str]) -> Step:
    label, number = stage.label, 2
    while label in labels:
        label, number = f"{stage.label} {number}", number + 1
    run = from_dict(_Run, {name: values[name] for name in OF_EVERY_STAGE[1:] if name in values}, where)
    timeout = stage.timeout if run.timeout is None else run.timeout or None
    share = limits.most_failures if run.most_failures is None else run.most_failures
    return Step(stage, label, timeout, run.batch or stage.batch, share)


@dataclass(frozen=True)
class _Run:
    """How a stage is run."""

    timeout: float | None = None
    batch: int | None = None
    most_failures: float | None = None

    def __post_init__(self) -> None:
        within(self, 0, MOST_SECONDS, "timeout")
        within(self, 1, MOST_BATCH, "batch")
        within(self, 0, 1, "most_failures")


def _known(values: Mapping[str, Any], names: Sequence[str], where: str, what: str) -> None:
    """Raise RecipeError for a key that nothing reads."""
    for key in values:
        if key not in names:
            raise RecipeError(
                f"{where}nothing is called '{key}'",
                f"{nearest(key, names)}the {what} here are: {', '.join(names)}",
            )


def _group(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name, {})
    if not isinstance(found, Mapping):
        raise RecipeError(f"{name} is no group of settings", f"write [{name}] on a line of its own")
    return found


def _checked(content: Mapping[str, Any], name: str, kind: type) -> Mapping[str, Any]:
    found = _group(content, name)
    _known(found, [one.name for one in fields(kind)], f"{name}: ", "settings")
    return found


def _list(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise RecipeError(f"{name} is no list of groups", f"write [[{name}]] before each of them")
    return found
