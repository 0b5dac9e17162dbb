"""Fit the decision between candidates of one composition to labelled races, and test it on held-out ones.

    python benchmarks/energy_labels.py --data data/mp_20 --rescore runs/fit-energy/labels.parquet \
        --out runs/rescored.parquet
    python benchmarks/fit_energies.py --labels runs/rescored.parquet \
        --model src/nucleate/discovery/deciding.json --out benchmarks/results/fit_energies.json

Numbers are for compositions left out of the fit, in FOLDS parts. Models: `prior` (what the retrieval says), `energy`
(the energies alone), `fitted` (both). Where several candidates of a composition match, each counts as right.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import minimize

from nucleate.discovery import deciding
from nucleate.discovery.deciding import FEATURES, Decision, Evidence, features
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson

FOLDS, SEED, WIDTH, BINS = 10, 12, 1.5, 5
"""WIDTH: prior standard deviation of the weights of standardised features."""
LIMITS = (0.002, 0.005, 0.01, 0.02, 0.05)
"""Gains, eV/atom, beyond which more says no more; the shipped one is MOST_GAIN of the decision."""
PRIOR = ("log_score", "log_place")
ENERGY = ("above", "root_above", "root_gain")
MODELS = {"prior": PRIOR, "energy": ENERGY, "fitted": PRIOR + ENERGY}

Question = tuple[list[Evidence], np.ndarray]
"""Candidates of one composition, and which of them are right."""


def questions(path: Path) -> list[Question]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in pq.read_table(path).to_pylist():
        found.setdefault(row["id"], [])
        if row["candidates"]:
            found[row["id"]].append(row)
    return [
        ([evidence(row) for row in rows], np.array([row["right"] for row in rows], dtype=bool))
        for rows in found.values()
    ]


def evidence(row: dict[str, Any]) -> Evidence:
    gain = None if row["energy"] is None else row["energy_before"] - row["energy"]
    return Evidence(
        row["score"], row["rank"], row["votes"], row["known"], row["above"], gain, row["volume_change"]
    )


class Fit:
    """Weights of some features by penalised likelihood: of any right candidate, or of none where none is right."""

    def __init__(self, names: tuple[str, ...], asked: list[Question]) -> None:
        self.names = names
        tables = [_table(one, names) for one, _ in asked]
        every = np.concatenate([one for one in tables if len(one)])
        self.mean, self.scale = every.mean(0), np.maximum(every.std(0), 1e-9)
        data = [
            ((one - self.mean) / self.scale, right) for one, (_, right) in zip(tables, asked, strict=True)
        ]
        start = np.zeros(len(names) + 2)
        self.found = minimize(_loss, start, (data,), jac=True, method="L-BFGS-B").x

    def decision(self, card: dict[str, Any]) -> Decision:
        weights = self.found[:-2] / self.scale
        # utilities are relative to zero features, those of the fit to mean ones
        none = self.found[-2] + float(weights @ self.mean)
        return Decision(
            {name: round(float(w), 6) for name, w in zip(self.names, weights, strict=True)},
            round(none, 6), round(float(self.found[-1]), 6), card,
        )  # fmt: skip


def _table(candidates: list[Evidence], names: tuple[str, ...]) -> np.ndarray:
    rows = [[features(one)[name] for name in names] for one in candidates]
    return np.array(rows, dtype=float).reshape(len(candidates), len(names))


def _loss(found: np.ndarray, data: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, np.ndarray]:
    total, slope = 0.0, np.zeros_like(found)
    for table, right in data:
        count = len(table)
        rows = np.zeros((count + 1, len(found)))
        rows[:count, :-2], rows[count, -2], rows[count, -1] = table, 1.0, count
        answers = np.append(right, not right.any())
        utilities = rows @ found
        powers = np.exp(utilities - utilities.max())
        shares = powers / powers.sum()
        among = np.where(answers, shares, 0.0)
        total -= math.log(max(among.sum(), 1e-300))
        slope -= rows.T @ (among / max(among.sum(), 1e-300) - shares)
    penalty = np.append(found[:-2], [0.0, 0.0])
    count = len(data)
    ridge = 1 / (2 * WIDTH**2 * count)
    return total / count + ridge * float(penalty @ penalty), slope / count + 2 * ridge * penalty


def held_out(names: tuple[str, ...], asked: list[Question]) -> list[np.ndarray]:
    """Probabilities of candidates from fits without their composition; the last is that of none."""
    fold = np.random.default_rng(SEED).permutation(len(asked)) % FOLDS
    said: dict[int, np.ndarray] = {}
    for part in range(FOLDS):
        decision = Fit(names, [asked[i] for i in np.flatnonzero(fold != part)]).decision({})
        for i in np.flatnonzero(fold == part).tolist():
            each, none = decision.probabilities(asked[i][0])
            said[i] = np.append(each, none)
    return [said[i] for i in range(len(asked))]


def judged(asked: list[Question], said: list[np.ndarray]) -> dict[str, Any]:
    hits, losses, briers, shares, firsts = [], [], [], [], []
    for (_, right), probability in zip(asked, said, strict=True):
        answers = np.append(right, not right.any())
        losses.append(-math.log(max(float(probability[answers].sum()), 1e-12)))
        if len(right):
            first = int(probability[:-1].argmax())
            hits.append(bool(right[first]))
            shares.append(float(probability[first]))
            briers.append((shares[-1] - hits[-1]) ** 2)
            firsts.append((shares[-1], hits[-1]))
        else:
            hits.append(False)
    return {
        "rank_1": wilson(sum(hits), len(hits)).to_dict(), "log_loss": float(np.mean(losses)),
        "brier_of_first": float(np.mean(briers)), "reliability_of_first": reliability(firsts),
    }  # fmt: skip


def reliability(pairs: list[tuple[float, bool]]) -> list[dict[str, float]]:
    """First-ranked candidates in bins of their probability: its mean, and the share that is right."""
    table = []
    for low in np.arange(BINS) / BINS:
        inside = [(p, r) for p, r in pairs if low <= p < low + 1 / BINS or (p == 1.0 and low + 1 / BINS >= 1)]
        if inside:
            said_mean, right_mean = np.mean(inside, axis=0)
            table.append({
                "from": round(float(low), 3), "answers": len(inside), "said": float(said_mean),
                "right": float(right_mean),
            })  # fmt: skip
    return table


def by_most_gain(asked: list[Question]) -> dict[str, dict[str, float]]:
    """Held-out rate and log loss of the fitted model where gains count up to another limit, meV/atom."""
    shipped, found = deciding.MOST_GAIN, {}
    for limit in LIMITS:
        deciding.MOST_GAIN = limit
        numbers = judged(asked, held_out(MODELS["fitted"], asked))
        found[f"{1000 * limit:g}"] = {"rank_1": numbers["rank_1"]["value"], "log_loss": numbers["log_loss"]}
    deciding.MOST_GAIN = shipped
    return found


def plain(asked: list[Question], key: Any) -> list[bool]:
    """Whether the candidate with the smallest key is right."""
    return [
        bool(len(right)) and bool(right[int(np.argmin([key(one) for one in each]))]) for each, right in asked
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked_for = parser.parse_args()
    asked = questions(asked_for.labels)
    first = plain(asked, lambda one: one.place)
    lowest = plain(asked, lambda one: math.inf if one.above is None else one.above)
    said = {name: held_out(names, asked) for name, names in MODELS.items()}
    fitted = [
        bool(len(right)) and bool(right[int(probability[:-1].argmax())])
        for (_, right), probability in zip(asked, said["fitted"], strict=True)
    ]
    record: dict[str, Any] = {
        "compositions": len(asked),
        "held_out": f"{FOLDS} parts",
        "any_candidate_right": wilson(sum(bool(right.any()) for _, right in asked), len(asked)).to_dict(),
        "first_proposal_right": wilson(sum(first), len(asked)).to_dict(),
        "lowest_energy_right": wilson(sum(lowest), len(asked)).to_dict(),
        "fitted_right_where_first_is_not": sum(a and not b for a, b in zip(fitted, first, strict=True)),
        "first_right_where_fitted_is_not": sum(b and not a for a, b in zip(fitted, first, strict=True)),
        "most_gain_meV_per_atom": 1000 * deciding.MOST_GAIN,
        "by_most_gain": by_most_gain(asked),
        "models": {name: judged(asked, one) for name, one in said.items()},
    }
    card = {
        "data": f"{len(asked)} compositions of MP-20's training split (Materials Project, CC BY 4.0), five retrieved "
        "candidates each, the crystal itself held out of the index; races with CHGNet",
        "date": datetime.date.today().isoformat(),
        "command": "python benchmarks/fit_energies.py",
        "held_out": {key: value for key, value in record.items() if key not in ("models", "by_most_gain")},
        "fitted": {
            key: value for key, value in record["models"]["fitted"].items() if key != "reliability_of_first"
        },
    }
    write_whole(asked_for.model, Fit(MODELS["fitted"], asked).decision(card).to_json())
    write_whole(asked_for.out, json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


assert set(MODELS["fitted"]) <= set(FEATURES)

if __name__ == "__main__":
    main()
