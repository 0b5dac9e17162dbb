"""A million candidates through sanitise and duplicates: seconds, and the memory of all processes at their peak.

    python benchmarks/million.py --out runs/million

Candidates are made here and put into the ledger: known crystals of the shipped index with other elements in their
places and strained cells, every eighth a distorted copy of an earlier one. All else is `nucleate discover`. The same
command goes on with a run that was stopped; times of several runs add up. Writes benchmarks/results/million.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.funnel.plan import Plan, parse_plan
from nucleate.funnel.run import run
from nucleate.prototypes.files import read_index
from nucleate.prototypes.shipped import INDEX
from nucleate.records.ledger import SPAN, Ledger
from nucleate.records.places import Places
from nucleate.records.tallies import tallies
from nucleate.records.verdicts import Verdict

RESULT = Path(__file__).parent / "results" / "million.json"
PLAN = """
[plan]
name = "a million"
[[generate]]
generator = "substitution"
name = "synthetic"
n = {n}
[[stage]]
kind = "sanitise"
[[stage]]
kind = "duplicates"
[work]
workers = {workers}
"""
ELEMENTS = np.array([z for z in range(1, 84) if z not in (2, 10, 18, 36, 43, 54, 61)])
STRAIN, NOISE = 0.02, 0.01
CHUNK = 2000
COPIES = 8
PAGE = os.sysconf("SC_PAGE_SIZE")


def crystals(start: int, stop: int, cells: list[Cell]) -> Iterator[Cell]:
    """Candidates start to stop: each hangs on its own number alone."""
    for number in range(start, stop):
        if number % COPIES == COPIES - 1:
            random = np.random.default_rng((1, number))
            made = made_of(int(random.integers(number - number % COPIES)) if number >= COPIES else 0, cells)
            frac = made.frac + random.normal(0, NOISE, made.frac.shape)
            yield made._replace(frac=frac % 1)
        else:
            yield made_of(number, cells)


def made_of(number: int, cells: list[Cell]) -> Cell:
    random = np.random.default_rng((0, number))
    cell = cells[int(random.integers(len(cells)))]
    kinds, role = np.unique(cell.species, return_inverse=True)
    species = random.choice(ELEMENTS, len(kinds), replace=False)[role]
    strain = np.eye(3) + random.normal(0, STRAIN, (3, 3))
    return Cell(species.astype(np.int64), cell.frac, cell.lattice @ (strain + strain.T) / 2)


def fill(plan: Plan, folder: Path) -> float:
    """Put what is missing of the candidates into the ledger; seconds."""
    start, (source,) = time.perf_counter(), plan.sources
    index = read_index(INDEX)
    cells = [index.cell(i) for i in np.flatnonzero(index.sizes <= 20).tolist()]
    folder.mkdir(parents=True, exist_ok=True)
    with Ledger(folder) as ledger:
        held, places = ledger.sources(), Places(ledger)
        number = held[source.called][0] if held else ledger.add_source(source.called, source.identity)
        judge = places.judge("generate synthetic")
        for first in range(len(ledger.made(number)), source.size, CHUNK):
            with ledger.transaction():
                made = list(enumerate(crystals(first, min(first + CHUNK, source.size), cells), first))
                for place, cell in made:
                    ledger.add(number * SPAN + place, cell)
                places.put(0, judge, [(number * SPAN + place, b"", Verdict.passed()) for place, _ in made])
    return time.perf_counter() - start


class Watch(threading.Thread):
    """The memory of this process and its children, twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.each, self.over = 0.0, {}, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            own = {"program": resident(os.getpid())}
            own |= {f"worker {i}": resident(pid) for i, pid in enumerate(children(os.getpid()))}
            if sum(own.values()) > self.peak:
                self.peak, self.each = sum(own.values()), own


def resident(process: int) -> float:
    """MB that a process alone has, and its share of what it has with others."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == process:
            found.append(int(path.parent.name))
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the ledger")
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    plan = parse_plan(PLAN.format(n=asked.n, workers=asked.workers))
    watch, before = Watch(), asked.out / "times.json"
    watch.start()
    times = (
        json.loads(before.read_text())
        if before.exists()
        else {"filling": 0.0, "stages": 0.0, "runs": 0, "peak": 0}
    )
    times["filling"] += fill(plan, asked.out)
    start, spoken = time.perf_counter(), [0.0]

    def tell(stage: str, done: int, total: int) -> None:
        if time.perf_counter() - spoken[0] > 60 or done == total:
            spoken[0] = time.perf_counter()
            print(
                f"{time.perf_counter() - start:8.0f} s  {stage} {done}/{total}  {watch.peak:.0f} MB",
                flush=True,
            )

    try:
        run(plan, asked.out, progress=tell)
    finally:
        times["stages"] += time.perf_counter() - start
        times["runs"] += 1
        times["peak"] = max(times["peak"], watch.peak)
        before.write_text(json.dumps(times))
    record(asked, times, watch)


def record(asked: argparse.Namespace, times: dict, watch: Watch) -> None:
    """Write the result."""
    with Ledger.existing(asked.out) as ledger:
        found = tallies(ledger)
    rows = {
        one.label: {"came": one.came, "passed": one.passed, "rejected": one.rejected, "failed": one.failed,
                    "worker_seconds": round(one.seconds, 1)}
        for one in found
    }  # fmt: skip
    result = {
        "benchmark": "million",
        "command": f"python benchmarks/million.py --out runs/million -n {asked.n} --workers {asked.workers}",
        "candidates": asked.n,
        "workers": asked.workers,
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work",
        "runs": times["runs"],
        "seconds_filling": round(times["filling"], 1),
        "seconds_stages": round(times["stages"], 1),
        "peak_memory_mb": round(times["peak"]),
        "peak_memory_of": {name: round(value) for name, value in watch.each.items()},
        "ledger_mb": round((asked.out / "ledger.sqlite").stat().st_size / 2**20),
        "stages": rows,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
