"""SIGKILL at any moment loses at most the batch under way: the ledger in the end is that of an undisturbed run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def kill(folder: Path, kills: int, seed: int) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "tests.funnel.killed", str(folder), str(kills), str(seed)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def test_killed_runs_end_as_undisturbed_ones(tmp_path):
    assert kill(tmp_path, 6, 0).startswith("6 kills")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_hundred_kills(tmp_path):
    told = kill(tmp_path, 100, 1)
    assert told.startswith("100 kills")
