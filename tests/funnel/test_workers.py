"""Workers that die, here and in blocks of Parsl: nothing is lost but the candidate that is to blame."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nucleate.errors import MissingPackageError, NucleateError
from nucleate.funnel.executors import WorkPlan
from nucleate.funnel.plan import Step, parse_plan
from nucleate.funnel.run import run
from nucleate.funnel.stage import Stage, Verdict
from nucleate.records.ledger import Ledger
from nucleate.records.tallies import dump, history, tallies
from tests.funnel.crystals import plan_of, rocksalt, some_crystals, write_crystals, zincblende


@dataclass(frozen=True)
class Deadly(Stage):
    """Kills its worker over lithium."""

    name = "deadly"

    def judge(self, candidates, work):
        if any(3 in one.cell.species for one in candidates):
            os.kill(os.getpid(), signal.SIGKILL)
        return [Verdict.passed() for _ in candidates]


@dataclass(frozen=True)
class Sleepy(Stage):
    """Takes its time."""

    name = "sleepy"

    seconds: float = 0.1

    @property
    def writes(self):
        return ("sleepy.volume",)

    def judge(self, candidates, work):
        time.sleep(self.seconds * len(candidates))
        return [Verdict.passed(values={"sleepy.volume": one.cell.volume}) for one in candidates]


def content(folder) -> list:
    with Ledger.existing(folder) as ledger:
        return list(dump(ledger))


def test_a_crystal_that_kills_workers_costs_only_itself(tmp_path):
    write_crystals(
        tmp_path / "given.extxyz", [rocksalt(), rocksalt(19), rocksalt(3), zincblende(), zincblende(19)]
    )
    plan = replace(plan_of(tmp_path, workers=2), steps=(Step(Deadly(), "deadly", 60.0, 2, 0.5),))
    run(plan, tmp_path / "out")
    with Ledger.existing(tmp_path / "out") as ledger:
        last = tallies(ledger)[-1]
        assert (last.passed, last.failed, last.waiting) == (4, 1, 0)
        assert history(ledger, ledger.number_of("given-0000002"))[-1].reason == "worker died"


PARSL = """
executor = "parsl"
provider = "local"
blocks = 2
workers = 1
heartbeat = 8
"""


@pytest.mark.timeout(550)
def test_blocks_of_parsl_of_which_one_is_killed(tmp_path, monkeypatch):
    """The same ledger as that of one process, although a block dies in the middle."""
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    psutil = pytest.importorskip("psutil")  # comes with Parsl
    some_crystals(tmp_path / "given.extxyz", 48)
    plan = plan_of(tmp_path, 'kind = "sanitise"\nbatch = 4', 'kind = "duplicates"')
    plan = replace(plan, steps=(*plan.steps, Step(Sleepy(), "sleepy", 60.0, 1, 0.5)))
    run(plan, tmp_path / "here")
    far = replace(plan, work=parse_plan(f'[[generate]]\nfolder = "x"\n[work]\n{PARSL}').work)
    shot = threading.Event()

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "sleepy" and done >= 3 and not shot.is_set():
            shot.set()
            blocks = blocks_of(psutil, str(tmp_path))
            assert len(blocks) == 2, blocks
            for one in next(iter(blocks.values())):
                one.kill()

    run(far, tmp_path / "far", progress=progress)
    assert shot.is_set()
    assert content(tmp_path / "far") == content(tmp_path / "here")


def blocks_of(psutil, folder: str) -> dict[str, list]:
    """Processes of every block whose logs are in a folder."""
    found: dict[str, list] = {}
    for one in psutil.process_iter(["cmdline"]):
        words = " ".join(one.info["cmdline"] or [])
        block = re.search(r"process_worker_pool.*--block_id[ =](\d+)", words)
        if block and folder in words:
            found.setdefault(block[1], []).append(one)
    return found


def test_nothing_imports_parsl_unless_it_is_asked_for(tmp_path):
    some_crystals(tmp_path / "given.extxyz", 4)
    code = (
        "import sys; from pathlib import Path; from tests.funnel.crystals import plan_of\n"
        "from nucleate.funnel.run import run; import nucleate.cli.discover\n"
        f"folder = Path({str(tmp_path)!r}); run(plan_of(folder, 'kind = \"sanitise\"'), folder / 'out')\n"
        "assert 'parsl' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_plan_says_where_it_runs():
    slurm = (
        'executor = "parsl"\nprovider = "slurm"\nblocks = 4\nnodes = 2\nworkers = 8\npartition = "short"\n'
    )
    work = parse_plan(f'[[generate]]\nfolder = "x"\n[work]\n{slurm}').work
    assert work.width == 64
    provider = work._provider()
    assert (provider.partition, provider.max_blocks, provider.nodes_per_block) == ("short", 4, 2)
    assert "OMP_NUM_THREADS=1" in provider.worker_init
    pbs = replace(work, provider="pbs", walltime="02:00:00", options="#PBS -l place=excl")._provider()
    assert (pbs.queue, pbs.walltime, pbs.scheduler_options) == ("short", "02:00:00", "#PBS -l place=excl")


@pytest.mark.parametrize(
    "lines",
    ["blocks = 2", 'provider = "slurm"', 'executor = "parsl"\nprovider = "kubernetes"', 'executor = "ray"'],
)
def test_work_that_can_not_be(lines):
    with pytest.raises(NucleateError) as caught:
        parse_plan(f'[[generate]]\nfolder = "x"\n[work]\n{lines}\n')
    assert caught.value.hint


def test_parsl_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr("nucleate.funnel.executors.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="parsl") as caught:
        WorkPlan("parsl").check()
    assert "nucleate[parsl]" in caught.value.hint
