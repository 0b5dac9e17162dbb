"""What is left of the draws of the study of superconductors when they are relaxed and placed against a hull.

The stages of a funnel relax with CHGNet in free parameters, and give a crystal up once it can't come within 0.2 eV/atom
of the hull of CHGNet's own energies of the crystals in the package: a fraction of the cost of relaxing all of them to
the end. Those crystals, unlike the splits of MP-20 in data/, have every element.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from nucleate.funnel.energies import AboveHull
from nucleate.funnel.hulls import WHOLE
from nucleate.funnel.relaxing import Relax
from nucleate.metrics.dng.equivalence import ComparedSamples
from nucleate.metrics.dng.novelty import judge_novelty
from nucleate.metrics.dng.reference_index import ReferenceIndex
from nucleate.metrics.dng.uniqueness import judge_uniqueness
from nucleate.metrics.intervals import wilson
from nucleate.records.verdicts import PASSED, Candidate
from nucleate.work import Work
from steered_draws import Cells, judged

METAL = 0.5
"""Predicted band gap in eV below which a crystal counts as a metal: the predictor errs by 0.48 eV on average."""
GIVEN_UP, STABLE, TOO_LOW = 0.2, 0.1, -0.2
"""eV/atom above the hull: where relaxing stops, what counts as stable, and below which an energy is not believed."""


def new_ones(cells: Cells, known: ReferenceIndex) -> np.ndarray:
    """Which are unique and not in the training split; a crystal that can't be read is not."""
    samples = ComparedSamples(cells)
    new = np.array(judge_novelty(samples, known).columns["novel"], dtype=bool)
    return new & np.array(judge_uniqueness(samples).columns["unique"], dtype=bool)


def relaxed(cells: Cells, known: ReferenceIndex, count: int, asked: argparse.Namespace) -> dict[str, Any]:
    """What becomes of the first `count` unique and novel crystals of one way; shares are of these."""
    chosen = [
        cell for cell, new in zip(cells, new_ones(cells, known), strict=True) if new and cell is not None
    ]
    waiting = [Candidate(f"{place:04d}", "drawn", cell) for place, cell in enumerate(chosen[:count])]
    work = Work(cache=asked.draws / "energies.sqlite")
    verdicts = Relax(evaluations=200, most=GIVEN_UP, reference=WHOLE).judge(waiting, work)
    came = [
        Candidate(one.id, one.source, said.cell or one.cell, said.values)
        for one, said in zip(waiting, verdicts, strict=True)
        if said.outcome == PASSED
    ]
    placed = AboveHull(most=STABLE, least=TOO_LOW, reference=WHOLE).judge(came, work)
    left = [
        (one.cell, said.values["chgnet.e_above_hull"])
        for one, said in zip(came, placed, strict=True)
        if said.outcome == PASSED
    ]
    return {
        "asked": count,
        "relaxed": len(waiting),
        "converged": len(came),
        "reasons": _counted([one.reason for one in (*verdicts, *placed) if one.reason]),
        **_shares([cell for cell, _ in left], np.array([above for _, above in left]), known, len(waiting)),
    }


def _shares(stable: Cells, above: np.ndarray, known: ReferenceIndex, n: int) -> dict[str, Any]:
    """Of n, those that are stable, judged as they are after relaxing. above: eV/atom above the hull."""
    new, high, credible = np.zeros((3, len(stable)), bool)
    if stable:
        said = judged(stable, "second", ("tc", "band_gap"))
        new, high = new_ones(stable, known), said["tc"] > 10
        credible = high & (said["band_gap"] < METAL) & (said["tc_familiar"] == 1)
    found = {
        "stable": np.ones(len(stable), bool),
        "sun": new,
        "sun_0": new & (above <= 0),
        "sun_10": new & high,
        "credible_10": new & credible,
        "compounds_10": new
        & credible
        & np.array([len(set(one.species.tolist())) > 1 for one in stable], bool),
    }
    return {key: wilson(int(one.sum()), n).to_dict() for key, one in found.items()}


def _counted(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}
