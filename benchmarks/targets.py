"""Five targets: how often draws hit them, by a predictor that neither trained nor steered what drew them.

    python benchmarks/first_halves.py --data data --out runs/halves
    nucleate train --adapter tc --from kldm-mp20-dng --data runs/halves/superconductors --minutes 30 \\
        --out runs/halves/tc
    python benchmarks/targets.py -n 100

The predictors that pull or choose, and adapters in runs/halves, have seen the first half of the labels, by chemical
systems; the judges (`property-*-second`) the other half. Adapters that are not in runs/halves are those of the package,
which have seen all labels. Crystals are judged as they are drawn; unreadable ones count as missed. Rows:
nothing asked; the adapters with guidance; predictors that pull; both; partial substitution into the tenth of the
training rows nearest the target; the best of four times as many plain draws by the predictor that pulls, since a step
with a pull costs two evaluations and one backward pass. Unique: the first of its reduced formula and space group is
counted by `judge_uniqueness`, novel against MP-20's training split. Continues from what is there; writes
benchmarks/results/targets.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nucleate.files import write_whole
from nucleate.metrics.dng.equivalence import ComparedSamples
from nucleate.metrics.dng.novelty import judge_novelty
from nucleate.metrics.dng.reference_index import ReferenceIndex
from nucleate.metrics.dng.uniqueness import judge_uniqueness
from nucleate.metrics.intervals import wilson
from nucleate.properties.front import Aim, aims_of, misses
from steered_draws import Cells, Method, draw, judged, split, substituted

Values = dict[str, np.ndarray]
BEST_OF = 4
METHODS = ("adapter", "pull", "adapter and pull", "substitution", f"best of {BEST_OF}")


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        title: in tables.
        hit: which values meet it.
        data: the data set of its labels, and of the first half of them.
        target: what adapters are asked for.
        towards: what predictors pull towards; its aims choose parents and the best draws too.
        atoms: in cells that are pulled without an adapter.
    """

    title: str
    hit: Callable[[Values], np.ndarray]
    data: tuple[str, str]
    target: dict[str, Any]
    towards: dict[str, Any]
    atoms: tuple[int, int] | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.target))

    @property
    def aims(self) -> list[Aim]:
        return list(aims_of(self.towards))

    def method(self, name: str) -> Method:
        """One of METHODS that a model draws."""
        adapter, pull = "adapter" in name, "pull" in name
        return Method(
            name,
            tuple(self.target) if adapter else (),
            self.target if adapter else {},
            dict.fromkeys(self.target, 2.0) if adapter else {},
            self.towards if pull else {},
            atoms=None if adapter else self.atoms,
        )


MP20 = ("mp_20", "mp_20")
GAP, ENERGY = "band_gap", "formation_energy_per_atom"
TARGETS = {
    "gap-3": Target("band gap 3.0 ± 0.3 eV", lambda v: abs(v[GAP] - 3) <= 0.3, MP20, {GAP: 3}, {GAP: 3}),
    "gap-2": Target("band gap 2.0 ± 0.25 eV", lambda v: abs(v[GAP] - 2) <= 0.25, MP20, {GAP: 2}, {GAP: 2}),
    "energy": Target(
        "formation energy -3.0 ± 0.2 eV/atom", lambda v: abs(v[ENERGY] + 3) <= 0.2, MP20, {ENERGY: -3}, {ENERGY: -3}
    ),
    "both": Target(
        "band gap ≥ 3 eV and formation energy ≥ -1 eV/atom", lambda v: (v[GAP] >= 3) & (v[ENERGY] >= -1), MP20,
        {GAP: 4, ENERGY: -0.6}, {GAP: 4, ENERGY: -0.6},
    ),
    "tc": Target(
        "Tc ≥ 10 K", lambda v: v["tc"] >= 10, ("alexandria_tc", "superconductors"), {"tc": 15}, {"tc": "max"}, (2, 10)
    ),
}  # fmt: skip


