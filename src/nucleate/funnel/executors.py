"""Where a plan runs: processes of this machine, or the blocks of a batch system by way of Parsl.

[work] of a plan names one of them. Parsl (Babuji et al., HPDC 2019) asks Slurm, PBS or Kubernetes for blocks of nodes
and gives work to the workers in them; a block that ends is replaced, and what it was doing is done again. The program
itself, which alone writes the ledger, runs on a login node or in a job of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from nucleate.errors import MissingPackageError, RecipeError
from nucleate.settings import MOST_WORKERS, within
from nucleate.work import THREAD_VARIABLES, Progress, Work

LOGS = "parsl"
MOST_BLOCKS = 10_000


@dataclass(frozen=True)
class WorkPlan:
    """[work] of a plan.

    Attributes:
        executor: "local" for processes of this machine, "parsl" for a batch system.
        workers: processes of this machine, or on each node.
        provider: of Parsl: local, slurm, pbs or kubernetes.
        blocks: jobs of the batch system that run at once.
        nodes: of each block.
        walltime: of a block, HH:MM:SS.
        partition: or queue.
        account: to which it is charged.
        options: lines for the head of the job script, such as "#SBATCH --mem=8G".
        setup: commands before the workers start, such as "module load python".
        image: of the containers of Kubernetes.
        address: of this machine as workers see it; found by itself where it is left out.
        accelerators: GPUs of a node, one for each worker.
        retries: how often work of a lost block is given away again.
        heartbeat: seconds of silence after which a block counts as lost.
    """

    executor: Literal["local", "parsl"] = "local"
    workers: int = 2
    provider: Literal["local", "slurm", "pbs", "kubernetes"] = "local"
    blocks: int = 1
    nodes: int = 1
    walltime: str = "01:00:00"
    partition: str = ""
    account: str = ""
    options: str = ""
    setup: str = ""
    image: str = ""
    address: str = ""
    accelerators: int = 0
    retries: int = 2
    heartbeat: int = 120

    def __post_init__(self) -> None:
        within(self, 1, MOST_WORKERS, "workers", "work.")
        within(self, 1, MOST_BLOCKS, "blocks nodes", "work.")
        within(self, 0, 1000, "accelerators retries", "work.")
        within(self, 2, 86400, "heartbeat", "work.")
        if self.executor == "local" and (self.provider != "local" or self.blocks > 1 or self.nodes > 1):
            raise RecipeError(
                "work.provider, blocks and nodes mean nothing to the executor local",
                'write executor = "parsl", or leave them out',
            )
        if self.provider == "kubernetes" and not self.image:
            raise RecipeError(
                "Kubernetes needs an image with nucleate", 'write work.image = "registry/image"'
            )

    @property
    def width(self) -> int:
        """How many batches are judged at once."""
        return self.workers if self.executor == "local" else self.workers * self.blocks * self.nodes

    def check(self) -> None:
        """Raise MissingPackageError where Parsl is asked for and not installed."""
        if self.executor == "parsl" and find_spec("parsl") is None:
            raise MissingPackageError(
                "the executor parsl needs the package parsl, which is not installed",
                "pip install 'nucleate[parsl]', or write executor = \"local\"",
            )

    @contextmanager
    def opened(self, folder: Path, progress: Progress | None = None) -> Iterator[Work]:
        """As the rest of the program knows it, for the time of the block; folder: for logs of Parsl."""
        self.check()
        if self.executor == "local":
            yield Work.local(self.workers, progress)
            return
        from parsl.concurrent import ParslPoolExecutor  # pyright: ignore[reportMissingImports]

        with ParslPoolExecutor(config=self._config(folder)) as pool:
            yield Work(pool, progress)

    def _config(self, folder: Path) -> Any:
        from parsl.config import Config  # pyright: ignore[reportMissingImports]
        from parsl.executors import HighThroughputExecutor  # pyright: ignore[reportMissingImports]

        workers = HighThroughputExecutor(
            label="nucleate",
            max_workers_per_node=self.workers,
            provider=self._provider(),
            address=self.address or ("127.0.0.1" if self.provider == "local" else None),
            available_accelerators=self.accelerators or (),
            interchange_launch_cmd=[sys.executable, "-m", "parsl.executors.high_throughput.interchange"],
            heartbeat_threshold=self.heartbeat,
            heartbeat_period=max(1, self.heartbeat // 4),
        )
        run_dir = str(folder.absolute() / LOGS)
        return Config(executors=[workers], run_dir=run_dir, retries=self.retries, initialize_logging=False)

    def _provider(self) -> Any:
        from parsl import providers  # pyright: ignore[reportMissingImports]

        size = {"init_blocks": self.blocks, "min_blocks": self.blocks, "max_blocks": self.blocks,
                "nodes_per_block": self.nodes, "worker_init": self._setup()}  # fmt: skip
        if self.provider == "local":
            return providers.LocalProvider(**size)
        if self.provider == "kubernetes":
            return providers.KubernetesProvider(
                image=self.image,
                max_cpu=self.workers,
                init_cpu=self.workers,
                init_mem="4Gi",
                max_mem="8Gi",
                **size,
            )
        size |= {
            "walltime": self.walltime,
            "scheduler_options": self.options,
            "account": self.account or None,
        }
        if self.provider == "slurm":
            gpus = {"gpus_per_node": self.accelerators} if self.accelerators else {}
            return providers.SlurmProvider(
                partition=self.partition or None, **gpus, **size, launcher=self._launcher()
            )
        return providers.PBSProProvider(
            queue=self.partition or None, cpus_per_node=self.workers, **size, launcher=self._launcher()
        )

    def _launcher(self) -> Any:
        """What starts the workers on every node of a block."""
        from parsl import launchers  # pyright: ignore[reportMissingImports]

        if self.provider == "slurm":
            return launchers.SrunLauncher() if self.nodes > 1 else launchers.SingleNodeLauncher()
        return launchers.MpiExecLauncher() if self.nodes > 1 else launchers.SingleNodeLauncher()

    def _setup(self) -> str:
        """Commands before the workers start: one thread each, the same Python."""
        threads = [f"export {name}=1" for name in THREAD_VARIABLES]
        path = [] if self.provider == "kubernetes" else [f'export PATH="{Path(sys.executable).parent}:$PATH"']
        return "\n".join([*path, *threads, *([self.setup] if self.setup else [])])
