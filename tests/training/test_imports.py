"""Training needs torch, numpy, pyarrow, safetensors, rich and typer, and lightning; nothing of the rest is imported."""

import os
import subprocess
import sys
import time
from pathlib import Path

BLOCKED = (
    "pymatgen",
    "pandas",
    "ase",
    "scipy",
    "matplotlib",
    "matminer",
    "smact",
    "spglib",
    "monty",
    "sklearn",
)

# The finders are wrapped so that the packages look absent: torch asks find_spec for some and takes no exception.
PROGRAM = f"""
import sys

class Hide:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {BLOCKED} else self.finder.find_spec(name, path, target)

    def find_distributions(self, *context):
        found = self.finder.find_distributions(*context) if hasattr(self.finder, "find_distributions") else ()
        return (one for one in found if one.metadata["Name"] not in {BLOCKED})

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Hide(finder) for finder in sys.meta_path]
import nucleate.cli.main, nucleate.cli.train, nucleate.runs.train, nucleate.sampling.loop
from pathlib import Path
from tests.training.tiny import train
told = []
data, run = map(Path, sys.argv[1:])
outcome = train(data, run, "training.batch=16", "training.match_every=1", epochs=1, tell=told.append)
assert outcome.counters.step == 3, outcome
assert (run / "model" / "weights.safetensors").exists()
assert told == ["no match rates during training: pymatgen is not installed"], told
assert not set({BLOCKED}) & set(sys.modules)
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, check=False,
        cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_training_without_the_packages_it_does_not_need(data, tmp_path):
    done = run_python("-c", PROGRAM, str(data), str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr


def test_help_is_quick():
    """Processor time, as tests may share a core; the second call is warm."""
    used = []
    for _ in range(2):
        before = os.times()
        done = run_python("-m", "nucleate.cli.main", "--help")
        after = os.times()
        assert done.returncode == 0
        used.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    assert min(used) < 2, used
    assert "train" in done.stdout


def test_help_imports_neither_torch_nor_pymatgen():
    code = "import sys, nucleate.cli.main; sys.exit(bool({'torch', 'pymatgen', 'ase', 'numpy'} & set(sys.modules)))"
    start = time.perf_counter()
    done = run_python("-c", code)
    assert done.returncode == 0, f"{done.stderr} after {time.perf_counter() - start:.1f} s"
