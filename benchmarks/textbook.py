"""Common compounds whose structure is in every textbook: is a model's first rank right?

    python benchmarks/textbook.py --model kldm-mp20-csp
    python benchmarks/textbook.py --model answers --out benchmarks/results/textbook-answers.json

Predicts as `nucleate predict FORMULAS -n 20 --seed 0 --model MODEL` does, without a potential unless one is named, and
compares every rank (by agreement, or that of an answer) with the known structure by pymatgen's StructureMatcher at its
default tolerances. Most of the compounds are known crystals in the index that answers are taken from: `known` says
which first answers are. Writes benchmarks/results/textbook.json.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import torch
from pymatgen.core import Lattice, Structure
from pymatgen.core.structure_matcher import StructureMatcher

from nucleate.discovery.answered import answers_in
from nucleate.discovery.shortlist import shortlist
from nucleate.predictor import load
from nucleate.sampling.job import Job
from nucleate.sampling.request import answer_requests, formula_requests

HALF, THIRD = (0.5, 0.5, 0.5), (1 / 3, 2 / 3)
ROCK_SALT = ("Fm-3m", [[0, 0, 0], [0.5, 0, 0]])
PEROVSKITE = ("Pm-3m", [[0, 0, 0], HALF, [0.5, 0.5, 0]])
ZINC_BLENDE = ("F-43m", [[0, 0, 0], [0.25, 0.25, 0.25]])
FLUORITE = ("Fm-3m", [[0, 0, 0], [0.25, 0.25, 0.25]])
KNOWN = {
    "SrTiO3": (*PEROVSKITE, Lattice.cubic(3.905), ["Sr", "Ti", "O"]),
    "BaTiO3": (*PEROVSKITE, Lattice.cubic(4.0), ["Ba", "Ti", "O"]),
    "KNiF3": (*PEROVSKITE, Lattice.cubic(4.01), ["K", "Ni", "F"]),
    "NaCl": (*ROCK_SALT, Lattice.cubic(5.64), ["Na", "Cl"]),
    "LiCl": (*ROCK_SALT, Lattice.cubic(5.13), ["Li", "Cl"]),
    "MgO": (*ROCK_SALT, Lattice.cubic(4.21), ["Mg", "O"]),
    "ZnSe": (*ZINC_BLENDE, Lattice.cubic(5.668), ["Zn", "Se"]),
    "CdTe": (*ZINC_BLENDE, Lattice.cubic(6.48), ["Cd", "Te"]),
    "CaF2": (*FLUORITE, Lattice.cubic(5.463), ["Ca", "F"]),
    "Mg2Si": (*FLUORITE, Lattice.cubic(6.35), ["Si", "Mg"]),
    "Mg2Sn": (*FLUORITE, Lattice.cubic(6.76), ["Sn", "Mg"]),
    "GaN": ("P6_3mc", [[*THIRD, 0], [*THIRD, 0.377]], Lattice.hexagonal(3.19, 5.186), ["Ga", "N"]),
    "MgB2": ("P6/mmm", [[0, 0, 0], [*THIRD, 0.5]], Lattice.hexagonal(3.086, 3.524), ["Mg", "B"]),
    "TiO2": ("P4_2/mnm", [[0, 0, 0], [0.3048, 0.3048, 0]], Lattice.tetragonal(4.594, 2.959), ["Ti", "O"]),
    "LiCoO2": (
        "R-3m", [[0, 0, 0.5], [0, 0, 0], [0, 0, 0.2395]], Lattice.hexagonal(2.816, 14.05), ["Li", "Co", "O"],
    ),
    "Bi2Te3": (
        "R-3m", [[0, 0, 0.4], [0, 0, 0], [0, 0, 0.2095]], Lattice.hexagonal(4.386, 30.5), ["Bi", "Te", "Te"],
    ),
    "Si": ("Fd-3m", [[0, 0, 0]], Lattice.cubic(5.431), ["Si"]),
    "ZnS": (*ZINC_BLENDE, Lattice.cubic(5.409), ["Zn", "S"]),
    "GaAs": (*ZINC_BLENDE, Lattice.cubic(5.653), ["Ga", "As"]),
    "CsCl": ("Pm-3m", [[0, 0, 0], HALF], Lattice.cubic(4.123), ["Cs", "Cl"]),
    "Al2O3": ("R-3c", [[0, 0, 0.352], [0.306, 0, 0.25]], Lattice.hexagonal(4.759, 12.993), ["Al", "O"]),
    "YBa2Cu3O7": (
        "Pmmm",
        [HALF, [0.5, 0.5, 0.184], [0, 0, 0], [0, 0, 0.355], [0, 0.5, 0], [0.5, 0, 0.378], [0, 0.5, 0.378],
         [0, 0, 0.159]],
        Lattice.orthorhombic(3.82, 3.886, 11.68), ["Y", "Ba", "Cu", "Cu", "O", "O", "O", "O"],
    ),
    "LiFePO4": (
        "Pnma",
        [[0, 0, 0], [0.282, 0.25, 0.975], [0.095, 0.25, 0.418], [0.097, 0.25, 0.743], [0.457, 0.25, 0.206],
         [0.166, 0.046, 0.285]],
        Lattice.orthorhombic(10.33, 6.01, 4.69), ["Li", "Fe", "P", "O", "O", "O"],
    ),
}  # fmt: skip
"""Space group, positions, cell (Å) and elements, at room temperature or, of BaTiO3, above 400 K."""


TWELVE = (
    "NaCl", "MgO", "SrTiO3", "MgB2", "Si", "ZnS", "GaAs", "CsCl", "TiO2", "Al2O3", "YBa2Cu3O7", "LiFePO4",
)  # fmt: skip
"""Those that a chemist would try first."""


def structure(formula: str) -> Structure:
    group, places, lattice, elements = KNOWN[formula]
    return Structure.from_spacegroup(group, lattice, elements, places)


def ranks_right(model: str, n: int, seed: int, potential: str) -> tuple[dict[str, list[int]], list[str]]:
    """The ranks, best first, at which the known structure of each formula stands, and the formulas with a known crystal
    first."""
    matcher = StructureMatcher()
    ranked = _ranked(model, n, seed, potential)
    found: dict[str, list[int]] = {formula: [] for formula in KNOWN}
    for formula, rank, _, drawn in ranked:
        if matcher.fit(drawn, structure(formula)):
            found[formula].append(rank)
    known = [formula for formula, rank, known, _ in ranked if rank == 1 and known]
    return {formula: sorted(ranks) for formula, ranks in found.items()}, known


def _ranked(model: str, n: int, seed: int, potential: str) -> list[tuple[str, int, bool, Structure]]:
    """Formula, rank, whether it is a known crystal, and structure of each cluster of draws or each answer."""
    predictor = load(model)
    ask = answer_requests if predictor.generator.ranked else formula_requests
    able = [formula for formula in KNOWN if len(structure(formula)) <= predictor.limits.largest_cell]
    requests = ask(able, n, predictor.limits, None)
    settings = replace(predictor.sampler(), potential=potential) if potential else None
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder), {"seed": seed})
        for batch in predictor.draw(requests, settings, seed=seed):
            job.write(batch, seed, predictor.name)
        if predictor.generator.ranked:
            answers = answers_in(Path(folder))
            return [(row.formula, row.rank, row.known, cell.to_structure()) for row, cell in answers]
        rows, structures = shortlist(Path(folder))
    return [
        (row.formula, row.rank, False, drawn)
        for row, drawn in zip(rows, structures, strict=True)
        if row.rank and row.representative and drawn is not None
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="kldm-mp20-csp")
    parser.add_argument("-n", type=int, default=20, help="samples of each formula")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--potential", default="", help="relaxes answers, such as chgnet; nothing by default")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "textbook.json")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    start = perf_counter()
    ranks, known = ranks_right(asked.model, asked.n, asked.seed, asked.potential)
    seconds = perf_counter() - start
    first = sum(found[:1] == [1] for found in ranks.values())
    record = {
        "benchmark": "textbook", "command": shlex.join(["python", "benchmarks/textbook.py", *sys.argv[1:]]),
        "model": asked.model, "samples": asked.n, "seed": asked.seed,
        "right_at_rank_1": first, "of": len(ranks), "seconds_each": round(seconds / len(ranks), 1),
        "right_of_the_twelve": sum(ranks[formula][:1] == [1] for formula in TWELVE), "ranks": ranks,
        **({"known": known} if known else {}),
    }  # fmt: skip
    asked.out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"rank 1 is right for {first} of {len(ranks)} compounds; {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