class Bench:
    """The draws of all targets, and what is counted of them."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.known = ReferenceIndex(split(asked.data, "mp_20", "train"))

    def plain(self, seed: int, share: int) -> Cells:
        """Nothing asked: the first part of those of which the best are taken."""
        n = self.asked.n
        return draw(
            Method("nothing"), BEST_OF * n, seed, self._folder("nothing", "any", seed), self.asked.halves
        )[: share * n]

    def drawn(self, key: str, method: str, seed: int) -> Cells:
        target, n, folder = TARGETS[key], self.asked.n, self._folder(method, key, seed)
        if method == "nothing":
            return self.plain(seed, 1)
        if method.startswith("best"):
            return best_first(self.plain(seed, BEST_OF), target.aims, target.names)[:n]
        if method == "substitution":
            labels = split(self.asked.halves, target.data[1], "train")
            return substituted(labels, target.aims, n, seed, folder)
        return draw(target.method(method), n, seed, folder, self.asked.halves)

    def row(self, key: str, method: str, seed: int) -> dict[str, Any]:
        """What is counted of one seed."""
        target, cells = TARGETS[key], self.drawn(key, method, seed)
        hits = np.nan_to_num(target.hit(judged(cells, "second", target.names))).astype(bool)
        samples = ComparedSamples(cells)
        new = np.array(judge_novelty(samples, self.known).columns["novel"], dtype=bool)
        new &= np.array(judge_uniqueness(samples).columns["unique"], dtype=bool)
        systems = Counter(tuple(sorted(set(cell.species.tolist()))) for cell in cells if cell is not None)
        largest = sum(count for _, count in systems.most_common(10))
        return {
            "drawn": len(cells), "hits": int(hits.sum()), "unique_novel": int(new.sum()),
            "unique_novel_hits": int((new & hits).sum()), "chemical_systems": len(systems), "in_ten_systems": largest,
        }  # fmt: skip

    def base(self, key: str) -> dict[str, Any]:
        """The share of the validation labels that meet a target."""
        target = TARGETS[key]
        table = split(self.asked.data, target.data[0], "val")
        values = {name: table.numbers([name])[:, 0] for name in target.names}
        hits = target.hit(values)
        return {"rows": len(table), "hits": int(hits.sum())}

    def _folder(self, method: str, key: str, seed: int) -> Path:
        return self.asked.draws / f"{method.replace(' ', '-')}-{key}-{self.asked.n}-{seed}"


def best_first(cells: Cells, aims: list[Aim], names: Sequence[str]) -> Cells:
    """Crystals by the predictors that pull, the nearest to the aims first: the worst of several ranks counts."""
    missed = misses(aims, judged(cells, "first", tuple(names)))
    worst = np.max([np.argsort(np.argsort(one)) for one in missed.T], 0)
    return [cells[row] for row in np.argsort(worst, kind="stable")]


def summary(rows: list[dict[str, Any]], base: float, plain: list[dict[str, Any]]) -> dict[str, Any]:
    """All seeds of one method together."""
    drawn, hits = sum(one["drawn"] for one in rows), sum(one["hits"] for one in rows)
    rate, own = hits / drawn, sum(one["hits"] for one in plain) / max(1, sum(one["drawn"] for one in plain))
    return {
        "drawn": drawn,
        "hit": wilson(hits, drawn).to_dict(),
        "by_seed": [round(100 * one["hits"] / one["drawn"], 1) for one in rows],
        "over_data": round(rate / base, 1),
        "over_nothing": round(rate / own, 1) if own else None,
        **{
            key: round(100 * sum(one[key] for one in rows) / drawn, 1)
            for key in ("unique_novel", "unique_novel_hits", "in_ten_systems")
        },
        "chemical_systems": round(float(np.mean([one["chemical_systems"] for one in rows])), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=100, help="crystals for each target, method and seed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--methods", nargs="*", default=["nothing", *METHODS])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--halves", type=Path, default=Path("runs/halves"))
    parser.add_argument("--draws", type=Path, default=Path("runs/targets"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "targets.json")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    bench = Bench(asked)
    for seed in range(asked.seeds):
        for method in asked.methods:
            for key in asked.targets:
                count(bench, asked, key, method, seed)
    write_record(asked)


def count(bench: Bench, asked: argparse.Namespace, key: str, method: str, seed: int) -> None:
    """One seed of one method, kept beside its draws."""
    kept = asked.draws / f"{method.replace(' ', '-')}-{key}-{asked.n}-{seed}.json"
    if not kept.exists():
        asked.draws.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps({"base": bench.base(key), **bench.row(key, method, seed)}))
        print(kept.stem, kept.read_text(), flush=True)


def write_record(asked: argparse.Namespace) -> None:
    """The record of all that is kept."""
    found: dict[str, Any] = {}
    for key, target in TARGETS.items():
        rows: dict[str, list[dict[str, Any]]] = {}
        for method in ("nothing", *METHODS):
            files = [
                asked.draws / f"{method.replace(' ', '-')}-{key}-{asked.n}-{seed}.json"
                for seed in range(asked.seeds)
            ]
            if kept := [json.loads(file.read_text()) for file in files if file.exists()]:
                rows[method] = kept
        if "nothing" in rows:
            base = rows["nothing"][0]["base"]
            share = base["hits"] / base["rows"]
            found[key] = {
                "title": target.title,
                "data": round(100 * share, 2),
                "methods": {name: summary(kept, share, rows["nothing"]) for name, kept in rows.items()},
            }
    command = f"python benchmarks/targets.py -n {asked.n} --seeds {asked.seeds}"
    record = {
        "benchmark": "targets",
        "command": command,
        "n": asked.n,
        "seeds": asked.seeds,
        "targets": found,
    }
    write_whole(asked.out, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
