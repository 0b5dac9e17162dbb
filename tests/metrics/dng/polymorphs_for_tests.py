"""Samples with copies and polymorphs among them, and the plain loops of the field over them."""

from __future__ import annotations

import numpy as np
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.cell import Cell
from nucleate.metrics.dng.equivalence import canonical_key
from nucleate.metrics.reduction import reduce_cell
from tests.metrics.crystals_for_tests import known_crystals, perturbed


def samples_with_copies(seed: int, copies: int = 4) -> list[Cell]:
    """Known crystals, close and far copies of them, in a random order."""
    rng = np.random.default_rng(seed)
    cells = []
    for crystal in known_crystals():
        for copy in range(copies):
            shift, strain = [(0.0, 0.0), (0.1, 0.02), (0.4, 0.05), (0.6, 0.08)][copy % 4]
            cells.append(Cell.of(perturbed(crystal, rng, shift, strain)))
    return [cells[i] for i in rng.permutation(len(cells))]


def random_polymorphs(count: int, seed: int, atoms: int = 4) -> list[Cell]:
    """Random cells of one element: many pairs, some of which match."""
    rng = np.random.default_rng(seed)
    return [
        Cell(np.full(atoms, 6), rng.random((atoms, 3)), 3.0 * np.eye(3) + rng.normal(0, 0.3, (3, 3)))
        for _ in range(count)
    ]


def plain_clusters(cells: list[Cell]) -> set[frozenset[int]]:
    """Connected components by brute force over all pairs, each in our canonical direction."""
    matcher = StructureMatcher()
    structures = [cell.to_structure() for cell in cells]
    keys = [canonical_key(reduce_cell(cell)) for cell in cells]
    formulas = [cell.formula for cell in cells]
    label = list(range(len(cells)))
    for i in range(len(cells)):
        for j in range(i):
            if formulas[i] != formulas[j]:
                continue
            first, second = (i, j) if keys[i] < keys[j] else (j, i)
            if matcher.fit(structures[first], structures[second]):
                old, new = label[i], label[j]
                label = [new if x == old else x for x in label]
    return partition(label)


def partition(labels: list) -> set[frozenset[int]]:
    return {frozenset(i for i, x in enumerate(labels) if x == label) for label in set(labels)}


def plain_novel(cells: list[Cell], references: list[Cell]) -> list[bool]:
    matcher = StructureMatcher()
    others = [cell.to_structure() for cell in references]
    return [not any(matcher.fit(cell.to_structure(), other) for other in others) for cell in cells]
