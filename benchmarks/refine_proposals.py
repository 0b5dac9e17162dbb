"""Whether a symmetric diffusion improves retrieved prototypes: begun from them at a time t, under their symmetry.

    python benchmarks/refine_proposals.py --data data/mp_20 --limit 150 --out benchmarks/results/refinement.json

The nearest entry of the shipped index of MP-20's training split for each composition of the validation split, entries
of the same composition last, elements swapped. The forward process adds the noise of the time t (0 is noise, 1 is data)
and the model takes it away in 20 (1 - t) evaluations. Errors of the volume are medians over the crystals whose
prototype matches, so that all rows speak of the same crystals.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.crystals import Crystals
from nucleate.data.buckets import split_by_edges
from nucleate.data.dataset import Dataset
from nucleate.geometry.noise import Noise
from nucleate.metrics.csp.evaluate import match_rate
from nucleate.metrics.intervals import wilson
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.model.constraint import Together
from nucleate.model.symmetric import Symmetric
from nucleate.predictor import load
from nucleate.prototypes.retrieve import Prototypes
from nucleate.sampling.given import Given
from nucleate.sampling.loop import sample
from nucleate.sampling.proposal import Begun
from nucleate.sampling.settings import scaled
from nucleate.streams import LIKE_SEED, SUBSET
from nucleate.symmetry.projection import Projection
from nucleate.symmetry.template import Template

EDGES = 4096


def refined(predictor, templates: list[Template], start: float, nfe: int, seed: int) -> list[Cell]:
    """The templates' crystals after the reverse process from `start`."""
    model = predictor.model
    settings = scaled(predictor.generator.settings, max(2, round(nfe * (1 - start))))
    sizes = np.array([len(one.species) for one in templates])
    found: list[Cell | None] = [None] * len(templates)
    for part in split_by_edges(np.argsort(sizes, kind="stable"), sizes, EDGES):
        chosen = [templates[i] for i in part]
        crystals = Crystals.of_cells(
            [Cell(one.species, one.frac, one.lattice) for one in chosen], torch.float32
        )
        symmetric = Symmetric(model, Projection.of(chosen, crystals.mask.shape[1]), crystals.mask)
        noise = Noise.of(seed, torch.as_tensor(part))
        given = Given.composition(crystals.species, crystals.mask)
        rules = [symmetric, Begun(crystals, model, noise, start, symmetric)]
        made = sample(model, crystals.mask, settings, noise, given, rules, start=start)
        for i, cell in zip(part, Together([symmetric]).finish(made).cells(), strict=True):
            found[int(i)] = cell
    return found  # type: ignore[return-value]


def matches(made: list[Cell], truth: list[Cell]) -> np.ndarray:
    """Which are right by the field's tolerances. [crystals]"""
    matcher = Matcher()
    pairs = zip(made, truth, strict=True)
    return np.array(
        [
            try_match(lambda a=a, b=b: matcher.rms(reduce_cell(a), reduce_cell(b)), 5.0)[0] is not None
            for a, b in pairs
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="kldm-mp20-symmetric")
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--nfe", type=int, default=20)
    parser.add_argument("--starts", type=float, nargs="+", default=[0.1, 0.3, 0.5, 0.7, 0.9])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table, predictor = Dataset.open(asked.data).split("val"), load(asked.model, "cpu")
    rows = np.sort(SUBSET.generator(LIKE_SEED).permutation(len(table))[: asked.limit])
    known = Prototypes.open(sources={"mp_20"})
    pairs = []
    for row in rows:
        cell = table.cell(int(row))
        species, counts = np.unique(cell.species, return_counts=True)
        asked_for = dict(zip(species.tolist(), counts.tolist(), strict=True))
        if proposals := known.propose(asked_for, 1, known="other"):
            pairs.append((cell, Template.of(proposals[0].cell, 0.01).reduced()))
    truth, templates = [cell for cell, _ in pairs], [one for _, one in pairs]
    untouched = [Cell(one.species, one.frac, one.lattice) for one in templates]
    right = matches(untouched, truth)
    result = {
        "command": f"python benchmarks/refine_proposals.py --data data/mp_20 --limit {asked.limit}",
        "model": predictor.name, "weights": predictor.checksum, "split": "val", "seed": 0,
        "crystals": len(rows), "with a prototype": len(pairs), "ways": {},
    }  # fmt: skip
    for start in (None, *sorted(asked.starts, reverse=True)):
        begun = time.process_time()
        made = untouched if start is None else refined(predictor, templates, start, asked.nfe, 0)
        seconds = time.process_time() - begun
        found, share = match_rate(made, truth), wilson(int(matches(made, truth).sum()), len(rows))
        volumes = np.array([abs(a.volume / b.volume - 1) for a, b in zip(made, truth, strict=True)])
        both = match_rate(
            [a for a, ok in zip(made, right, strict=True) if ok],
            [b for b, ok in zip(truth, right, strict=True) if ok],
        )
        result["ways"]["untouched" if start is None else f"from t = {start:g}"] = {
            "match_rate": round(share.value or 0.0, 4), "low": round(share.low or 0.0, 4),
            "high": round(share.high or 0.0, 4), "rmse": found.rmse and round(found.rmse, 4),
            "of those whose prototype matches": {
                "match_rate": round(both.match_rate, 4), "rmse": both.rmse and round(both.rmse, 4),
                "volume_error": round(float(np.median(volumes[right])), 4),
            },
            "CPU seconds": round(seconds, 1),
        }  # fmt: skip
        print(start, result["ways"][list(result["ways"])[-1]], flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
