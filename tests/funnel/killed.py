"""Runs of a funnel that are killed at random moments, in processes that are forked once everything is imported.

python -m tests.funnel.killed FOLDER KILLS SEED: prints how many were killed before, in and after which stage.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from nucleate.funnel.plan import Plan, Step
from nucleate.funnel.run import run
from nucleate.funnel.stage import Stage, Verdict
from nucleate.records.ledger import NAME, Ledger
from nucleate.records.tallies import dump, tallies
from tests.funnel.crystals import plan_of, some_crystals

CRYSTALS = 160
LONGEST = 0.5
"""Seconds before a kill."""


@dataclass(frozen=True)
class Slow(Stage):
    """Takes its time, gives every crystal another cell, and fails for some."""

    name = "slow"

    seconds: float = 0.003

    @property
    def writes(self):
        return ("slow.volume",)

    def judge(self, candidates, work):
        time.sleep(self.seconds * len(candidates))
        return [self.verdict(one) for one in candidates]

    def verdict(self, one):
        if 37 in one.cell.species:
            return Verdict.failed("rubidium")
        cell = one.cell._replace(lattice=1.01 * one.cell.lattice)
        return Verdict.passed(cell, values={"slow.volume": cell.volume})


def plan(folder: Path) -> Plan:
    """Stages of every kind: one by one, in parties, with new cells, with failures."""
    made = plan_of(
        folder,
        'kind = "sanitise"\nbatch = 8',
        'kind = "symmetrise"\nbatch = 8',
        'kind = "duplicates"\nbatch = 4',
    )
    slow = Step(Slow(), "slow", 10.0, 4, 1.0)
    last = plan_of(folder, 'kind = "duplicates"', 'kind = "shortlist"\nn = 5').steps
    return replace(made, steps=(slow, *made.steps, replace(slow, label="again"), replace(last[1])))


def content(folder: Path) -> list:
    with Ledger.existing(folder) as ledger:
        return list(dump(ledger))


def killed(folder: Path, out: Path, after: float) -> bool:
    """Whether a run had to be killed after so many seconds, or was over before."""
    child = os.fork()
    if not child:
        try:
            run(plan(folder), out)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run failed")
    return os.WIFSIGNALED(status)


def reached(out: Path) -> str:
    """The stage that a run was killed in."""
    if not (out / NAME).is_file():
        return "before"
    try:
        with Ledger.existing(out) as ledger:
            return next((one.label for one in tallies(ledger) if one.waiting), "generate")
    except Exception:
        return "before"


def main(folder: Path, kills: int, seed: int) -> None:
    some_crystals(folder / "given.extxyz", CRYSTALS)
    run(plan(folder), folder / "whole")
    expected, chance = content(folder / "whole"), random.Random(seed)
    done, rounds, where = 0, 0, dict[str, int]()
    while done < kills:
        out, rounds = folder / f"killed-{rounds}", rounds + 1
        while done < kills and killed(folder, out, chance.uniform(0, LONGEST)):
            done += 1
            where[reached(out)] = where.get(reached(out), 0) + 1
        run(plan(folder), out)
        assert content(out) == expected, f"round {rounds}: another ledger after {done} kills"
    sys.stdout.write(f"{done} kills in {rounds} runs: {where}; {len(expected)} verdicts are the same\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
