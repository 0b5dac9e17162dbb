"""The scale on which composition fingerprints are compared.

`cdvae`: the means and deviations of CDVAE (arXiv 2110.06197; its public code, cdvae/common/constants.py, MIT licence),
132 of each, with which every published COV was computed, whatever the data set; a missing value counts as the mean.
They come from the training split of MP-20 or one like it: on ours no mean is more than 0.24 deviations away. `fitted`:
of crystals at hand. On a narrow data set, where most features hardly vary, that stretches all distances, and a fixed
cutoff means something else: 1,000 real crystals of Perov-5 then cover at most 60 % of the others, not 89 %.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from nucleate.metrics.dng.nearest import on_scale

Scale = Literal["cdvae", "fitted"]
SCALES = {
    "cdvae": "the fixed means and deviations of CDVAE, as in every published table",
    "fitted": "means and deviations fitted on crystals at hand: no published number is comparable",
}


@cache
def cdvae_table() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of the features in the order of matminer's preset `magpie`, their means and deviations. [132] each."""
    text = files("nucleate.metrics.dng").joinpath("cdvae_scale.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    means, deviations = (np.array([float(row[key]) for row in rows]) for key in ("mean", "deviation"))
    return tuple(row["feature"] for row in rows), means, deviations


def cdvae_scale() -> Callable[[np.ndarray], np.ndarray]:
    """Composition fingerprints [cells, 132] on CDVAE's scale."""
    _, means, deviations = cdvae_table()
    return on_scale(means, deviations)
