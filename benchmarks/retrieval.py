"""How often retrieval of prototypes is right: match rates of the first 1, 3, 5 and 20 different answers.

    python benchmarks/retrieval.py --data data/mp_20 --sources mp_20 --limit 1000 --name mp-20
    nucleate prototypes index data/perov_5 --out runs/perov_5.parquet
    python benchmarks/retrieval.py --data data/perov_5 --index runs/perov_5.parquet --name perov-5
    python benchmarks/retrieval.py --data data/mp_20 --sources mp_20 --limit 1000 --remove AB3 --name mp-20-without-ab3
    nucleate data filter data/mpts_52 --new-to data/mp_20 --out runs/mpts_52-new
    python benchmarks/retrieval.py --data runs/mpts_52-new --sources mp_20 --limit 300 --name mpts-52-new

Retrieval, not generation: it knows the entries of the index, which must not hold the split that is predicted. Crystals
of the formula itself come last (`known=other`). Protocol `full`. Writes benchmarks/results/retrieval-NAME.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.metrics.intervals import bootstrap_mean, wilson
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.prototypes.entry import describe
from nucleate.prototypes.files import checksum_of
from nucleate.prototypes.retrieve import Proposal, Prototypes
from nucleate.prototypes.shipped import RANKING
from nucleate.streams import LIKE_SEED, SUBSET

KS = (1, 3, 5, 20)
SIZES = ((1, 4), (5, 8), (9, 12), (13, 16), (17, 20), (21, 52))
SECONDS = 20.0
"""Time limit of one comparison."""


class Row(NamedTuple):
    """One composition: atoms, rank of the first match (0 for none), its RMSD, answers, volume error of the first
    answer, whether the formula and the prototype are in the index, seconds, anonymous formula."""

    atoms: int
    rank: int
    rms: float
    answers: int
    volume_error: float
    formula_known: bool
    prototype_known: bool
    seconds: float
    anonymous: str


def judge(cell: Cell, prototypes: Prototypes, known: tuple[set, set]) -> Row:
    start = time.perf_counter()
    found = prototypes.propose(Counter(cell.species.tolist()), max(KS), known="other")
    seconds = time.perf_counter() - start
    rank, rms = first_match(cell, found)
    truth = describe(cell)
    label = "" if truth is None else truth.label
    volume = abs(found[0].cell.volume / cell.volume - 1) if found else np.nan
    return Row(
        len(cell.species), rank, rms, len(found), volume, cell.formula in known[0], label in known[1], seconds,
        label.split("_")[0],
    )  # fmt: skip


def first_match(cell: Cell, found: list[Proposal]) -> tuple[int, float]:
    reference, matcher = reduce_cell(cell), Matcher()
    for rank, one in enumerate(found, 1):
        rms = try_match(lambda one=one: matcher.rms(reduce_cell(one.cell), reference), SECONDS)[0]
        if rms is not None:
            return rank, rms
    return 0, np.nan


def numbers(rows: list[Row]) -> dict[str, Any]:
    ranks = np.array([row.rank for row in rows])
    rates = {
        f"match_rate@{k}": wilson(int(((ranks > 0) & (ranks <= k)).sum()), len(rows)).to_dict() for k in KS
    }
    first = np.array([row.rms for row in rows if row.rank == 1])
    volumes = [row.volume_error for row in rows if row.rank == 1]
    more = {
        "rmse@1": bootstrap_mean(first, 0).to_dict(),
        "volume_error@1": round(float(np.median(volumes)), 4),
    }
    return {"compositions": len(rows), **rates, **(more if len(first) else {})}


def parts(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Parts of the rows that are reported separately."""
    named = {
        "all": rows,
        "formula in the index": [row for row in rows if row.formula_known],
        "formula not in the index": [row for row in rows if not row.formula_known],
        "prototype in the index": [row for row in rows if row.prototype_known],
        "prototype not in the index": [row for row in rows if not row.prototype_known],
    }
    named |= {f"{low} to {high} atoms": [r for r in rows if low <= r.atoms <= high] for low, high in SIZES}
    return {name: numbers(some) for name, some in named.items() if some}


def open_index(asked: argparse.Namespace) -> Prototypes:
    sources = set(asked.sources.split(",")) if asked.sources else None
    ranking = None if asked.ranking == "nearest" else RANKING if asked.ranking == "shipped" else asked.ranking
    found = Prototypes.open(asked.index, sources, ranking)
    if not asked.remove:
        return found
    kept = [not label.startswith(f"{asked.remove}_") for label in found.index.label.tolist()]
    return found.on(found.index.select(np.flatnonzero(kept)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int, help="as of 'nucleate predict --like --limit'")
    parser.add_argument("--index", type=Path, help="the shipped one by default")
    parser.add_argument("--sources", default="", help="sources of the index; all by default")
    parser.add_argument("--ranking", default="shipped", help="shipped, nearest, or a file")
    parser.add_argument(
        "--remove", default="", help="anonymous formula to remove from the index; only its rows are judged"
    )
    parser.add_argument("--name", required=True)
    asked = parser.parse_args()
    prototypes = open_index(asked)
    index = prototypes.index
    known = ({index.cell(i).formula for i in range(len(index))}, set(index.label.tolist()))
    table = Dataset.open(asked.data).split(asked.split)
    chosen = np.arange(len(table))
    if asked.limit and asked.limit < len(table):
        chosen = np.sort(SUBSET.generator(LIKE_SEED).permutation(len(table))[: asked.limit])
    rows = []
    for place, row in enumerate(chosen.tolist()):
        rows.append(judge(table.cell(row), prototypes, known))
        if place % 100 == 99:
            print(place + 1, "of", len(chosen), numbers(rows)["match_rate@1"]["value"], file=sys.stderr)
    if asked.remove:
        rows = [row for row in rows if row.anonymous == asked.remove]
    seconds = round(float(np.mean([row.seconds for row in rows])), 3)
    record = {
        "benchmark": "retrieval", "command": shlex.join(["python", "benchmarks/retrieval.py", *sys.argv[1:]]),
        "data": asked.data.name, "split": asked.split, "index": checksum_of(index), "entries": len(index),
        "sources": sorted(set(index.source.tolist())), "ranking": asked.ranking, "removed": asked.remove,
        "protocol": "full", "known": "other", "k": max(KS), "seed": LIKE_SEED,
        "hardware": f"{platform.machine()}, one thread", "seconds_per_composition": seconds,
        "answers": round(float(np.mean([row.answers for row in rows])), 1), "parts": parts(rows),
    }  # fmt: skip
    out = Path(__file__).parent / "results" / f"retrieval-{asked.name}.json"
    out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"{record['parts']['all']}; {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
