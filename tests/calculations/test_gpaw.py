"""A real calculation: silicon by GPAW, in a process of its own, from inputs to a result. Needs a Python with GPAW."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nucleate.calculations.inputs import write_inputs
from nucleate.calculations.request import Request, Settings
from nucleate.calculations.results import read_results
from nucleate.cell import Cell

PYTHON = "/usr/bin/python3"
CLEAN = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
SILICON = Cell(np.array([14, 14]), np.array([[0.0] * 3, [0.25] * 3]), 5.469 / 2 * (1 - np.eye(3)))


@cache
def has_gpaw() -> bool:
    try:
        found = subprocess.run([PYTHON, "-c", "import gpaw"], env=CLEAN, capture_output=True, check=False)
    except OSError:
        return False
    return found.returncode == 0


@pytest.mark.slow
def test_silicon_by_gpaw(tmp_path: Path) -> None:
    """Without forces, by symmetry; the log says the same energy as the trajectory."""
    if not has_gpaw():
        pytest.skip("no GPAW")
    settings = Settings(relax=False, cutoff=400, k_density=32)
    (folder,) = write_inputs(Request("si", SILICON), tmp_path, ["gpaw"], settings)
    subprocess.run([PYTHON, "run.py"], cwd=folder, env=CLEAN, check=True, capture_output=True)
    ((found,), problems) = read_results(tmp_path)
    assert not problems
    assert (found.candidate, found.code) == ("si", "gpaw")
    assert found.energy_per_atom == pytest.approx(-5.38, abs=0.03)
    assert found.fmax == pytest.approx(0, abs=1e-3)
    (folder / "result.traj").unlink()
    ((log,), _) = read_results(folder)
    assert log.energy == pytest.approx(found.energy, abs=1e-3)
