"""Whether draws of sequences add to the answers: right at rank 1 and among 20, at an equal number of draws.

    python benchmarks/answers_with_sequences.py --data data/mp_20 --limit 150 --draws 10 --out runs/sequences

Compositions of the validation split, one whole cell each, entries of MP-20's training split alone, those of the same
composition last. Draws of both models take 20 network evaluations of equally large networks, so that equal numbers are
nearly equal seconds; the seconds are recorded. `sequences` halves the free draws and gives the other half to them;
the last way draws both in full. Compositions are kept in --out as they come; a rerun goes on,
and at its end writes benchmarks/results/answers-sequences.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.answers.draws import Draws
from nucleate.answers.offers import Offer, Question
from nucleate.answers.ranked import ranked
from nucleate.answers.retrieval import Retrieval
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.metrics.intervals import wilson
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.predictor import load
from nucleate.prototypes.retrieve import Prototypes
from nucleate.streams import LIKE_SEED, SUBSET

RESULTS = Path("benchmarks/results/answers-sequences.json")
AMONG = 20


def mixtures(known: list[Offer], free: list[Offer], drawn: list[Offer]) -> dict[str, list[Offer]]:
    """Offers of each way to spend the draws."""
    half = len(free) // 2
    return {
        "prototypes": known,
        "prototypes and free": known + free,
        "prototypes, half free, half sequences": known + free[:half] + drawn[:half],
        "prototypes and sequences": known + drawn,
        "prototypes and more: free and sequences": known + free + drawn,
    }


def right_at(offers: list[Offer], truth: Cell) -> int:
    """The rank of the first right answer, from 1; 0 for none among 20."""
    found = ranked(offers, AnswerSettings(known="other"), None)[:AMONG]
    for place, one in enumerate(found, 1):
        if _right(one.cell, truth):
            return place
    return 0


def _right(answer: Cell, truth: Cell) -> bool:
    matcher = Matcher()
    return try_match(lambda: matcher.rms(reduce_cell(answer), reduce_cell(truth)), 5.0)[0] is not None


def collect(data: Path, limit: int, draws: int, out: Path) -> list[dict[str, Any]]:
    """One record for each composition: ranks of the right answer by way, and seconds by proposer."""
    table = Dataset.open(data).split("val")
    rows = np.sort(SUBSET.generator(LIKE_SEED).permutation(len(table))[:limit])
    # in an order that leaves a part of them a random part
    rows = np.random.default_rng(0).permutation(rows)
    proposers = {
        "prototypes": Retrieval(Prototypes.open(sources={"mp_20"})),
        "free": Draws(load("kldm-mp20-csp", "cpu").generator, "free"),
        "sequences": Draws(load("wyckoff-mp20", "cpu").generator, "sequences"),
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / "compositions.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    with path.open("a") as file:
        for row in rows[len(done) :]:
            cell = table.cell(int(row))
            question = Question(tuple(cell.species.tolist()))
            offers, seconds = {}, {}
            for name, one in proposers.items():
                start = time.process_time()
                number = AMONG if name == "prototypes" else draws
                offers[name] = one.offers([(question, number)], AnswerSettings(known="other"), 0)[0]
                seconds[name] = round(time.process_time() - start, 2)
            ways = mixtures(offers["prototypes"], offers["free"], offers["sequences"])
            ranks = {way: right_at(one, cell) for way, one in ways.items()}
            done.append({"id": table.ids[int(row)], "ranks": ranks, "seconds": seconds})
            file.write(json.dumps(done[-1]) + "\n")
            file.flush()
    return done


def summary(records: list[dict[str, Any]], command: str) -> dict[str, Any]:
    ways = {}
    for way in records[0]["ranks"]:
        ranks = np.array([one["ranks"][way] for one in records])
        ways[way] = {
            f"right at rank {most}" if most == 1 else f"right among {most}": _share(
                (ranks > 0) & (ranks <= most)
            )
            for most in (1, 5, AMONG)
        }
    seconds = {
        name: round(float(np.mean([one["seconds"][name] for one in records])), 2)
        for name in records[0]["seconds"]
    }
    return {
        "command": command,
        "compositions": len(records),
        "CPU seconds for a composition": seconds,
        "ways": ways,
    }


def _share(held: np.ndarray) -> dict[str, float]:
    found = wilson(int(held.sum()), len(held)).to_dict()
    return {key: round(found[key] or 0.0, 4) for key in ("value", "low", "high")}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="no draws: what is there already")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.show:
        records = [json.loads(line) for line in (asked.out / "compositions.jsonl").read_text().splitlines()]
    else:
        records = collect(asked.data, asked.limit, asked.draws, asked.out)
    command = "python benchmarks/answers_with_sequences.py --data data/mp_20 --limit 150 --draws"
    found = summary(records, f"{command} {asked.draws} --out runs/sequences")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
