"""Shared set-up: shapes and types of the whole package are checked while it is tested; one thread; fixed seeds.

NUCLEATE_TEST_BF16=1 takes every CPU for one with bfloat16 (emulated where it is not), 0 for one without.
A GPU is hidden from the tests, which are about the CPU; `NUCLEATE_TEST_GPU=1 pytest tests/model/test_cuda.py` shows it.
"""

from __future__ import annotations

import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
if os.environ.get("NUCLEATE_TEST_GPU") != "1":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

import tests.typechecker

# Before anything imports the package. NUCLEATE_UNCHECKED=1 switches it off to time or to debug.
if not os.environ.get("NUCLEATE_UNCHECKED"):
    tests.typechecker.install()

import pytest
import torch

from nucleate.geometry.noise import Noise
from nucleate.runs import devices
from tests.space_groups import keep_space_groups

FORCED = {"1": devices.BF16_FLAGS, "0": set()}.get(os.environ.get("NUCLEATE_TEST_BF16", ""))
if FORCED is not None:
    devices.cpu_flags = lambda: FORCED


def pytest_report_header() -> str:
    """Which branch of what depends on the hardware these tests take."""
    how = "this machine's" if FORCED is None else "forced by NUCLEATE_TEST_BF16"
    auto = {True: "bf16-mixed", False: "32-true"}[devices.native_bf16("cpu")]
    return f"precision auto: {auto} on the CPU ({how}); threads: {torch.get_num_threads()}"


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)
    keep_space_groups()
    gc.disable()  # while modules and tests are collected, nothing of which goes away
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


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture
def mask() -> torch.Tensor:
    """Three crystals of 3, 1 and 5 atoms, padded to 6."""
    return torch.arange(6) < torch.tensor([3, 1, 5])[:, None]


@pytest.fixture
def noise() -> Noise:
    """Noise for the three crystals of `mask`."""
    return Noise.of(0, torch.arange(3))
