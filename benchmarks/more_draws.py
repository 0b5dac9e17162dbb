"""Do more free draws find what the answers missed? Draws beyond the first ten, for compositions with answers to spare.

    nucleate predict --like data/mp_20 --limit 1000 -n 20 --threads 1 --set known=other --set 'sources=["mp_20"]' \
        --out runs/answers-val1000
    nucleate evaluate csp runs/answers-val1000 --reference data/mp_20 --split val --json runs/answers-val1000.json
    python benchmarks/more_draws.py --data data/mp_20 --report runs/answers-val1000.json

Only compositions where none of the answers matches and fewer than twenty were found are drawn for: a further draw can
only add to those. It gives what `match rate@20` rises by at most, since a draw that agrees with an answer adds none.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.files import write_whole
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.predictor import load
from nucleate.sampling.generator import Generated
from nucleate.sampling.request import table_requests

WANTED, DRAWN = 20, 10
"""Answers asked for, and draws that were made already at most."""
SECONDS = 20.0
MODEL = "kldm-mp20-csp"


def missed(rows: list[dict[str, Any]]) -> tuple[int, list[int], list[int]]:
    """Number of compositions, those without a match, and of these those with fewer answers than were asked for."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["crystal"]].append(row)
    lost = [one for one, some in found.items() if not any(row["matched"] for row in some)]
    few = [one for one in lost if sum(row["geometry"] != "unreadable" for row in found[one]) < WANTED]
    return len(found), lost, few


def hits(table: CrystalTable, rows: list[int], seed: int) -> dict[int, int]:
    """The first matching draw of each row that has one, of the draws after the first ones."""
    predictor = load(MODEL)
    asked, _ = table_requests(table, WANTED, predictor.limits, np.array(sorted(rows)))
    found: dict[int, int] = {}
    for batch in predictor.draw([one for one in asked if one.sample >= DRAWN], seed=seed):
        for one in batch:
            row = one.request.crystal
            if isinstance(one, Generated) and row is not None and _matches(one, table, row):
                found[row] = min(found.get(row, WANTED), one.request.sample)
    return found


def _matches(one: Generated, table: CrystalTable, row: int) -> bool:
    (cell,) = one.crystal.cells()
    return (
        try_match(lambda: Matcher().rms(reduce_cell(cell), reduce_cell(table.cell(row))), SECONDS)[0]
        is not None
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument(
        "--report", type=Path, required=True, help="JSON of 'nucleate evaluate csp' on the answers"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "more-draws.json")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    total, lost, few = missed(json.loads(asked.report.read_text())["record"]["rows"])
    found = hits(Dataset.open(asked.data).split(asked.split), few, asked.seed)
    record = {
        "benchmark": "more-draws", "data": f"{asked.data.name}, {asked.split}", "model": MODEL, "seed": asked.seed,
        "command": f"python benchmarks/more_draws.py --data {asked.data} --report {asked.report}",
        "compositions": total, "without_a_match": len(lost), "of_these_with_fewer_than_20_answers": len(few),
        "draws_each": WANTED - DRAWN, "of_these_matched_by_a_further_draw": len(found),
        "match_rate@20": round(1 - len(lost) / total, 4),
        "match_rate@20_with_further_draws_at_most": round(1 - (len(lost) - len(found)) / total, 4),
    }  # fmt: skip
    write_whole(asked.out, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
