"""Uniqueness and novelty against plain loops of pymatgen's StructureMatcher, at identical verdicts.

    python benchmarks/novelty.py --reference data/mp_20 -n 10000 --out benchmarks/results/novelty.json

Samples are made up from a fixed seed: crystals of the training and the validation split in turn, unchanged or moved and
strained a little or a lot, every fifth with one element replaced by another, so that about half of the formulas are
known. With --least-group, only crystals with at least that many references of their formula. Compared in one process,
by processor time, with structures in memory:

- plain: `StructureMatcher().fit` on every pair of one reduced formula, with pymatgen's own cache of reduced cells. For
  uniqueness the samples go in our canonical order, so that both judge each pair in the same direction, and all pairs of
  a formula are compared; for novelty the loop over the references ends with the first match (MatterGen's goes on).
- all pairs: the same without grouping by formula, extrapolated from the mean time of random pairs.
- ours: `judge_uniqueness` and `judge_novelty`, with no index on disk, and again with references reduced before.

The exit status is 1 if any verdict differs: which samples are novel, and which are in one cluster.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import time
import warnings
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.metrics.dng.equivalence import ComparedSamples, canonical_key
from nucleate.metrics.dng.family import Family
from nucleate.metrics.dng.novelty import judge_novelty
from nucleate.metrics.dng.reference_index import ReferenceIndex, formulas_of
from nucleate.metrics.dng.uniqueness import judge_uniqueness

STRENGTHS = ((0.0, 0.0), (0.05, 0.01), (0.15, 0.03), (0.4, 0.06))
RANDOM_PAIRS = 3000


def made_up(tables: list[CrystalTable], count: int, seed: int, least: int = 1) -> list[Cell]:
    """Samples from the crystals of both tables in turn, perturbed by four strengths; every fifth with a swap."""
    rng = np.random.default_rng(seed)
    elements = np.unique(tables[0].species)
    known = Counter(formulas_of(tables[0]))
    rows = [
        [i for i, f in enumerate(formulas_of(table)) if least == 1 or known[f] >= least] for table in tables
    ]
    samples = []
    for number in range(count):
        side = number % len(tables)
        cell = tables[side].cell(int(rng.choice(rows[side])))
        shift, strain = STRENGTHS[(number // 2) % 4]
        lattice = cell.lattice @ (np.eye(3) + rng.normal(0, strain, (3, 3)))
        frac = cell.frac + rng.normal(0, shift, cell.frac.shape) @ np.linalg.inv(lattice)
        numbers = cell.species.copy()
        if number % 5 == 4:
            numbers[numbers == rng.choice(numbers)] = rng.choice(elements)
        samples.append(Cell(numbers, frac % 1, lattice))
    return samples


def plain_clusters(cells: list[Cell], structures: list, order: list[int]) -> tuple[list[int], int, float]:
    """Cluster of each sample by union of all pairs that fit, the number of pairs, and seconds."""
    from pymatgen.core.structure_matcher import StructureMatcher

    start, matcher = time.process_time(), StructureMatcher()
    groups, parent, pairs = defaultdict(list), list(range(len(cells))), 0
    for row in order:
        groups[structures[row].composition.reduced_formula].append(row)
    for rows in groups.values():
        for place, i in enumerate(rows):
            for j in rows[place + 1 :]:
                pairs += 1
                if matcher.fit(structures[i], structures[j]):
                    old, new = parent[j], parent[i]
                    parent = [new if p == old else p for p in parent] if old != new else parent
    return parent, pairs, time.process_time() - start


def plain_novel(structures: list, references: list) -> tuple[list[bool], int, float]:
    """Whether no reference of the formula fits, the number of pairs compared, and seconds."""
    from pymatgen.core.structure_matcher import StructureMatcher

    start, matcher, pairs = time.process_time(), StructureMatcher(), 0
    groups = defaultdict(list)
    for reference in references:
        groups[reference.composition.reduced_formula].append(reference)
    novel = []
    for structure in structures:
        found = False
        for reference in groups.get(structure.composition.reduced_formula, ()):
            pairs += 1
            found = matcher.fit(structure, reference)
            if found:
                break
        novel.append(not found)
    return novel, pairs, time.process_time() - start


def any_pair_ms(structures: list, references: list, seed: int) -> float:
    """Milliseconds of `fit` on a random pair: nearly always of two formulas."""
    from pymatgen.core.structure_matcher import StructureMatcher

    rng, matcher = np.random.default_rng(seed), StructureMatcher()
    chosen = rng.integers((len(structures), len(references)), size=(RANDOM_PAIRS, 2))
    start = time.process_time()
    for i, j in chosen:
        matcher.fit(structures[i], references[j])
    return 1e3 * (time.process_time() - start) / RANDOM_PAIRS


def ours(
    cells: list[Cell], index: ReferenceIndex
) -> tuple[Family, Family, ComparedSamples, dict[str, float]]:
    times, start = {}, time.process_time()
    samples = ComparedSamples(cells)
    unique = judge_uniqueness(samples)
    times["uniqueness"] = time.process_time() - start
    start = time.process_time()
    novel = judge_novelty(samples, index)
    times["novelty"] = time.process_time() - start
    return unique, novel, samples, times


def partition(labels: list) -> set[frozenset[int]]:
    groups = defaultdict(set)
    for row, label in enumerate(labels):
        groups[label].add(row)
    return {frozenset(rows) for rows in groups.values()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--reference", type=Path, required=True, help="data set with the splits train and val"
    )
    parser.add_argument("-n", type=int, default=10_000, help="samples")
    parser.add_argument("--least-group", type=int, default=1, help="fewest references of a sample's formula")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    dataset = Dataset.open(args.reference)
    tables = [dataset.split("train"), dataset.split("val")]
    cells = made_up(tables, args.n, args.seed, args.least_group)
    started = time.process_time()
    index = ReferenceIndex(tables[0], f"{args.reference.name}/train")
    opening = time.process_time() - started
    unique, novel, samples, cold = ours(cells, index)
    _, _, _, warm = ours(cells, index)
    # the order of the plain loops is not timed
    samples.reduce(range(len(cells)))
    order = sorted(samples.reduced, key=lambda row: canonical_key(samples.reduced[row]))
    structures = [cell.to_structure() for cell in cells]
    references = [tables[0].cell(row).to_structure() for row in range(len(tables[0]))]
    labels, unique_pairs, unique_seconds = plain_clusters(cells, structures, order)
    plain, novel_pairs, novel_seconds = plain_novel(structures, references)
    pair_ms = any_pair_ms(structures, references, args.seed)

    differing = {
        "novelty": sum(a != b for a, b in zip(plain, novel.columns["novel"], strict=True)),
        "clusters": len(partition(labels) ^ partition(unique.columns["cluster"])),
    }
    pairs_without_groups = args.n * len(tables[0]) + args.n * (args.n - 1) // 2
    totals = {name: sum(times.values()) for name, times in (("cold", cold), ("warm", warm))}
    plain_seconds = unique_seconds + novel_seconds
    result = {
        "benchmark": "novelty",
        "command": shlex.join(["python", "benchmarks/novelty.py", *sys.argv[1:]]),
        "hardware": platform.machine(),
        "clock": "processor, one process",
        "matcher": "StructureMatcher.fit, ltol 0.2, stol 0.3, angle_tol 5",
        "pymatgen": version("pymatgen"),
        "reference": str(args.reference),
        "split": "train",
        "reference_crystals": len(tables[0]),
        "samples": args.n,
        "seed": args.seed,
        "least_references_of_formula": args.least_group,
        "largest_formula_group": max(Counter(samples.formulas).values()),
        "pairs": {"uniqueness": unique_pairs, "novelty": novel_pairs},
        "unique": unique.measures["unique"].estimate.value,
        "unique_first_come": unique.measures["unique_first_come"].estimate.value,
        "novel": novel.measures["novel"].estimate.value,
        "novel_compositions": novel.measures["novel_compositions"].estimate.value,
        "differing_verdicts": differing,
        "seconds": {
            "plain, by formula": {"uniqueness": unique_seconds, "novelty": novel_seconds},
            "plain, all pairs (extrapolated)": pairs_without_groups * pair_ms / 1e3,
            "ours, nothing reduced before": cold,
            "ours, references reduced before": warm,
            "formulas of the references": opening,
        },
        "ms_per_random_pair": pair_ms,
        "samples_per_second": {"plain": args.n / plain_seconds, "ours": args.n / totals["cold"]},
        "ratio": {
            "by formula, nothing reduced before": plain_seconds / totals["cold"],
            "by formula, references reduced before": plain_seconds / totals["warm"],
            "all pairs (extrapolated)": pairs_without_groups * pair_ms / 1e3 / totals["cold"],
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")
    sys.exit(1 if any(differing.values()) else 0)


if __name__ == "__main__":
    main()
