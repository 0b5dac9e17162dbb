"""A funnel run into a folder, or gone on with: every stage over all that wait for it, in batches, into the ledger.

Run again it does what is missing: batches that a killed program lost, candidates that are new, and stages whose
settings changed, as far as a candidate comes to them otherwise than before. A plan with [rounds] goes round.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from nucleate.errors import DataError, NucleateError
from nucleate.files import writing
from nucleate.funnel.crew import Crew, LostError
from nucleate.funnel.drawing import Drawing, chunks, draw
from nucleate.funnel.judging import Judging
from nucleate.funnel.plan import Plan
from nucleate.funnel.rounds.loop import Loop, check_tuned
from nucleate.funnel.sources import Source
from nucleate.records.ledger import SPAN, Ledger
from nucleate.records.places import Found, Places
from nucleate.work import Progress, Work


def run(plan: Plan, folder: Path, work: Work | None = None, progress: Progress | None = None) -> str:
    """Run a plan into a folder, or go on with it; why its rounds ended, in a sentence, "" without rounds.

    Args:
        plan: as `read_plan` reads it.
        folder: made where it is missing.
        work: where; what the plan says by default.
        progress: whom to tell, where the plan says where.

    Raises DataError for a folder of another plan; NucleateError where a stage fails for too many candidates, and for
    what the plan asks that can't be done here.
    """
    plan.check()
    if plan.rounds is not None:
        check_tuned(plan)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    where = nullcontext(work) if work is not None else plan.work.opened(folder, progress)
    width = None if work is not None else plan.work.width
    with Ledger(folder) as ledger, where as chosen, Crew(chosen, width) as crew:

        def once(one: Plan) -> None:
            _Run(one, ledger, crew, folder).run()

        if plan.rounds is not None:
            return Loop(plan, plan.rounds, ledger, crew, folder, once).run()
        once(plan)
        return ""


@dataclass
class _Run:
    plan: Plan
    ledger: Ledger
    crew: Crew
    folder: Path

    def run(self) -> None:
        self.places = Places(self.ledger)
        self._claim()
        for source in self.plan.sources:
            self._generate(source)
        for position, step in enumerate(self.plan.steps, 1):
            Judging(self.places, self.crew, position, step, self.plan.limits.after, self.folder).run()

    # what the folder holds

    def _claim(self) -> None:
        """Compare the plan with that of the folder; positions from the first stage on that changed are emptied."""
        held, asked = self.ledger.sources(), {source.called: source for source in self.plan.sources}
        other = [
            name
            for name, (_, identity) in held.items()
            if name not in asked or asked[name].identity != identity
        ]
        if other:
            raise DataError(
                f"{self.folder} holds candidates of another plan: '{other[0]}' was made otherwise",
                "name another --out; in one folder stages may change, and candidates and sources be added",
            )
        now = [step.stage.identity for step in self.plan.steps]
        before = json.loads(self.ledger.fact("stages") or "[]")
        same = next(
            (i for i, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]), len(now)
        )
        with self.ledger.transaction():
            self.places.clear(min(same, len(before)) + 1)
            for name, value in (("format", "1"), ("stages", json.dumps(now)), ("plan", self.plan.text),
                                ("labels", json.dumps([step.label for step in self.plan.steps]))):  # fmt: skip
                self.ledger.base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # candidates

    def _generate(self, source: Source) -> None:
        held = self.ledger.sources()
        number = (
            held[source.called][0]
            if source.called in held
            else self.ledger.add_source(source.called, source.identity)
        )
        made = self.ledger.made(number)
        if len(made) >= source.size:
            return
        self._same_content(source)
        done, judge_ = len(made), self.places.judge(f"generate {source.identity}")
        self._tell(f"generate {source.called}", done, source.size)
        for job, drawn in self.crew.flow(draw, chunks(source, made), _again):
            with self.ledger.transaction():
                found: list[Found] = []
                for place, (cell, verdict) in enumerate(drawn, job.start):
                    self.ledger.add(number * SPAN + place, cell)
                    found.append((number * SPAN + place, b"", verdict))
                self.places.put(0, judge_, found)
            done += len(drawn)
            self._tell(f"generate {source.called}", done, source.size)

    def _same_content(self, source: Source) -> None:
        """Raise DataError where a model or a folder is no longer what the first candidates came from."""
        name, now = f"content of {source.called}", source.content()
        before = self.ledger.fact(name)
        if before is None:
            self.ledger.note(name, now)
        elif before != now and not source.folder:
            raise DataError(
                f"{self.folder} holds candidates of '{source.called}', whose model has changed since",
                "name another --out, or give the new model a name of its own in the plan",
            )

    def _tell(self, stage: str, done: int, total: int) -> None:
        self.crew.work.tell(stage, done, total)


def _again(job: Drawing, alone: Callable[[Drawing], list]) -> list:
    """Draw once more what a worker was lost over."""
    try:
        return alone(job)
    except LostError as error:
        raise NucleateError(
            f"a worker died while drawing candidates of '{job.source.called}' ({error})",
            "it probably ran out of memory: use fewer workers",
        ) from None
