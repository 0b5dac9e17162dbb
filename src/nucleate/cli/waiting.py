"""How threads wait for each other: briefly, then asleep.

PyTorch's threads on Linux (libgomp) spin for milliseconds by default, in the hope that the next work comes at once. On
a machine that does something else besides, one of them is then always late and the others burn its time: beside one
other program on two cores `nucleate generate -n 20` took twenty times as long as it does with a short wait.
"""

from __future__ import annotations

import os

SPINS = "1000"


def wait_briefly() -> None:
    """For this process and those it starts, if the environment does not say how to wait. To be called before PyTorch is
    imported."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
