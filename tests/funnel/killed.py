"""Runs of a funnel that are killed at random moments of each stage, in processes that are forked once all is imported.

python -m tests.funnel.killed FOLDER KILLS SEED: prints how many were killed before, in and after which stage.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from nucleate.funnel.judging import Judging
from nucleate.funnel.plan import Plan, Step
from nucleate.funnel.run import run
from nucleate.funnel.stage import Stage, Verdict
from nucleate.records.ledger import NAME, Ledger
from nucleate.records.tallies import dump, tallies
from tests.funnel.crystals import plan_of, some_crystals

CRYSTALS = 160


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


@contextmanager
def announced(tell: Callable[[int], object]):
    """Runs that tell the position of each stage as it begins."""
    whole = Judging.run

    def run_stage(self: Judging) -> None:
        tell(self.position)
        whole(self)

    Judging.run = run_stage
    try:
        yield
    finally:
        Judging.run = whole


def seconds_of_stages(folder: Path, out: Path) -> list[float]:
    """What each position takes of a run that nobody disturbs, that of the generators first."""
    moments = [time.perf_counter()]
    with announced(lambda position: moments.append(time.perf_counter())):
        run(plan(folder), out)
    moments.append(time.perf_counter())
    return [end - start for start, end in pairwise(moments)]


def killed(folder: Path, out: Path, position: int, after: float) -> bool:
    """Whether a run had to be killed so many seconds after a position began, or was over before."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        try:
            with announced(lambda begun: os.write(send, bytes([begun]))):
                run(plan(folder), out)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    os.close(send)
    begun = 0
    while begun < position and (said := os.read(receive, 1)):
        begun = said[0]
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    os.close(receive)
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


@dataclass(frozen=True)
class Killed:
    """What came out: runs that were begun, kills by the stage they fell into, verdicts that are the same."""

    runs: int
    where: dict[str, int]
    verdicts: int


def kill_often(folder: Path, kills: int, seed: int) -> Killed:
    """Kill runs in one position after the other, at a random moment of each; assert that their ledgers are the same."""
    some_crystals(folder / "given.extxyz", CRYSTALS)
    run(plan(folder), folder / "first")  # imports what the stages need
    seconds = seconds_of_stages(folder, folder / "whole")
    expected, chance = content(folder / "whole"), random.Random(seed)
    rounds, where = 0, Counter[str]()
    while where.total() < kills:
        out, rounds = folder / f"killed-{rounds}", rounds + 1
        for position, length in enumerate(seconds):
            if where.total() < kills and killed(folder, out, position, chance.uniform(0, length)):
                where[reached(out)] += 1
        run(plan(folder), out)
        assert content(out) == expected, f"round {rounds}: another ledger after {where.total()} kills"
    return Killed(rounds, dict(where), len(expected))


if __name__ == "__main__":
    found = kill_often(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    many = f"{sum(found.where.values())} kills in {found.runs} runs"
    sys.stdout.write(f"{many}: {found.where}; {found.verdicts} verdicts are the same\n")
