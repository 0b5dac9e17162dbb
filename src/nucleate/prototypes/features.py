"""What a ranking takes of each group of candidates: the same prototype with the elements in equivalent roles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleate.prototypes.attention import Attention, bounded
from nucleate.prototypes.candidates import Candidates
from nucleate.prototypes.chemistry import element_vectors
from nucleate.prototypes.index import Index
from nucleate.prototypes.volumes import Volumes

NAMES = (
    "log share", "share", "logit below the best", "log share of the best member", "log members", "log popularity",
    "log entries", "groups before it", "known members", "known crystals", "energy", "least energy", "distance",
    "largest distance", "volume ratio", "largest volume ratio", "electronegativity", "log atoms", "roles", "log orbits",
    "cubic", "hexagonal", "tetragonal", "low symmetry", "log largest share",
)  # fmt: skip
"""The numbers of `features`, in their order."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of candidates for one composition.

    Attributes:
        best: the candidate with the highest logit that stands for each group. [groups]
        of: which group each candidate belongs to. [candidates]
        share: of the attention, over the candidates that are not the formula itself. [groups]
        numbers: NAMES. [groups, numbers]
    """

    best: np.ndarray
    of: np.ndarray
    share: np.ndarray
    numbers: np.ndarray


def features(found: Candidates, index: Index, attention: Attention, volumes: Volumes) -> Groups:
    """The groups of candidates with the numbers that a ranking takes."""
    energy = index.energy[found.entries].astype(float)
    logits = attention.logits(found, energy)
    weight = np.where(found.known, 0.0, np.exp(logits - logits.max()) * index.stands_for[found.entries])
    total = max(weight.sum(), 1e-12)
    _, of = np.unique(found.group, return_inverse=True)
    of = of.reshape(-1)
    groups = int(of.max()) + 1
    share = np.bincount(of, weight, groups) / total
    members = np.bincount(of, minlength=groups)
    by_logit = np.lexsort((-logits, of))
    best = by_logit[np.flatnonzero(np.diff(of[by_logit], prepend=-1))]
    least = np.full(groups, np.inf)
    np.minimum.at(least, of, bounded(energy))
    known = np.bincount(of, found.known, groups)
    place = np.empty(groups)
    place[np.argsort(-share, kind="stable")] = np.arange(groups)
    new, old = found.elements[best], found.old[best]
    apart = attention.distances[new, old]
    sizes = np.abs(np.log(volumes.each[new] / volumes.each[old]))
    pull = np.abs(element_vectors()[new, 3] - element_vectors()[old, 3])
    weights = found.weights[best]
    entries = found.entries[best]
    number = index.number[entries]
    numbers = np.column_stack([
        _log(share), share, logits[best] - logits.max(), _log(weight[best] / total), np.log(members),
        np.log(found.popular[best]), np.full(groups, np.log(len(np.unique(found.entries)))), np.log1p(place), known,
        np.full(groups, known.sum()), bounded(energy)[best], least, (apart * weights).sum(1), apart.max(1),
        (sizes * weights).sum(1), sizes.max(1), (pull * weights).sum(1), np.log(index.sizes[entries]),
        np.full(groups, found.elements.shape[1]), np.log(np.diff(index.orbit_offsets)[entries]),
        number >= 195, (number >= 143) & (number < 195), (number >= 75) & (number < 143), number < 16,
        _log(np.full(groups, share.max())),
    ]).astype(float)  # fmt: skip
    return Groups(best, of, share, numbers)


def _log(share: np.ndarray) -> np.ndarray:
    return np.log(share + 1e-5)
