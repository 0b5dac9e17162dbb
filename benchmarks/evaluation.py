"""Evaluation against a plain single-process pymatgen loop, at identical verdicts.

    python benchmarks/evaluation.py --reference data/mp_20 --split val -n 200 --workers 2 --rounds 3
    python benchmarks/evaluation.py --reference data/mp_20 --predictions runs/mp20/predictions -n 200

The plain loop calls `StructureMatcher(stol=0.5, angle_tol=10, ltol=0.3).get_rms_dist(prediction, reference)` pair by
pair, as every published evaluation does, on structures that are in memory already, with pymatgen's own cache of
reduced structures. Ours judges the same pairs with `judge_row` in a pool that is already running. Rounds alternate; the
ratio is that of the medians, of wall time, or of processor time with one worker. Without --predictions, references
serve as predictions: exact, moved by 0.1, 0.3 and 0.8 Å with strained cells, and with random coordinates, in equal
parts. One JSON line goes to stdout; the exit status is 1 if a verdict differs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.table import CrystalTable, read_table
from nucleate.metrics.csp.jobs import RowJob, judge_row
from nucleate.metrics.csp.predictions import read_predictions
from nucleate.metrics.matching import Matcher
from nucleate.work import Work

Pair = tuple[Cell, Cell]


def made_up(table: CrystalTable, rows: np.ndarray, seed: int) -> list[Pair]:
    """(prediction, reference) of these rows, perturbed by five strengths in turn."""
    rng = np.random.default_rng(seed)
    pairs = []
    for number, row in enumerate(rows):
        cell = table.cell(int(row))
        shift, strain = ((0, 0), (0.1, 0.02), (0.3, 0.05), (0.8, 0.1), (0, 0.05))[number % 5]
        lattice = cell.lattice @ (np.eye(3) + rng.normal(0, strain, (3, 3)))
        frac = cell.frac + rng.normal(0, shift, cell.frac.shape) @ np.linalg.inv(lattice)
        if number % 5 == 4:
            frac = rng.random(cell.frac.shape)
        pairs.append((Cell(cell.species, frac % 1, lattice), cell))
    return pairs


def from_files(table: CrystalTable, path: Path, limit: int) -> list[Pair]:
    found = read_predictions(path, table).predictions
    usable = [(one.cell, one.row) for one in found if one.cell is not None]
    return [(cell, table.cell(row)) for cell, row in usable[:limit]]


def plain_loop(pairs: list) -> list[float | None]:
    """What every published evaluation does."""
    from pymatgen.core.structure_matcher import StructureMatcher

    StructureMatcher._get_reduced_istructure.cache_clear()
    matcher = StructureMatcher(stol=0.5, angle_tol=10, ltol=0.3)
    results = []
    for prediction, reference in pairs:
        try:
            found = matcher.get_rms_dist(prediction, reference)
        except Exception:
            found = None
        results.append(None if found is None else float(found[0]))
    return results


def ours(jobs: list[RowJob], workers: int) -> tuple[float, list[float | None]]:
    """Seconds without starting the pool, and the verdicts."""
    with Work.local(workers).mapped() as mapped:
        list(mapped(judge_row, jobs[:1] * (64 * workers if workers > 1 else 1)))
        start = clock(workers)
        verdicts = list(mapped(judge_row, jobs))
        return clock(workers) - start, [verdict.samples[0].rms for verdict in verdicts]


def clock(workers: int) -> float:
    """Wall time for a pool; processor time for one process, which other programs on the machine change less."""
    return time.perf_counter() if workers > 1 else time.process_time()


def same(a: float | None, b: float | None) -> bool:
    return (a is None) == (b is None) and (a is None or b is None or abs(a - b) < 1e-6)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("-n", type=int, default=200, help="pairs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    table = read_table(args.reference / f"{args.split}.parquet")
    rows = np.random.default_rng(args.seed).permutation(len(table))[: args.n]
    pairs = (
        from_files(table, args.predictions, args.n) if args.predictions else made_up(table, rows, args.seed)
    )
    structures = [(prediction.to_structure(), reference.to_structure()) for prediction, reference in pairs]
    jobs = [RowJob(reference, [prediction], Matcher(), 60.0, True) for prediction, reference in pairs]

    times: dict[str, list[float]] = {"plain": [], "ours": []}
    expected, found = [], []
    for _ in range(args.rounds):
        start = clock(args.workers)
        expected = plain_loop(structures)
        times["plain"].append(clock(args.workers) - start)
        seconds, found = ours(jobs, args.workers)
        times["ours"].append(seconds)
    differing = sum(not same(a, b) for a, b in zip(expected, found, strict=True))
    medians = {name: statistics.median(values) for name, values in times.items()}
    result = {
        "benchmark": "evaluation",
        "reference": str(args.reference),
        "split": args.split,
        "pairs": len(pairs),
        "predictions": str(args.predictions or "perturbed references"),
        "matched": sum(rms is not None for rms in expected),
        "differing_verdicts": differing,
        "workers": args.workers,
        "rounds": args.rounds,
        "clock": "wall" if args.workers > 1 else "processor",
        "plain_ms_per_pair": 1e3 * medians["plain"] / len(pairs),
        "ours_ms_per_pair": 1e3 * medians["ours"] / len(pairs),
        "ratio": medians["plain"] / medians["ours"],
    }
    print(json.dumps(result))
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
