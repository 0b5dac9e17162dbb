"""Three small crystals from a plan to the ledger by way of GPAW: inputs, relaxations by PBE, ingest.

    python benchmarks/gpaw.py --python /usr/bin/python3 --folder FOLDER --out benchmarks/results/gpaw.json

GPAW is that of Debian (package gpaw, with its setups), which runs in processes of the system's Python. The crystals
begin 2 % too long; where they end is compared with lattice constants of PBE from the literature. 400 eV is enough for
silicon and aluminium, and too little for magnesia, whose setups have sharper electrons.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.calculations.results import read_results
from nucleate.cell import Cell
from nucleate.data.extxyz import frame_text
from nucleate.files import write_whole
from nucleate.funnel.ingest import ingest
from nucleate.funnel.plan import parse_plan
from nucleate.funnel.run import run
from nucleate.records.computed import computed
from nucleate.records.ledger import Ledger
from nucleate.work import Work
from turns import hardware

LITERATURE = {"Si": 5.469, "MgO": 4.258, "Al": 4.040}
"""Lattice constants of PBE, Å, as they are commonly quoted for converged projector-augmented waves; for orientation."""
PLAN = """
[[generate]]
folder = "{folder}/given.extxyz"
name = "given"
[[stage]]
kind = "sanitise"
charge = false
[[stage]]
kind = "calculations"
codes = ["gpaw"]
cutoff = 400.0
k_density = 32.0
plan = "three small crystals"
"""


def crystals() -> list[Cell]:
    """Silicon, magnesia and aluminium, primitive cells, 2 % too long."""
    cells = []
    for numbers, place, length in (((14, 14), 0.25, 5.469), ((12, 8), 0.5, 4.258), ((13,), 0.0, 4.04)):
        lattice = 1.02 * length / 2 * (1 - np.eye(3))
        frac = np.array([[0.0] * 3, [place] * 3])[: len(numbers)]
        cells.append(Cell(np.array(numbers), frac, lattice))
    return cells


def compute(folder: Path, python: str) -> float:
    """Run the script of a folder, unless it has run, in a process of its own; seconds by the program's log."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {
        "OMP_NUM_THREADS": "1"
    }
    if not (folder / "result.traj").exists():
        subprocess.run([python, "run.py"], cwd=folder, env=clean, check=True, stdout=subprocess.DEVNULL)
    log = (folder / "gpaw.txt").read_text()
    return float(re.findall(r"^Total:\s+([\d.]+)", log, re.MULTILINE)[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    frames = [
        frame_text(one.species, one.frac, one.lattice, {"n": place}) for place, one in enumerate(crystals())
    ]
    (options.folder / "given.extxyz").write_text("".join(frames))
    out = options.folder / "out"
    run(parse_plan(PLAN.format(folder=options.folder)), out, Work())
    inputs = sorted((out / "calculations").glob("*/gpaw"))
    seconds = [compute(one, options.python) for one in inputs]
    ingest(out, out / "calculations")
    with Ledger.existing(out) as ledger:
        kept = [row for _, row in computed(ledger)]
    lengths = [(4 * one.cell.volume) ** (1 / 3) for one in read_results(out / "calculations")[0]]
    rows: list[dict[str, Any]] = [
        {
            "formula": formula, "candidate": row["candidate"], "energy_per_atom": row["energy_per_atom"],
            "lattice_constant": length, "literature": LITERATURE[formula], "fmax": row["fmax"],
            "volume_change": row["volume_change"], "seconds": spent,
        }
        for formula, row, length, spent in zip(LITERATURE, kept, lengths, seconds, strict=True)
    ]  # fmt: skip
    version = subprocess.run(
        [options.python, "-c", "import gpaw, ase; print('GPAW', gpaw.__version__, 'ASE', ase.__version__)"],
        capture_output=True, text=True, check=True, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    ).stdout.strip()  # fmt: skip
    record = {
        "command": "python benchmarks/gpaw.py --python /usr/bin/python3 --folder FOLDER "
        "--out benchmarks/results/gpaw.json",
        "program": f"{version}, PBE, plane waves to 400 eV, 32 k-points for each Å^-3",
        "hardware": hardware("cpu"),
        "crystals": rows,
    }
    write_whole(options.out, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
