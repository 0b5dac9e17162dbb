"""Threads wait briefly, unless the environment says how they wait; before PyTorch is there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAID = (
    "import os, sys; from nucleate.cli import main; sys.argv = ['nucleate', '--version']\n"
    "try:\n    main.main()\nexcept SystemExit:\n    pass\n"
    "print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules)"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_threads_wait_briefly_unless_the_environment_says_more(before: dict[str, str], after: str) -> None:
    bare = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", SAID], env={**bare, **before}, capture_output=True, text=True
    )
    assert done.stdout.split()[-2:] == [after, "False"], done.stderr
