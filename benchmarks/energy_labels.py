"""Races between retrieved candidates, and which of them are right: the data that the decision is fitted to.

    python benchmarks/energy_labels.py --data data/mp_20 --count 250 --out runs/fit-energy/labels.parquet
    python benchmarks/energy_labels.py --data data/mp_20 --rescore runs/fit-energy/labels.parquet \
        --out runs/rescored.parquet

Compositions are those of training crystals, each left out of the index of prototypes that is asked for it; crystals of
the same formula come last among its candidates. One row for each candidate. A candidate is right if it matches the
crystal at the tolerances of the published match rates, relaxed (`right`) or as proposed (`right_before`). Resumes from
the rows that are there. `--rescore` gives the candidates of an older table the scores and ranks of the shipped ranking,
without another race; they are found again by prototype, elements and energy above the hull.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.energies.potentials import potential_named
from nucleate.energies.racing import race
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.prototypes.candidates import candidates_of
from nucleate.prototypes.chemistry import element_distances
from nucleate.prototypes.features import features
from nucleate.prototypes.retrieve import Prototypes

SEED = 12
SECONDS = 10.0
NEAR = 1e-4
"""Distances of elements and energies above the hull (eV/atom) that are as near are the same."""
EVERY = 5
"""Compositions between two writes of the table."""


def rms(cell: Cell | None, truth: Cell) -> float:
    """Normalised RMS displacement from the truth; NaN without a match."""
    if cell is None:
        return math.nan
    found, _ = try_match(lambda: Matcher().rms(reduce_cell(cell), reduce_cell(truth)), SECONDS)
    return math.nan if found is None else found


def rows_of(name: str, truth: Cell, prototypes: Prototypes, candidates: int) -> list[dict[str, Any]]:
    own = [entry for entry, other in enumerate(prototypes.index.names) if other == name]
    proposals = prototypes.propose(truth.species.tolist(), candidates, known="other", without=own)
    start = perf_counter()
    raced = race([one.cell for one in proposals], potential_named("chgnet"))
    seconds = perf_counter() - start
    rows = []
    for rank, (proposal, one) in enumerate(zip(proposals, raced, strict=True)):
        relaxed = one.relaxed
        before = None if relaxed.initial_energy is None else relaxed.initial_energy / len(truth.species)
        rows.append({
            "id": name, "atoms": len(truth.species), "candidates": len(proposals), "rank": rank,
            "score": proposal.score, "distance": proposal.distance, "votes": proposal.votes,
            "known": proposal.known, "space_group": proposal.space_group, "prototype": proposal.prototype,
            "hull": proposal.energy, "energy": one.energy_per_atom, "energy_before": before, "above": one.above,
            "status": one.status, "evaluations": relaxed.steps, "fmax": relaxed.fmax,
            "volume_change": relaxed.cell.volume / proposal.cell.volume - 1 if relaxed.cell else None,
            "seconds": seconds, "rms_before": rms(proposal.cell, truth), "rms": rms(relaxed.cell, truth),
        })  # fmt: skip
    for row in rows:
        row["right"], row["right_before"] = row["rms"] == row["rms"], row["rms_before"] == row["rms_before"]
    return rows or [{"id": name, "atoms": len(truth.species), "candidates": 0}]


def rescored(rows: list[dict[str, Any]], table: CrystalTable, prototypes: Prototypes) -> list[dict[str, Any]]:
    """The rows with the score of each candidate's group by the shipped ranking, and their ranks by it."""
    places = {name: place for place, name in enumerate(table.ids)}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)
    done = []
    for name, some in found.items():
        if some[0]["candidates"]:
            species = table.cell(places[name]).species
            scores = [_score(row, species, prototypes) for row in some]
            order = sorted(range(len(some)), key=lambda i: (-scores[i], some[i]["rank"]))
            some = [{**some[i], "score": scores[i], "rank": rank} for rank, i in enumerate(order)]
        done += some
    return done


def _score(row: dict[str, Any], species: np.ndarray, prototypes: Prototypes) -> float:
    ranking, index = prototypes.rankings["same"], prototypes.index
    assert ranking is not None
    by_chemistry = candidates_of(prototypes.families, Counter(species.tolist()), "same", element_distances())
    candidates = candidates_of(
        prototypes.families, Counter(species.tolist()), "same", ranking.attention.distances
    )
    assert by_chemistry is not None
    assert candidates is not None
    others = np.flatnonzero(np.array([index.names[entry] != row["id"] for entry in candidates.entries]))
    candidates, by_chemistry = candidates.take(others), by_chemistry.take(others)
    groups = features(candidates, index, ranking.attention, prototypes.volumes)
    energy = index.energy[candidates.entries]
    same = (index.label[candidates.entries] == row["prototype"]) & (candidates.known == row["known"])
    same &= np.abs(by_chemistry.distance - row["distance"]) < NEAR
    hull = row["hull"]
    same &= np.isnan(energy) if hull is None or math.isnan(hull) else np.abs(energy - hull) < NEAR
    return float(ranking.probability(groups.numbers)[groups.of][np.flatnonzero(same)[0]])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--rescore", type=Path, help="an older table whose candidates get today's scores")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    table = Dataset.open(asked.data).split(asked.split)
    if asked.rescore:
        rows = rescored(pq.read_table(asked.rescore).to_pylist(), table, Prototypes.open(sources=["mp_20"]))
        pq.write_table(pa.Table.from_pylist(rows_alike(rows)), asked.out)
        return
    chosen = np.random.default_rng(SEED).permutation(len(table.ids))[: asked.count].tolist()
    rows = pq.read_table(asked.out).to_pylist() if asked.out.exists() else []
    done = {row["id"] for row in rows}
    prototypes = Prototypes.open(sources=["mp_20"])
    for number, place in enumerate(chosen, 1):
        if table.ids[place] not in done:
            rows += rows_of(table.ids[place], table.cell(place), prototypes, asked.candidates)
            if number % EVERY == 0 or number == len(chosen):
                asked.out.parent.mkdir(parents=True, exist_ok=True)
                partial = asked.out.with_suffix(".partial")
                pq.write_table(pa.Table.from_pylist(rows_alike(rows)), partial)
                partial.replace(asked.out)
                print(f"{number} of {len(chosen)}", flush=True)


def rows_alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the same columns, None where a row has no value."""
    names = list(max(rows, key=len))
    return [{name: row.get(name) for name in names} for row in rows]


if __name__ == "__main__":
    main()
