"""New materials against NFE: what each shipped model invents at a cost, one small resumable job for each point.

    python benchmarks/invention_curve.py --data data/mp_20 --out runs/invention-curve -n 500

Draws of one seed with each model's own sampler at `--nfe`, judged by `nucleate evaluate dng` under the classic protocol
without relaxation or coverage. Seconds are of a processor, drawing alone.
Writes benchmarks/results/invention-curve.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from nucleate.files import write_whole

RECORD = Path(__file__).parent / "results" / "invention-curve.json"
MODELS = ("kldm-mp20-dng-large", "kldm-mp20-dng", "wyckoff-mp20")
KEPT = {
    "valid composition": ("validity", "composition"),
    "valid geometry": ("validity", "structure_classic"),
    "P1": ("symmetry", "p1"),
    "elements W1": ("distributions", "n_elements_w1"),
    "density W1": ("distributions", "density_w1"),
    "unique and novel": ("joint", "unique_novel"),
}


def nucleate(*words: str) -> float:
    """Runs the command line; the processor seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "nucleate.cli.main", *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(asked: argparse.Namespace, model: str, nfe: int) -> dict[str, Any]:
    """One point: draw, judge, read the numbers."""
    folder = asked.out / f"{model}-{nfe}"
    report, cost = folder / "evaluation.json", folder / "seconds.json"
    if not report.exists():
        shutil.rmtree(folder, ignore_errors=True)
        seconds = nucleate(
            "generate", "-n", str(asked.n), "--seed", str(asked.seed), "--model", model, "--nfe", str(nfe),
            "--threads", "1", "--out", str(folder),
        )  # fmt: skip
        write_whole(cost, json.dumps(round(seconds, 1)))
        nucleate(
            "evaluate", "dng", str(folder), "--reference", str(asked.data), "--relax", "none", "--protocol",
            "classic", "--workers", "1", "--no-coverage", "--json", str(report),
        )  # fmt: skip
    found = json.loads(report.read_text())["families"]
    numbers = {name: _plain(found[family]["measures"][key]) for name, (family, key) in KEPT.items()}
    return {"nfe": nfe, "seconds": json.loads(cost.read_text()), **numbers}


def _plain(measure: dict[str, Any]) -> dict[str, Any]:
    return {key: measure[key] for key in ("value", "low", "high", "n", "share")}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/invention-curve"))
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nfe", type=int, nargs="+", default=[4, 8, 16, 32, 50])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    asked = parser.parse_args()
    points = {model: [measure(asked, model, nfe) for nfe in asked.nfe] for model in asked.models}
    record = {
        "benchmark": "invention-curve", "data": asked.data.name, "crystals": asked.n, "seed": asked.seed,
        "models": points, "command": shlex.join(["python", "benchmarks/invention_curve.py", *sys.argv[1:]]),
    }  # fmt: skip
    write_whole(RECORD, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
