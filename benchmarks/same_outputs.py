"""Does a change of the code change what it computes? Records outputs of a source tree, and compares two such records.

    python benchmarks/same_outputs.py record /tmp/before --source ../other-checkout/src
    python benchmarks/same_outputs.py record /tmp/after
    python benchmarks/same_outputs.py compare /tmp/before /tmp/after

Predictions of two shipped models, generated crystals, both evaluations, relaxations, hulls, and ten training steps and
a draw of every recipe whose coordinates are a process, by a network known here: float32, one thread, on the CPU, so
that the same code gives the same result bit for bit on one machine, in about two minutes. `compare` prints what
differs, except what depends on the clock or an installed version (output_differences.py), and then exits with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from output_differences import checksum, differences

DROPPED = (
    "cache",
    "tensorboard",
    "*.sqlite*",
    "*.ckpt",
    "model-last",
    "*.parquet",
    "dataset.json",
    "rejected.csv",
)
"""Files of a command that are not compared, or say nothing beyond one that is."""

SHOWN = 20
FILE = """data_SrTiO3
_cell_length_a 3.905
_cell_length_b 3.905
_cell_length_c 3.905
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Sr1 Sr 0 0 0
Ti1 Ti 0.5 0.5 0.5
"""
"""Perovskite without its oxygen, to complete."""

DRIVER = """
import contextlib, json, os, sys
from nucleate.cli.main import main
for folder, words in json.load(sys.stdin):
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    sys.argv = ["nucleate", *words]
    print(os.path.basename(folder), file=sys.__stderr__, flush=True)
    with open("stdout.txt", "w") as out, contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as end:
            if end.code:
                sys.exit(f"nucleate {' '.join(words)} in {folder} failed")
