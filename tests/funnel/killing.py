"""A program of the tests that kills runs and compares what is left, started in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def kill(program: str, folder: Path, kills: int, seed: int) -> str:
    """What `python -m PROGRAM FOLDER KILLS SEED` says; it has to end well."""
    result = subprocess.run(
        [sys.executable, "-m", program, str(folder), str(kills), str(seed)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout
