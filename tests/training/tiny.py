"""A tiny data set, a tiny recipe, and ways to train it in this process or in another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.dataset import sha256
from nucleate.data.table import CrystalTable, write_table
from nucleate.recipes.registry import get_recipe
from nucleate.runs.devices import Hardware
from nucleate.runs.train import Outcome, train_recipe
from nucleate.training.log import read_metrics

SHRINK = (
    "torus_transformer.width=32", "torus_transformer.layers=1", "torus_transformer.heads=2",
    "torus_transformer.pair_width=8", "torus_transformer.frequencies=4", "torus_transformer.time_width=8",
    "training.batch=8", "training.warmup=4", "training.validate_every=10", "training.checkpoint_every=5",
)  # fmt: skip


def random_table(sizes: list[int], seed: int = 0) -> CrystalTable:
    rng = np.random.default_rng(seed)
    atoms = sum(sizes)
    lattice = 4 * np.eye(3) + rng.normal(size=(len(sizes), 3, 3)) * 0.3
    return CrystalTable(
        [f"crystal-{seed}-{i}" for i in range(len(sizes))],
        rng.choice([3, 8, 26], atoms),
        np.concatenate([[0], np.cumsum(sizes)]),
        rng.random((atoms, 3)),
        lattice,
    )


def mixed_sizes(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(1, 7, count).tolist()


def write_dataset(folder: Path, **splits: CrystalTable) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in splits.items():
        write_table(table, folder / f"{name}.parquet")
    checksums = {f"{name}.parquet": sha256(folder / f"{name}.parquet") for name in splits}
    (folder / "dataset.json").write_text(json.dumps({"format": 1, "checksums": checksums}))
    return folder


def train(data: Path, run: Path, *assignments: str, **options: Any) -> Outcome:
    recipe = get_recipe("kldm-csp-tiny", [*SHRINK, *assignments])
    return train_recipe(recipe, data, run, hardware=Hardware(accelerator="cpu"), visible=False, **options)


def losses(run: Path) -> list[dict[str, Any]]:
    """All rows of metrics.jsonl without what the clock decides."""
    rows = read_metrics(run / "metrics.jsonl")
    return [{k: v for k, v in row.items() if "second" not in k} for row in rows]


def start(work: Callable[[], Any]) -> int:
    """Run `work` in a process of its own, which is forked to spare the imports; its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def send_when(child: int, number: int, ready: Callable[[], bool]) -> int:
    """Send a signal to the child once `ready`, or when it is over by itself; its exit code, or minus the signal."""
    until = time.monotonic() + 200
    while not ready() and time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at_row(
    data: Path, run: Path, row: int, *assignments: str, number: int = signal.SIGKILL, **options: Any
) -> int:
    """Train in a child and send it a signal once its metrics hold so many rows and it has a checkpoint."""
    metrics = run / "metrics.jsonl"

    def ready() -> bool:
        return (
            (run / "last.ckpt").exists()
            and metrics.exists()
            and len(metrics.read_bytes().splitlines()) >= row
        )

    return send_when(start(lambda: train(data, run, *assignments, **options)), number, ready)


def command(data: Path, run: Path, *arguments: str) -> list[str]:
    """The installed command line, for the same training."""
    sets = [word for setting in SHRINK for word in ("--set", setting)]
    program = Path(sys.executable).with_name("nucleate")
    words = [
        "train",
        "kldm-csp-tiny",
        "--data",
        str(data),
        "--out",
        str(run),
        "--accelerator",
        "cpu",
        "--threads",
        "1",
    ]
    return [str(program), *words, *sets, *forced(), *arguments]


def forced() -> list[str]:
    """The precision that tests/conftest.py forces on this process, which a program of its own knows nothing of."""
    precision = {"1": "bf16-mixed", "0": "32-true"}.get(os.environ.get("NUCLEATE_TEST_BF16", ""))
    return ["--set", f"training.precision={precision}"] if precision else []


def call(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "300"}
    return subprocess.run(
        arguments, capture_output=True, text=True, timeout=300, env=environment, check=False
    )
