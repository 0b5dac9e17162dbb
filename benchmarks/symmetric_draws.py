"""How often a drawn crystal matches: free, under the true crystal's symmetry, under that of a retrieved prototype.

    python benchmarks/symmetric_draws.py --data data/mp_20 --limit 150 --out benchmarks/results/symmetry.json

One crystal each, protocol `geometry`, the model's own sampler with --nfe evaluations. `true` says how good a model is
under symmetry, and is no prediction: it is given the sites of the answer (not its free parameters, and not its cell).
`retrieved` takes the nearest entry of the shipped index of MP-20's training split, entries of the same formula last;
where there is none the crystal counts as no match. `prototype` is that entry itself, elements swapped, nothing drawn.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.errors import DataError
from nucleate.metrics.csp.evaluate import match_rate
from nucleate.predictor import load
from nucleate.prototypes.retrieve import Prototypes
from nucleate.sampling.generate import generate
from nucleate.sampling.request import Request
from nucleate.streams import LIKE_SEED, SUBSET
from nucleate.symmetry.template import Template

WAYS = ("free", "true", "retrieved", "prototype")


def true_template(cell: Cell) -> Template | None:
    """The template of the true crystal, with free parameters that say nothing of it."""
    try:
        return replace(Template.of(cell), lattice=None)
    except DataError:
        return None


def drawn(
    model, cells: list[Cell], templates: list[Template | None], nfe: int, seed: int
) -> list[Cell | None]:
    """A crystal for each composition, on its template where there is one."""
    requests = [
        Request(tuple((cell if one is None else one).species.tolist()), str(place), "", 0, template=one)
        for place, (cell, one) in enumerate(zip(cells, templates, strict=True))
    ]
    found: list[Cell | None] = [None] * len(cells)
    for batch in generate(model.model, requests, model.sampler(nfe=nfe), seed):
        for one in batch:
            found[int(one.request.name)] = one.crystal.cells()[0]
    return found


def retrieved(cells: Iterable[Cell]) -> list[Cell | None]:
    """The best proposal for each composition, None where there is none."""
    known = Prototypes.open(sources=["mp_20"])
    proposals = (known.propose(Counter(cell.species.tolist()), 1, known="other") for cell in cells)
    return [found[0].cell if found else None for found in proposals]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="kldm-mp20-csp")
    parser.add_argument("--limit", type=int, default=150)
    parser.add_argument("--nfe", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table, model = Dataset.open(asked.data).split("val"), load(asked.model)
    rows = np.sort(SUBSET.generator(LIKE_SEED).permutation(len(table))[: asked.limit])
    cells = [table.cell(int(row)) for row in rows]
    near = retrieved(cells) if {"retrieved", "prototype"} & set(asked.ways) else []
    templates: dict[str, list[Template | None]] = {
        "free": [None] * len(cells),
        "true": [true_template(cell) for cell in cells],
        "retrieved": [cell and Template.of(cell, 0.01).reduced() for cell in near],
    }
    result = {"model": model.name, "weights": model.checksum, "split": "val", "nfe": asked.nfe, "ways": {}}
    for way in asked.ways:
        for seed in range(1 if way == "prototype" else asked.seeds):
            start = time.perf_counter()
            made = near if way == "prototype" else drawn(model, cells, templates[way], asked.nfe, seed)
            if way == "retrieved":
                made = [one if other is not None else None for one, other in zip(made, near, strict=True)]
            seconds = time.perf_counter() - start
            found = match_rate(made, cells)
            volumes = [
                abs(one.volume / cell.volume - 1) for one, cell in zip(made, cells, strict=True) if one
            ]
            result["ways"].setdefault(way, []).append(
                {
                    "seed": seed, "crystals": len(cells), "match_rate": round(found.match_rate, 4),
                    "rmse": found.rmse and round(found.rmse, 4),
                    "volume_error": round(float(np.median(volumes)), 4), "seconds": round(seconds, 1),
                }
            )  # fmt: skip
            print(way, result["ways"][way][-1], flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
