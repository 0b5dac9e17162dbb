"""Shared set-up: shapes and types of the whole package are checked while it is tested; one thread; fixed seeds."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401 - the hook names it, and it must be loaded by then

# Before anything imports the package. NUCLEATE_UNCHECKED=1 switches it off to time or to debug.
if not os.environ.get("NUCLEATE_UNCHECKED"):
    install_import_hook("nucleate", "tests.typechecker.typechecked")

import pytest
import torch

from nucleate.geometry.noise import Noise


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)
    for line in (
        "error",
        # Third parties that we can't mend: their own deprecations, and forks of a process that holds threads.
        "ignore::DeprecationWarning",
        "ignore::PendingDeprecationWarning",
        "ignore::FutureWarning",
        "ignore::ResourceWarning",
        "ignore::ImportWarning",
        "ignore::UserWarning:(pymatgen|ase|smact|matminer|lightning|lightning_fabric|torch|tensorboard).*",
    ):
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture
def mask() -> torch.Tensor:
    """Three crystals of 3, 1 and 5 atoms, padded to 6."""
    return torch.arange(6) < torch.tensor([3, 1, 5])[:, None]


@pytest.fixture
def noise() -> Noise:
    """Noise for the three crystals of `mask`."""
    return Noise.of(0, torch.arange(3))
