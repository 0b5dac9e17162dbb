"""Fit the weights that turn what is known of proposed structures into probabilities, and check their calibration.

    nucleate data filter data/mpts_52 --atoms 1:20 --new-to data/mp_20 --out runs/answer/clean
    nucleate predict --like runs/answer/clean --split val --limit 450 -n 20 --model kldm-mp20-csp \
        --out runs/answer/free-clean
    python benchmarks/fit_answers.py collect --data runs/answer/clean --draws runs/answer/free-clean --out runs/answer
    python benchmarks/fit_answers.py fit --out runs/answer

Compositions are those of MPTS-52's validation split with cells of up to 20 atoms that neither MP-20's training split
(which the proposers learned) nor its validation split (which results are measured on) holds. `collect` takes structures
from the index (only MP-20's training entries), merges them with the draws as `nucleate predict` does, and finds which
is right by the field's tolerances; `fit` fits a conditional logit by maximum likelihood, checks it by ten-fold
cross-validation, and writes src/nucleate/answers/weights.json and benchmarks/results/answers-fit.json.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.answers.merge import Structure, merged
from nucleate.answers.offers import Offer, Question
from nucleate.answers.ranked import DRAWN
from nucleate.answers.retrieval import Retrieval
from nucleate.answers.score import FEATURES, NONE_FEATURES, Weights, features, probabilities
from nucleate.answers.settings import AnswerSettings
from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.prototypes.retrieve import Prototypes
from nucleate.records.crystal_files import prediction_files, read_prediction_files

PENALTY = 0.02
"""Weight of the squared weights in the loss, for each composition."""
FOLDS = 10


def collect(data: Path, other: Path, draws: Path, out: Path) -> None:
    """One line of JSON for each composition: what is known of its structures, and which of them are right."""
    table = Dataset.open(data).split("val")
    held = Dataset.open(other).split("val")
    used = {held.cell(i).formula for i in range(len(held))}
    drawn = _draws(draws)
    retrieval = Retrieval(Prototypes.open(sources={"mp_20"}))
    settings = AnswerSettings(known="other")
    path = out / "compositions.jsonl"
    done = {json.loads(line)["id"] for line in path.read_text().splitlines()} if path.exists() else set()
    with path.open("a") as file:
        for row in sorted(drawn):
            cell, name = table.cell(row), table.ids[row]
            if name in done or cell.formula in used:
                continue
            question = Question(tuple(cell.species.tolist()))
            offers = retrieval.offers([(question, 20)], settings, 0)[0] + [
                Offer(one, "free") for one in drawn[row]
            ]
            structures = merged(offers, DRAWN)
            record = {
                "id": name,
                "draws": len(drawn[row]),
                "structures": [_facts(one) for one in structures],
                "right": [_right(one.first.cell, cell) for one in structures],
            }
            file.write(json.dumps(record) + "\n")
            file.flush()


def fit(out: Path, results: Path, weights: Path) -> None:
    rows = [json.loads(line) for line in (out / "compositions.jsonl").read_text().splitlines()]
    cases = [_case(row) for row in rows]
    found = _fitted(cases)
    folds = np.random.default_rng(0).permutation(len(cases)) % FOLDS
    held = [np.zeros(0)] * len(cases)
    for fold in range(FOLDS):
        part = _fitted([case for case, f in zip(cases, folds, strict=True) if f != fold])
        for i in np.flatnonzero(folds == fold):
            held[i] = probabilities(cases[i][0], cases[i][1], part)
    record = _quality(cases, held)
    card = {
        "data": f"{len(cases)} compositions of MPTS-52's validation split (Materials Project, CC BY 4.0), cells of up "
        "to 20 atoms, in neither split of MP-20; entries of MP-20's training split alone",
        "command": "python benchmarks/fit_answers.py fit",
        "date": str(date.today()),
    }
    shipped = {
        "structure": dict(zip(FEATURES, found.structure.round(4).tolist(), strict=True)),
        "none": dict(zip(NONE_FEATURES, found.none.round(4).tolist(), strict=True)),
        "card": card,
    }
    weights.write_text(json.dumps(shipped, indent=1) + "\n")
    results.write_text(
        json.dumps({"command": card["command"], "date": card["date"], **record}, indent=1) + "\n"
    )
    print(json.dumps({**shipped, **record}, indent=1))


Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def _case(row: dict[str, Any]) -> Case:
    """Features of the structures, features of "none is right", and which are right."""
    structures = [
        Structure(tuple(
            Offer(EMPTY, by, one["probability"] if by == "prototypes" else 0.0)
            for by, number in one["votes"].items() for _ in range(number)
        ))
        for one in row["structures"]
    ]  # fmt: skip
    x, none = features(structures, row["draws"])
    return x, none, np.array(row["right"], dtype=bool)


EMPTY = Cell(np.zeros(0, dtype=np.int64), np.zeros((0, 3)), np.eye(3))


def _fitted(cases: list[Case]) -> Weights:
    """Maximum likelihood of the right structures (all of them together where several are), or of none."""
    w = torch.zeros(len(FEATURES), dtype=torch.float64, requires_grad=True)
    v = torch.zeros(len(NONE_FEATURES), dtype=torch.float64, requires_grad=True)
    tensors = [(torch.tensor(x), torch.tensor(n), torch.tensor(right)) for x, n, right in cases]
    optimiser = torch.optim.LBFGS([w, v], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = PENALTY * ((w**2).sum() + (v**2).sum())
        for x, none, right in tensors:
            utility = torch.cat([x @ w, (none @ v)[None]])
            good = torch.cat([right, (~right.any())[None]])
            total = total + torch.logsumexp(utility, 0) - torch.logsumexp(utility[good], 0)
        total = total / len(tensors)
        total.backward()
        return total

    optimiser.step(loss)
    return Weights(w.detach().numpy(), v.detach().numpy())


def _quality(cases: list[Case], held: list[np.ndarray]) -> dict[str, Any]:
    """Rates at rank 1 and 20, and the reliability of the probabilities, all on compositions left out of the fit."""
    first = [bool(right[np.argsort(-p)[:1]].any()) for (_, _, right), p in zip(cases, held, strict=True)]
    twenty = [bool(right[np.argsort(-p)[:20]].any()) for (_, _, right), p in zip(cases, held, strict=True)]
    prior = [bool(len(x)) and bool(right[np.argmax(x[:, 0])]) for x, _, right in cases]
    best = np.array([p.max(initial=0.0) for p in held])
    bins = np.digitize(best, np.linspace(0, 1, 6)[1:-1])
    table = [
        {"answers": int((bins == b).sum()), "mean probability": round(float(best[bins == b].mean()), 3),
         "share right": round(float(np.array(first)[bins == b].mean()), 3)}
        for b in range(5) if (bins == b).any()
    ]  # fmt: skip
    return {
        "compositions": len(cases),
        "right at rank 1": round(float(np.mean(first)), 4),
        "right at rank 1 by the prototypes' probability alone": round(float(np.mean(prior)), 4),
        "right among 20": round(float(np.mean(twenty)), 4),
        "Brier score of rank 1": round(float(np.mean((best - np.array(first)) ** 2)), 4),
        "reliability of rank 1": table,
    }


def _facts(one: Structure) -> dict[str, Any]:
    return {"votes": dict(one.votes), "probability": one.probability, "prototype": one.first.prototype}


def _right(answer: Cell, truth: Cell) -> bool:
    matcher = Matcher()
    return try_match(lambda: matcher.rms(reduce_cell(answer), reduce_cell(truth)), 5.0)[0] is not None


def _draws(folder: Path) -> dict[int, list[Cell]]:
    """Cells by row, in the order of their samples."""
    found: dict[int, list[tuple[int, Cell]]] = defaultdict(list)
    for frame in read_prediction_files(prediction_files(folder), unfinished=True)[0]:
        if frame.cell is not None:
            found[int(frame.info["crystal"])].append((int(frame.info["sample"]), frame.cell))
    return {row: [cell for _, cell in sorted(cells, key=lambda one: one[0])] for row, cells in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["collect", "fit"])
    parser.add_argument("--data", type=Path, default=Path("runs/answer/clean"))
    parser.add_argument("--without", type=Path, default=Path("data/mp_20"))
    parser.add_argument("--draws", type=Path, default=Path("runs/answer/free-clean"))
    parser.add_argument("--out", type=Path, default=Path("runs/answer"))
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/answers-fit.json"))
    parser.add_argument("--weights", type=Path, default=Path("src/nucleate/answers/weights.json"))
    asked = parser.parse_args()
    if asked.step == "collect":
        collect(asked.data, asked.without, asked.draws, asked.out)
    else:
        fit(asked.out, asked.results, asked.weights)


if __name__ == "__main__":
    main()
