"""Rounds in tests: an untrained model, a toy potential, and an oracle that sees pairs of elements otherwise.

python -m tests.funnel.toys FOLDER KILLS SEED: rounds that are killed at random moments; prints how many.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.energies.potential import Evaluation, Potential
from nucleate.energies.potentials import REGISTRY
from nucleate.funnel.plan import Plan, parse_plan
from nucleate.funnel.run import run
from nucleate.records.ledger import Ledger
from nucleate.records.rounds import asked, rounds
from nucleate.records.tallies import dump
from tests.tuning.made import model


@dataclass(frozen=True)
class Toy(Potential):
    """An energy of the composition and the volume; nothing has forces."""

    name: str = "toy"
    twist: float = 0.0

    @property
    def identity(self) -> str:
        return f"{self.name} {self.twist}"

    def calculator(self) -> Any:
        return self

    def energy(self, cell: Cell) -> float:
        species, count = np.unique(cell.species, return_counts=True)
        shares = count / count.sum()
        pairs = [
            ((int(a * b) % 7 - 3) / 4 + self.twist * (int(a + b) % 5 - 2)) * x * y
            for a, x in zip(species, shares, strict=True)
            for b, y in zip(species, shares, strict=True)
            if a < b
        ]
        spread = np.clip((cell.volume / len(cell.species) - 12) / 300, -0.2, 0.2)
        return len(cell.species) * float(sum(pairs) + abs(spread))

    def evaluate(self, cells: Sequence[Cell]) -> list[Evaluation]:
        return [Evaluation(self.energy(one), np.zeros_like(one.frac), np.zeros((3, 3))) for one in cells]


TOYS = {"toy": Toy(), "truth": Toy("truth", 0.3)}


def plan(folder: Path, more: str = "", source: str = "") -> Plan:
    """Two stages and rounds; `folder/base` holds the model."""
    REGISTRY.update(TOYS)
    if not (folder / "base").exists():
        model(folder)
    source = source or f'generator = "{folder / "base"}"\nn = 12\nset = ["steps=2"]'
    return parse_plan(
        f'[[generate]]\nname = "made"\n{source}\n'
        '[[stage]]\nkind = "relax"\npotential = "toy"\nmost_failures = 1\nbatch = 4\n'
        '[[stage]]\nkind = "hull"\npotential = "toy"\nnear = 0.0\nmost = 2\nleast = -2\nmost_failures = 1\n'
        f'[rounds]\noracle = "truth"\npotential = "toy"\ncalls = 3\npasses = 2\n{more}\n[work]\nworkers = 1\n'
    )


def content(folder: Path) -> dict[str, Any]:
    """All that a folder holds, besides seconds."""
    with Ledger.existing(folder) as ledger:
        calls = [asdict(one) for one in asked(ledger)]
        for one in calls:
            (one["found"] or {}).pop("seconds", None)
        return {"verdicts": list(dump(ledger)), "calls": calls, "rounds": list(map(asdict, rounds(ledger)))}


def killed(folder: Path, out: Path, after: float, more: str) -> bool:
    """Whether a run had to be killed after so many seconds."""
    asked_for = plan(folder, more)
    child = os.fork()
    if not child:
        try:
            run(asked_for, out)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run failed")
    return os.WIFSIGNALED(status)


def kill_often(folder: Path, kills: int, seed: int) -> int:
    """Kill rounds at random moments until they are over, again and again; assert that all end as an undisturbed run."""
    more = 'tune = ["made"]'
    start = time.perf_counter()
    run(plan(folder, more), folder / "first")
    start = time.perf_counter()
    run(plan(folder, more), folder / "whole")
    length, expected = time.perf_counter() - start, content(folder / "whole")
    chance, count, turn = random.Random(seed), 0, 0
    while count < kills:
        out, turn = folder / f"killed-{turn}", turn + 1
        while count < kills and killed(folder, out, chance.uniform(0.1, 0.7) * length, more):
            count += 1
        run(plan(folder, more), out)
        assert content(out) == expected, f"other rounds after {count} kills"
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{kill_often(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))} kills\n")
