"""Wyckoff sequences alone, without cells or coordinates: likelihood, hits of prompted formulas, unprompted draws.

    python benchmarks/wyckoff_sequences.py --model runs/wyckoff/model --data data/mp_20

Validation crystals are those that `--like --limit` takes. A formula's hit is its true space group
with its true letters and elements, canonical, among the likeliest distinct sequences of `--draws` draws. Writes
benchmarks/results/wyckoff-sequences.json.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections import Counter
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.families.choice import Choice
from nucleate.families.wyckoff.draw import draw
from nucleate.families.wyckoff.model import WyckoffModel
from nucleate.families.wyckoff.prompt import Prompt
from nucleate.families.wyckoff.trainable import WyckoffTrainable
from nucleate.metrics.dng.distances import wasserstein1
from nucleate.metrics.intervals import wilson
from nucleate.metrics.validity_rules import smact_valid
from nucleate.predictor import load
from nucleate.streams import LIKE_SEED, SUBSET
from nucleate.symmetry.finding import find_sites
from nucleate.symmetry.sites import Sites

OUT = Path(__file__).parent / "results/wyckoff-sequences.json"
RANKS = (1, 5, 20)


def sequences(table: CrystalTable, cache: Path | None) -> list[Sites]:
    """Canonical sites of each crystal; read from lines of [id, group, letters, elements] if they were saved."""
    if cache is not None and cache.is_file():
        rows = {row[0]: row for row in map(json.loads, cache.read_text().splitlines())}
        return [Sites(*_row(rows[name])) for name in table.ids]
    found = [find_sites(cell).canonical() for cell in table.cells()]
    if cache is not None:
        lines = [
            json.dumps([name, one.number, one.letters, one.species])
            for name, one in zip(table.ids, found, strict=True)
        ]
        cache.write_text("\n".join(lines) + "\n")
    return found


def _row(row: list) -> tuple[int, tuple[str, ...], tuple[int, ...]]:
    return row[1], tuple(row[2]), tuple(row[3])


def likelihoods(model: WyckoffModel, val: list[Sites]) -> dict[str, float]:
    """Mean nats for each crystal, by what is given."""
    formulas = [Prompt.of(counts=sites.counts) for sites in val]
    asked = {"nothing": [Prompt()] * len(val), "formula": formulas}
    return {
        name: round(float(model.log_likelihood(val, prompts).mean()), 3) for name, prompts in asked.items()
    }


def hits(model: WyckoffModel, val: list[Sites], draws: int, seed: int) -> dict[str, Any]:
    """How often the truth is among the likeliest distinct sequences of a prompted formula."""
    ranks, valid = [], 0
    for number, truth in enumerate(val):
        prompts = [Prompt.of(counts=truth.counts)] * draws
        numbers = torch.arange(draws) + number * draws
        drawn = draw(model.network, prompts, numbers, seed, model.most, Choice())
        valid += sum(sites.counts == truth.counts for sites, _ in drawn)
        best: dict[Sites, float] = {}
        for sites, likelihood in drawn:
            name = sites.canonical()
            best[name] = max(likelihood, best.get(name, -np.inf))
        ordered = sorted(best, key=lambda one: -best[one])
        ranks.append(ordered.index(truth) + 1 if truth in best else 10**9)
    return {
        "formulas": len(val), "draws": draws, "valid": valid / (len(val) * draws),
        **{f"top {k}": wilson(sum(rank <= k for rank in ranks), len(ranks)).to_dict() for k in RANKS},
    }  # fmt: skip


def invented(model: WyckoffModel, train: list[Sites], val: list[Sites], n: int, seed: int) -> dict[str, Any]:
    """Draws with an empty prompt, beside the validation crystals."""
    start = time.perf_counter()
    drawn = [sites.canonical() for sites, _ in model.propose(n, seed)]
    seconds = time.perf_counter() - start
    known, templates = set(train), {template(sites) for sites in train}
    shares = {
        "in P1": [sites.number == 1 for sites in drawn],
        "SMACT valid": [smact_valid(formula(sites)) for sites in drawn],
        "sequence not in training": [sites not in known for sites in drawn],
        "template not in training": [template(sites) not in templates for sites in drawn],
    }
    return {
        "sequences": n,
        **{name: wilson(sum(one), n).to_dict() for name, one in shares.items()},
        "distinct": len(set(drawn)) / n,
        "real in P1": sum(sites.number == 1 for sites in val) / len(val),
        "real SMACT valid": sum(smact_valid(formula(sites)) for sites in val) / len(val),
        "W1 of the number of elements": distance(drawn, val, lambda sites: len(sites.counts)),
        "W1 of the number of atoms": distance(drawn, val, lambda sites: sites.atoms),
        "seconds": round(seconds, 2),
    }


def template(sites: Sites) -> tuple[int, tuple[str, ...], tuple[int, ...]]:
    """Elements by their order of appearance instead of their names."""
    names = {z: place for place, z in enumerate(dict.fromkeys(sites.species))}
    return sites.number, sites.letters, tuple(names[z] for z in sites.species)


def formula(sites: Sites) -> tuple[tuple[int, int], ...]:
    divisor = gcd(*sites.counts.values())
    return tuple((z, n // divisor) for z, n in sites.counts.items())


def distance(drawn: list[Sites], real: list[Sites], count) -> float:
    """Wasserstein-1 distance of a number of each crystal."""
    sides = []
    for every in (drawn, real):
        values, counts = zip(*sorted(Counter(map(count, every)).items()), strict=True)
        sides.append((np.array(values), np.array(counts) / len(every)))
    (values, shares), (others, theirs) = sides
    return round(float(wasserstein1(values, shares[None], others, theirs)[0]), 4)


def speed(model: WyckoffModel, seed: int, n: int = 256) -> dict[str, float]:
    """Words (positions, elements and groups) drawn in a second, with and without the cache."""
    found = {}
    for name, cached in (("with cache", True), ("without", False)):
        start = time.perf_counter()
        drawn = draw(model.network, [Prompt()] * n, torch.arange(n), seed, model.most, Choice(), cached)
        words = sum(2 * len(sites.letters) + 2 for sites, _ in drawn)
        found[name] = round(words / (time.perf_counter() - start))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder for the sequences of the splits")
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--formulas", type=int, default=200)
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    model = load(asked.model).model
    assert isinstance(model, WyckoffTrainable)
    data, found = Dataset.open(asked.data), {}
    for split in ("train", "val"):
        cache = asked.cache and asked.cache / f"{asked.data.name}-{split}.jsonl"
        found[split] = sequences(data.split(split), cache)
    order = SUBSET.generator(LIKE_SEED).permutation(len(found["val"]))[: asked.limit]
    val = [one for one in (found["val"][row] for row in order) if one.atoms <= model.most]
    proposes = model.sequences
    result = {
        "command": shlex.join(["python", *sys.argv]), "data": asked.data.name, "seed": asked.seed,
        "validation crystals": len(val), "log-likelihood": likelihoods(proposes, val),
        "invented": invented(proposes, found["train"], val, asked.n, asked.seed),
        "formulas": hits(proposes, val[: asked.formulas], asked.draws, asked.seed),
        "words a second": speed(proposes, asked.seed),
    }  # fmt: skip
    asked.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