"""
"""Runs commands one after another in one process, which saves importing again."""

RECIPES = """
import json
from nucleate.recipes.registry import recipes
drawn = {name: one for name, one in recipes().items() if hasattr(one, "frac") or hasattr(one, "coordinates")}
known = {name: (getattr(one, "network", ""), one.task) for name, one in drawn.items()}
print(json.dumps({name: one for name, one in known.items() if one[0] and one[1] in ("csp", "dng")}))
"""
SHRUNK = {
    "torus-transformer": ("width=32", "layers=1", "heads=2", "pair_width=8", "frequencies=4", "time_width=8"),
    "cspnet": ("width=32", "layers=1", "frequencies=8"),
}
TRAINING = (
    "training.precision=32-true", "training.batch=8", "training.warmup=4", "training.slices=1",
    "training.validate_every=5", "training.checkpoint_every=1000",
)  # fmt: skip
QUICK = ("--threads", "1", "--device", "cpu", "--steps", "10")


@dataclass
class Recording:
    """A folder being filled with the outputs of one source tree."""

    folder: Path
    source: Path
    data: Path
    recipes: str = ""
    cases: list[tuple[str, list[str]]] = field(default_factory=list)

    def python(self, program: str, given: str = "") -> str:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment = {**os.environ, **threads, "PYTHONPATH": str(self.source), "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, "-c", program], input=given, env=environment, stdout=subprocess.PIPE, text=True,
            check=True,
        )  # fmt: skip
        return done.stdout

    def add(self, case: str, *words: str | Path) -> None:
        self.cases.append((str(self.folder / case), [str(word) for word in words]))

    def run(self) -> None:
        self.python(DRIVER, json.dumps(self.cases))

    def data_sets(self) -> None:
        """Small parts of the data sets, for the other cases to use."""
        for name, count in (("perov_5", 80), ("mp_20", 120)):
            words = ("--out", name, "-n", str(count), "--each")
            self.add("data", "data", "sample", self.data / name, *words)

    def drawing(self) -> None:
        file = self.folder / "given.cif"
        file.write_text(FILE)
        asked = ("--seed", "1", *QUICK, "--out", "out")
        self.add("predict-mp20", "predict", "SrTiO3", "NaCl", "LiFePO4", "-n", "3", *asked, "--json")
        self.add("predict-perov5", "predict", "SrTiO3", "-n", "4", "--model", "kldm-perov5-csp", *asked)
        self.add(
            "predict-trajectory", "predict", "MgO", "-n", "2", "--trajectory", "--format", "json", *asked
        )
        like = ("--like", "../data/perov_5", "--limit", "8", "--model", "kldm-perov5-csp", "-n", "2")
        self.add("predict-like", "predict", *like, *asked)
        self.add("generate-any", "generate", "-n", "6", *asked)
        self.add("generate-atoms", "generate", "-n", "4", "--atoms", "4-6", *asked, "--format", "cif,poscar")
        self.add("generate-species", "generate", "-n", "3", "--species-fixed", "NaCl", *asked)
        self.add("generate-complete", "generate", "-n", "3", "--complete", file, "--atoms", "5", *asked)

    def judging(self) -> None:
        files = ("--json", "report.json", "--table", "table.csv")
        true = ("--reference", "../data/perov_5", "--workers", "2")
        self.add("evaluate-csp", "evaluate", "csp", "../predict-like/out", *true, *files)
        common = ("--limit", "5", "--no-coverage", "--full", "--cache", "cache", "--workers", "1", *files)
        for protocol in ("classic", "mattergen"):
            self.add(
                f"evaluate-dng-{protocol}", "evaluate", "dng", "../generate-any/out", "--reference",
                "../data/mp_20", "--relax", "none", "--protocol", protocol, *common,
            )  # fmt: skip

    def energies(self) -> None:
        files = (
            "--workers",
            "1",
            "--limit",
            "3",
            "--no-coverage",
            "--cache",
            "cache",
            "--json",
            "report.json",
        )
        for hull in ("chgnet", "dft"):
            self.add(
                f"evaluate-hull-{hull}", "evaluate", "dng", "../data/mp_20", "--sample-split", "val", "--hull",
                hull, "--reference", "../data/mp_20", *files, "--table", "table.csv",
            )  # fmt: skip
        asked = ("--steps", "5", "--workers", "1", "--out", "out")
        self.add("relax", "relax", "../generate-atoms/out/generated.extxyz", *asked)
        self.add("relax-symmetry", "relax", "../given.cif", "--keep-symmetry", *asked)

    def training(self) -> None:
        """Trains each recipe, and draws crystals from the result by its own sampler."""
        recipes: dict[str, tuple[str, str]] = json.loads(self.python(RECIPES))
        draw = {
            "csp": ("predict", "--like", "../data/perov_5", "--limit", "4"),
            "dng": ("generate", "-n", "2", "--atoms", "5"),
        }
        for name, (network, task) in recipes.items():
            if network not in SHRUNK or not re.search(self.recipes, name):
                continue
            shrunk = (f"{network.replace('-', '_')}.{setting}" for setting in SHRUNK[network])
            sets = [word for setting in (*shrunk, *TRAINING) for word in ("--set", setting)]
            where = ("--data", "../data/perov_5", "--out", "run", "--epochs", "1", "--accelerator", "cpu")
            self.add(f"train-{name}", "train", name, *where, *sets)
            model = ("--model", f"../train-{name}/run/model", "--out", "out")
            self.add(f"draw-{name}", *draw[task], *model, *QUICK)


def record(asked: argparse.Namespace) -> None:
    if asked.out.exists():
        sys.exit(f"{asked.out} is there already; name a new folder")
    asked.out.mkdir(parents=True)
    new = Recording(asked.out.resolve(), asked.source.resolve(), asked.data.resolve(), asked.recipes)
    for add in (new.data_sets, new.drawing, new.judging, new.energies, new.training):
        add()
    new.run()
    for pattern in DROPPED:
        for path in list(new.folder.glob(f"*/{pattern}")) + list(new.folder.glob(f"*/*/{pattern}")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in new.folder.rglob("*.safetensors"):
        path.with_name("weights.sha256").write_text(checksum(path) + "\n")
        path.unlink()


def compare(asked: argparse.Namespace) -> None:
    for folder in (asked.before, asked.after):
        if not folder.is_dir():
            sys.exit(f"there is no folder {folder}; make it with: same_outputs.py record {folder}")
    found = list(differences(asked.before, asked.after))
    for line in found[:SHOWN]:
        print(line)
    files = sum(path.is_file() for path in asked.before.rglob("*"))
    print(f"{len(found)} of {files} files differ" if found else f"all {files} files are the same")
    sys.exit(bool(found))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    recording = commands.add_parser("record", help="record the outputs of a source tree into a new folder")
    recording.add_argument("out", type=Path)
    recording.add_argument("--source", type=Path, default=Path(__file__).parents[1] / "src")
    recording.add_argument("--data", type=Path, default=Path("data"), help="folder of the data sets")
    recording.add_argument(
        "--recipes", default="", help="train only those whose names this pattern finds; all by default"
    )
    recording.set_defaults(run=record)
    comparing = commands.add_parser("compare", help="compare two recorded folders")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.set_defaults(run=compare)
    asked = parser.parse_args()
    asked.run(asked)


if __name__ == "__main__":
    main()
