"""How far predictors and pulls of Tc reach beyond the labels that they were fitted to: below 10 K, asked for more."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from nucleate.metrics.intervals import wilson
from nucleate.predictor.property import load_property
from nucleate.properties.predict import predict
from steered_draws import Method, draw, judged, split

BINS = ((0, 5), (5, 10), (10, 15), (15, 20), (20, 50))
"""Of true Tc in K. Labels below 10 K were seen, though not those of these crystals."""
ASKED = (8, 15, 25)
METAL = 0.5
"""Predicted band gap in eV below which a crystal counts as a metal."""
LEAST = 7.0
"""A prediction in K that a user would follow up."""


def predicted(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Each bin: what the predictor and its ridge say of crystals that it has not seen."""
    model = load_property(asked.halves / "predicts-below-10").model
    high, val = (split(asked.halves, "superconductors", part) for part in ("train", "val"))
    high = high.select(np.flatnonzero(high.numbers(["tc"])[:, 0] >= 10))
    rows = []
    for low, end in BINS:
        truth, value, ends, ridge = [], [], [], []
        for table in (high, val):
            found, tc = predict(model, table), table.numbers(["tc"])[:, 0]
            mine = (tc >= low) & (tc < end)
            truth += tc[mine].tolist()
            value += found.value[mine].tolist()
            ridge += found.ridge[mine].tolist()
            ends += np.stack([found.low[mine], found.high[mine]], 1).tolist()
        inside = [a <= x <= b for x, (a, b) in zip(truth, ends, strict=True)]
        error = np.abs(np.array(value) - np.array(truth))
        rows.append({
            "true": [low, end], "crystals": len(truth), "median": round(float(np.median(value)), 2),
            "ridge_median": round(float(np.median(ridge)), 2), "mae": round(float(error.mean()), 2),
            "inside": wilson(sum(inside), len(inside)).to_dict(),
            "noticed": wilson(int((np.array(value) >= LEAST).sum()), len(value)).to_dict(),
        })  # fmt: skip
    return rows


def pulled_beyond(asked: argparse.Namespace, value: float) -> dict[str, Any]:
    """Draws that the predictor pulls to a value, judged by one that has seen all labels of other systems."""
    folder = asked.halves / "predicts-below-10"
    cells = []
    for seed in range(asked.seeds):
        way = Method(
            f"below-10-pulls-{value:g}",
            towards={"tc": value},
            atoms=(2, 10),
            predictors=(folder,),
            beyond=True,
        )
        cells += draw(way, asked.n, seed, asked.draws / f"{way.name}-{asked.n}-{seed}", asked.halves)
    said = judged(cells, "second", ("tc", "band_gap"))
    tc = np.nan_to_num(said["tc"])
    credible = (tc > 10) & (said["tc_familiar"] == 1) & (said["band_gap"] < METAL)
    hydrogen = [cell is not None and 1 in cell.species for cell in cells]
    return {
        "asked": value, "drawn": len(cells), "median": round(float(np.median(tc)), 2),
        **{f"above_{kelvin}": wilson(int((tc > kelvin).sum()), len(tc)).to_dict() for kelvin in (5, 10, 20)},
        "credible_10": wilson(int(credible.sum()), len(tc)).to_dict(),
        "hydrogen": wilson(sum(hydrogen), len(tc)).to_dict(),
    }  # fmt: skip
