"""How often a crystal keeps its structure when one of its elements is replaced, as the shipped index shows it.

    python benchmarks/replacements.py

Of all pairs of compositions that differ in one element, and of the replacements that `training.replace` draws: the
share with a common prototype, the latter a mean over the crystals of MP-20's training split.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from nucleate.prototypes.files import read_index
from nucleate.prototypes.index import Index
from nucleate.prototypes.replacements import Replacements, counted
from nucleate.prototypes.shipped import INDEX
from nucleate.runs.replacing import SOURCE


def of_crystal(found: Replacements, elements: np.ndarray) -> float | None:
    """The share that the replacements of a crystal of these elements keep; None where nothing replaces any."""
    chance = found.chance[elements].copy()
    chance[:, elements] = 0
    total = chance.sum(1)
    kept = (chance * found.kept[elements]).sum(1) / np.maximum(total, 1e-12)
    weight = found.expected[elements] * (total > 0)
    return float(weight @ kept / weight.sum()) if weight.any() else None


def shares(index: Index) -> dict[str, float | int]:
    pairs, same = counted(index)
    found = Replacements.of_index(index)
    each = [of_crystal(found, index.elements[index.roles(entry)]) for entry in range(len(index))]
    drawn = [one for one in each if one is not None]
    return {
        "pairs": int(pairs.sum()),
        "that keep the structure": round(float(same.sum() / pairs.sum()), 3),
        "crystals with a replacement": len(drawn),
        "drawn ones that keep it": round(float(np.mean(drawn)), 3),
    }


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(json.dumps(shares(read_index(INDEX).of_sources({SOURCE})), indent=1))
