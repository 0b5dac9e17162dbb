"""The loop: candidates through the stages, a few calls of the oracle, a delta model, a hull, a tuned generator, again.

Whatever is done is in the ledger or in the folder of a round, so that a killed run goes on where it was: it loses a
batch of a stage, a batch of the oracle, or one tuning. Rounds that are over stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nucleate.errors import DataError
from nucleate.funnel.crew import Crew
from nucleate.funnel.plan import Plan
from nucleate.funnel.rounds.choosing import choose
from nucleate.funnel.rounds.knowledge import Knowledge, knowledge, through, unasked
from nucleate.funnel.rounds.oracle import ask
from nucleate.funnel.rounds.settings import Rounds
from nucleate.funnel.rounds.sources import MODEL, names_of, sources_of, tuned_folder
from nucleate.funnel.rounds.stopping import stopped
from nucleate.funnel.sources import Source
from nucleate.records.ledger import SPAN, Ledger
from nucleate.records.rounds import Round, asked, put_asked, put_round, rounds
from nucleate.runs.model_folder import checksum

ORACLE = "oracle"
"""The fact under which the ledger keeps what answers."""


def check_tuned(plan: Plan) -> None:
    """Raise NucleateError for generators that can't learn as a plan asks."""
    from nucleate.funnel.rounds.tuning import check_tunable

    for source in plan.sources:
        if plan.rounds is not None and source.called in plan.rounds.tune:
            check_tunable(source)


@dataclass
class Loop:
    """Rounds of a plan in a folder.

    Attributes:
        plan: with its [rounds].
        settings: these.
        ledger: of the folder.
        crew: who works.
        folder: where all of it is kept.
        once: runs a plan through all its stages, or goes on with it.
    """

    plan: Plan
    settings: Rounds
    ledger: Ledger
    crew: Crew
    folder: Path
    once: Callable[[Plan], None]

    def run(self) -> str:
        """Go round until a rule stops it; which one, in a sentence."""
        stages = [step.stage for step in self.plan.steps]
        self.hull = self.settings.hull_of(stages)
        self.oracle = self.settings.oracle_stages(self.hull)
        self._same_oracle()
        over = rounds(self.ledger)
        self._judge(self._begun(len(over)))
        while not (reason := stopped(self.settings, over)):
            self._round(len(over) + 1)
            over = rounds(self.ledger)
        return reason

    def _same_oracle(self) -> None:
        """Raise DataError where the calls in the folder were answered by another oracle."""
        now = " | ".join(stage.identity for stage in self.oracle)
        before = self.ledger.fact(ORACLE)
        if before is None:
            self.ledger.note(ORACLE, now)
        elif before != now:
            raise DataError(
                f"{self.folder} holds answers of another oracle, or against another hull",
                "name another --out, or go back to the [rounds] and the stage hull of before",
            )

    def _begun(self, over: int) -> int:
        """The last round that has candidates, at least the first."""
        number = max(over, 1)
        while self._numbers(number + 1):
            number += 1
        return number

    def _numbers(self, number: int) -> set[int]:
        """Numbers in the ledger of the sources of a round, of those that it has."""
        held, names = self.ledger.sources(), names_of(self.plan.sources, number).values()
        return {held[name][0] for name in names if name in held}

    def _judge(self, number: int) -> None:
        """All candidates up to a round, and those of later ones that were begun, through all stages."""
        until = max(number, self._begun(number))
        sources = sources_of(self.plan.sources, self.settings, until, self.folder)
        self.once(replace(self.plan, sources=sources))

    def _round(self, number: int) -> None:
        known = knowledge(self.ledger, self.hull, self.folder, number - 1)
        if number > 1:
            self._tune(number, known)
            self._judge(number)
        if not any(one.round == number for one in asked(self.ledger)):
            candidates = unasked(self.ledger, set().union(*map(self._numbers, range(1, number + 1))))
            put_asked(
                self.ledger,
                choose(self.ledger, candidates, known, self.settings, number, self.plan.seed),
            )
        ask(self.ledger, self.crew, self.oracle, self.folder, number)
        put_round(self.ledger, self._concluded(number, known))

    def _tune(self, number: int, known: Knowledge) -> None:
        from nucleate.funnel.rounds.tuning import tune_for

        held = self.ledger.sources()
        for place, source in enumerate(self._tuned()):
            self.crew.work.tell(f"tune, round {number}", place, len(self._tuned()))
            out = tuned_folder(self.folder, number, source.called)
            first = held[source.called][0]
            tune_for(source, number, first, self.ledger, known, out, self.settings.passes)

    def _tuned(self) -> list[Source]:
        return [source for source in self.plan.sources if source.called in self.settings.tune]

    def _concluded(self, number: int, before: Knowledge) -> Round:
        """The numbers of a round whose calls are answered. before: what was known when it began."""
        after = knowledge(self.ledger, self.hull, self.folder, number)
        mine = [row for row, one in enumerate(after.calls) if one.round == number]
        here = [after.candidates[row] for row in mine]
        above = before.above_now(here, [after.believed[row] for row in mine])
        finite = above[np.isfinite(above)]
        foretold = [after.calls[row] for row in mine if after.calls[row].expected["reach"] is not None]
        covered = [one for one in foretold if abs(one.above - one.expected["mean"]) <= one.expected["reach"]]
        made, new = self._made(number)
        return Round(
            number, made, new, sum(one.round == number for one in asked(self.ledger)), len(mine),
            int((finite <= self.settings.most).sum()), float(finite.min()) if len(finite) else None,
            len(covered), len(foretold), after.learned.numbers if after.learned else {},
            after.learned.factor if after.learned else 1.0,
            tuple(after.now.labels[len(after.hull.labels) :]), self._models(number),
        )  # fmt: skip

    def _made(self, number: int) -> tuple[int, int]:
        """How many candidates a round made, and how many of them came through."""
        mine = self._numbers(number)
        made = sum(len(self.ledger.made(source)) for source in mine)
        return made, sum(one // SPAN in mine for one in through(self.ledger))

    def _models(self, number: int) -> dict[str, str]:
        """Checksums of the weights that drew in a round."""
        folders = {one.called: tuned_folder(self.folder, number, one.called) / MODEL for one in self._tuned()}
        return {name: checksum(path) for name, path in folders.items()} if number > 1 else {}
