"""The study of ordered superconductors: ways to draw them, judged by a predictor that none of them has seen.

    python benchmarks/first_halves.py --data data --out runs/halves
    for ADAPTER in tc, ordered:
    nucleate train --adapter ADAPTER --from kldm-mp20-dng --data runs/halves/superconductors --minutes 30 \\
        --out runs/halves/ADAPTER
    nucleate train property --data runs/halves/below-10 --target tc --epochs 12 --out runs/halves/predicts-below-10
    python benchmarks/superconductors.py -n 34 --tuned "rewards A=runs/tuning/tuning-tc-weighted/model"

Everything that draws has seen the first half of the labels, by chemical systems; `property-tc-second`, which judges,
the other half, and `property-band-gap-second` says what is a metal. Crystals are judged as they are drawn; unreadable
ones count as missed. With --relax K the first K crystals of each way that are unique and novel are relaxed with CHGNet
and placed against its own hull of MP-20. With --before DIR draws that were pulled by other predictors are judged beside
those of today. Draws are shared with benchmarks/targets.py. Continues from what is there;
writes benchmarks/results/superconductors.json, and draws docs/images/superconductors.png and the tables of
docs/studies/superconductors.md from it; `--plot` does only that.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from extrapolation import ASKED, drawn, predicted
from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.files import write_whole
from nucleate.metrics.dng.equivalence import ComparedSamples
from nucleate.metrics.dng.novelty import judge_novelty
from nucleate.metrics.dng.uniqueness import judge_uniqueness
from nucleate.metrics.intervals import wilson
from nucleate.metrics.usable import USABLE
from nucleate.properties.composition import fractions_of
from nucleate.properties.predict import table_of
from steered_draws import Cells, Method, draw, judged, kept, split
from superconductors_figure import plot
from superconductors_table import write_tables
from targets import BEST_OF, Bench

KELVINS = (5, 10, 20)
METAL = 0.5
"""Predicted band gap in eV below which a crystal counts as a metal: the predictor errs by 0.48 eV on average."""
ORDERED = {"ordered": "superconductor"}
WEIGHTS = (0, 1, 2, 4)
SHARED = {
    "nothing asked": "nothing",
    "substitution into known superconductors": "substitution",
    f"rejection: best of {BEST_OF}": f"best of {BEST_OF}",
    "predictor pulls": "pull",
    "tc, w = 2": "adapter",
    "tc, w = 2, predictor pulls": "adapter and pull",
}
"""Ways that benchmarks/targets.py draws too, by their names there."""


def ways(tuned: dict[str, str]) -> dict[str, Method]:
    """The ways that are drawn here."""
    both = {
        f"ordered and tc, w = {w}": Method(
            f"ordered-tc-{w}",
            ("ordered", "tc"),
            ORDERED | {"tc": 15},
            dict.fromkeys(("ordered", "tc"), w) if w else {},
        )
        for w in WEIGHTS
    }
    return {
        "ordered": Method("ordered", ("ordered",), ORDERED),
        **both,
        "ordered, predictor pulls": Method("ordered-pull", ("ordered",), ORDERED, {}, {"tc": "max"}),
        "predictor pulls, gap pulled to 0": Method(
            "pull-gap", towards={"tc": "max", "band_gap": "min"}, atoms=(2, 10)
        ),
        "tc, w = 2, predictor pulls, without H": Method(
            "tc-pull-without-h", ("tc",), {"tc": 15}, {"tc": 2}, {"tc": "max"}, without="H"
        ),
        "nothing asked, wyckoff-mp20": Method("nothing-wyckoff", model="wyckoff-mp20"),
        **{
            name: Method(name.replace(" ", "-"), model=folder) for name, folder in tuned.items()
        },
    }  # fmt: skip


PULLED = {
    "predictor pulls": "pull-tc",
    "tc, w = 2, predictor pulls": "adapter-and-pull-tc",
    "ordered, predictor pulls": "ordered-pull-superconductors",
    "tc, w = 2, predictor pulls, without H": "tc-pull-without-h-superconductors",
}
"""Ways with a pull, and how the names of their folders begin."""


def row(cells: Cells, bench: Bench, known: np.ndarray) -> dict[str, Any]:
    """What is counted of all seeds of one way. known: fractions of the elements of labelled crystals."""
    said = judged(cells, "second", ("tc", "band_gap"))
    samples = ComparedSamples(cells)
    new = np.array(judge_novelty(samples, bench.known).columns["novel"], dtype=bool)
    new &= np.array(judge_uniqueness(samples).columns["unique"], dtype=bool)
    ordered = np.array([defect(cell, USABLE) is None for cell in cells])
    metal = np.nan_to_num(said["band_gap"], nan=9.0) < METAL
    familiar = said["tc_familiar"] == 1
    tc, n = np.nan_to_num(said["tc"]), len(cells)
    systems = Counter(tuple(sorted(set(cell.species.tolist()))) for cell in cells if cell is not None)
    return {
        "drawn": n,
        "ordered": _share(ordered),
        "unique_novel": _share(new),
        **{f"above_{kelvin}": _share(tc > kelvin) for kelvin in KELVINS},
        "unique_novel_above_10": _share(new & (tc > 10)),
        "surely_above_5": _share(np.nan_to_num(said["tc_low"]) > 5),
        "metals": _share(metal),
        "familiar": _share(familiar),
        **{f"credible_{kelvin}": _share(new & metal & familiar & (tc > kelvin)) for kelvin in KELVINS},
        "spread": _median(said["tc_spread"]),
        "exchanged": _median(exchanged([cell for cell in cells if cell is not None], known)),
        "chemical_systems": len(systems),
        "in_ten_systems": round(100 * sum(count for _, count in systems.most_common(10)) / n, 1),
    }


def _share(events: np.ndarray) -> dict[str, Any]:
    return wilson(int(events.sum()), len(events)).to_dict()


def _median(values: np.ndarray) -> float:
    return round(float(np.nanmedian(values)), 2)


def exchanged(cells: list[Cell], known: np.ndarray) -> np.ndarray:
    """For each crystal the least share of its atoms to exchange for the composition of a labelled one."""
    mixed = fractions_of(table_of(cells, [""] * len(cells))).numpy()
    return np.array([0.5 * np.abs(known - one).sum(1).min() for one in mixed])


def relaxed(cells: Cells, bench: Bench, count: int, asked: argparse.Namespace) -> dict[str, Any]:
    """How many of the first `count` unique and novel crystals lie up to 0.1 eV/atom above the hull, relaxed."""
    from nucleate.energies.hull_sources import potential_hull
    from nucleate.energies.placing import place
    from nucleate.energies.potentials import potential_named
    from nucleate.energies.references import ReferenceStructures
    from nucleate.work import Work

    samples = ComparedSamples(cells)
    new = np.array(judge_novelty(samples, bench.known).columns["novel"], dtype=bool)
    new &= np.array(judge_uniqueness(samples).columns["unique"], dtype=bool)
    chosen = [cell for cell, one in zip(cells, new, strict=True) if one and cell is not None][:count]
    chgnet = potential_named("chgnet")
    work = Work.local(1, cache=asked.draws / "energies.sqlite")
    hull = potential_hull(ReferenceStructures.of(asked.data / "mp_20"), chgnet, work=work)
    placed = place(chosen, chgnet, hull, work=work)
    stable = [one.above.energy is not None and one.above.energy <= 0.1 for one in placed]
    after = [one.relaxed.cell for one in placed]
    tc = np.nan_to_num(judged(list(after), "second", ("tc",))["tc"])
    return {
        "relaxed": len(chosen),
        "stable_0.1": wilson(sum(stable), len(stable)).to_dict(),
        "above_10_relaxed": wilson(int((tc > 10).sum()), len(stable)).to_dict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=34, help="crystals for each way and seed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--tuned", nargs="*", default=[], metavar="NAME=MODEL", help="models tuned by rewards"
    )
    parser.add_argument("--relax", type=int, default=0, metavar="K")
    parser.add_argument("--before", type=Path, metavar="DIR", help="draws pulled by other predictors")
    parser.add_argument("--plot", action="store_true", help="only the figure and the tables, from the record")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--halves", type=Path, default=Path("runs/halves"))
    parser.add_argument("--draws", type=Path, default=Path("runs/targets"))
    results = Path(__file__).parent / "results" / "superconductors.json"
    parser.add_argument("--out", type=Path, default=results)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if not asked.plot:
        study(asked)
    record = json.loads(asked.out.read_text())
    plot(record)
    write_tables(record)


def study(asked: argparse.Namespace) -> None:
    """Every way that has no row yet, then the extrapolation."""
    record: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    if (record.get("n"), record.get("seeds")) != (asked.n, asked.seeds):
        command = f"python benchmarks/superconductors.py -n {asked.n} --seeds {asked.seeds}"
        record = {
            "benchmark": "superconductors",
            "command": command,
            "n": asked.n,
            "seeds": asked.seeds,
            "ways": {},
        }
    bench = Bench(asked)
    known = fractions_of(split(asked.halves, "superconductors", "train")).numpy()
    mine = ways(dict(one.split("=", 1) for one in asked.tuned))
    for name in [*SHARED, *mine]:
        found = record["ways"].get(name, {})
        cells: Cells = []
        if not found or (asked.relax and "relaxed" not in found):
            for seed in range(asked.seeds):
                cells += _cells(name, mine, bench, seed, asked)
        if not found:
            record["ways"][name] = found = row(cells, bench, known)
            print(name, found, flush=True)
        if asked.relax and "relaxed" not in found:
            found |= relaxed(cells, bench, asked.relax, asked)
        record["ways"][name] = record["ways"].pop(name)  # in the order of the ways
        write_whole(asked.out, json.dumps(record, indent=1) + "\n")
    if asked.before:
        record["before"] = {
            name: row(_before(folder, asked), bench, known) for name, folder in PULLED.items()
        }
        write_whole(asked.out, json.dumps(record, indent=1) + "\n")
    if (asked.halves / "predicts-below-10" / "model").exists():
        beyond = record.setdefault("extrapolation", {"predicted": predicted(asked), "drawn": []})
        for value in ASKED[len(beyond["drawn"]) :]:
            write_whole(asked.out, json.dumps(record, indent=1) + "\n")
            beyond["drawn"].append(drawn(asked, value))
        write_whole(asked.out, json.dumps(record, indent=1) + "\n")


def _before(folder: str, asked: argparse.Namespace) -> Cells:
    """What was drawn of a way, of all seeds."""
    folders = [asked.before / f"{folder}-{asked.n}-{seed}" for seed in range(asked.seeds)]
    return [cell for one in folders for cell in kept(one, asked.n)]


def _cells(name: str, mine: dict[str, Method], bench: Bench, seed: int, asked: argparse.Namespace) -> Cells:
    if name in SHARED:
        return bench.drawn("tc", SHARED[name], seed)
    way = mine[name]
    return draw(
        way, asked.n, seed, asked.draws / f"{way.name}-superconductors-{asked.n}-{seed}", asked.halves
    )


if __name__ == "__main__":
    main()
