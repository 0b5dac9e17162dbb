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
and placed against its own hull of the crystals in the package. With --base NAME=MODEL another base is asked the same,
its adapter in the folder `NAME-tc` beside the others. With --before DIR draws that were pulled by other predictors are
judged beside those of today. Draws are shared with benchmarks/targets.py. Continues from what is there, also from rows
whose draws are gone; writes benchmarks/results/superconductors.json, and draws docs/images/superconductors.png and the
tables of docs/studies/superconductors.md from it; `--plot` does only that.
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

from extrapolation import ASKED, predicted, pulled_beyond
from nucleate.cell import Cell
from nucleate.defects import defect
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.metrics.usable import USABLE
from nucleate.properties.composition import fractions_of
from nucleate.properties.predict import table_of
from steered_draws import Cells, judged, kept, split
from superconductors_figure import plot
from superconductors_relaxed import METAL, new_ones, relaxed
from superconductors_table import write_tables
from superconductors_ways import PULLED, SHARED, Way, drawn, ways
from targets import Bench

KELVINS = (5, 10, 20)


def row(cells: Cells, bench: Bench, known: np.ndarray) -> dict[str, Any]:
    """What is counted of all seeds of one way. known: fractions of the elements of labelled crystals."""
    said = judged(cells, "second", ("tc", "band_gap"))
    new = new_ones(cells, bench.known)
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
        "compounds_10": _share(new & metal & familiar & (tc > 10) & _compounds(cells)),
        "sound_credible_10": _share(new & metal & familiar & (tc > 10) & ordered),
        "spread": _median(said["tc_spread"]),
        "exchanged": _median(exchanged([cell for cell in cells if cell is not None], known)),
        "chemical_systems": len(systems),
        "in_ten_systems": round(100 * sum(count for _, count in systems.most_common(10)) / n, 1),
    }


def _compounds(cells: Cells) -> np.ndarray:
    """Which are of two elements or more: what a predictor says of an element alone can be looked up."""
    return np.array([cell is not None and len(set(cell.species.tolist())) > 1 for cell in cells])


def _share(events: np.ndarray) -> dict[str, Any]:
    return wilson(int(events.sum()), len(events)).to_dict()


def _median(values: np.ndarray) -> float:
    return round(float(np.nanmedian(values)), 2)


def exchanged(cells: list[Cell], known: np.ndarray) -> np.ndarray:
    """For each crystal the least share of its atoms to exchange for the composition of a labelled one."""
    mixed = fractions_of(table_of(cells, [""] * len(cells))).numpy()
    return np.array([0.5 * np.abs(known - one).sum(1).min() for one in mixed])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=34, help="crystals for each way and seed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--tuned", nargs="*", default=[], metavar="NAME=MODEL", help="models tuned by rewards"
    )
    parser.add_argument(
        "--base", nargs="*", default=[], metavar="NAME=MODEL", help="other bases, with adapters `NAME-tc`"
    )
    parser.add_argument("--ways", nargs="*", default=[], metavar="NAME", help="some of the ways only")
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
    mine = ways(_named(asked.tuned), _named(asked.base))
    for name in _chosen(asked, mine):
        _count(name, record, mine, bench, known, asked)
    record["ways"] = in_order(record["ways"], [*SHARED, *mine])
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
            beyond["drawn"].append(pulled_beyond(asked, value))
        write_whole(asked.out, json.dumps(record, indent=1) + "\n")


def _named(pairs: list[str]) -> dict[str, str]:
    """NAME=MODEL pairs of the command line."""
    return dict(one.split("=", 1) for one in pairs)


def _chosen(asked: argparse.Namespace, mine: dict[str, Way]) -> list[str]:
    """The ways that are to be counted, all of them by default."""
    known = [*SHARED, *mine]
    for name in asked.ways:
        if name not in known:
            raise SystemExit(f"no way is called {name!r}; there are {', '.join(known)}")
    return asked.ways or known


def _count(
    name: str,
    record: dict[str, Any],
    mine: dict[str, Way],
    bench: Bench,
    known: np.ndarray,
    asked: argparse.Namespace,
) -> None:
    """The row of one way, where it has none yet; what is left of it when relaxed, where that is asked for."""
    found = record["ways"].get(name, {})
    again = asked.relax and found.get("relaxed", {}).get("asked", 0) < asked.relax
    if found and not again:
        return
    cells: Cells = []
    for seed in range(asked.seeds):
        cells += drawn(name, mine, bench, seed, asked)
    if not found:
        record["ways"][name] = found = row(cells, bench, known)
        print(name, found, flush=True)
    if again:
        found["relaxed"] = relaxed(cells, bench.known, asked.relax, asked)
        print(name, found["relaxed"], flush=True)
    write_whole(asked.out, json.dumps(record, indent=1) + "\n")


def in_order(rows: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Rows in the order of these names; those of others, of models that were not named this time, stay behind them."""
    others = [name for name in rows if name not in names]
    return {name: rows[name] for name in (*names, *others) if name in rows}


def _before(folder: str, asked: argparse.Namespace) -> Cells:
    """What was drawn of a way, of all seeds."""
    folders = [asked.before / f"{folder}-{asked.n}-{seed}" for seed in range(asked.seeds)]
    return [cell for one in folders for cell in kept(one, asked.n)]


if __name__ == "__main__":
    main()
