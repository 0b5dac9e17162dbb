"""Long work as one value: where it runs, who is told of progress, where results are kept, the time limit.

    Work()                                      in this process, one piece after the other
    Work.local(4, progress, Path("cache"))      in four processes of this machine
    Work(ThreadPoolExecutor(4))                 in any executor of `concurrent.futures`, Parsl's or Dask's too

Results do not depend on any of these.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from nucleate.errors import NucleateError
from nucleate.settings import MOST_SECONDS, MOST_WORKERS, within

Job = TypeVar("Job")
Result = TypeVar("Result")
Settings = TypeVar("Settings")
Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, the pieces done, and their total."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
CHUNK = 8
"""Jobs sent to a local process at once."""
FOREIGN_WIDTH = 16
"""Jobs assumed to run at once in an executor, which does not say how many workers it has."""


@dataclass(frozen=True)
class LocalPool:
    """Processes on this machine with one thread each, started for one stage.

    Attributes:
        workers: number of processes; 1 works in the calling process.
    """

    workers: int = 1

    def __post_init__(self) -> None:
        within(self, 1, MOST_WORKERS, "workers", error=NucleateError)


@dataclass(frozen=True)
class Work:
    """How long work is done.

    Attributes:
        executor: a LocalPool, or an executor that the caller makes and shuts down.
        progress: called as the work goes on.
        cache: where finished results are kept, so that stopped work can resume: a file, or the folder of an
            evaluation, which keeps several; None keeps nothing.
        time_limit: seconds for one piece (a pair of structures, a relaxation); overrides its settings.
    """

    executor: LocalPool | Executor = LocalPool()
    progress: Progress | None = None
    cache: Path | None = None
    time_limit: float | None = None

    def __post_init__(self) -> None:
        within(self, 0, MOST_SECONDS, "time_limit", error=NucleateError)

    @classmethod
    def local(
        cls,
        workers: int = 1,
        progress: Progress | None = None,
        cache: Path | None = None,
        time_limit: float | None = None,
    ) -> Work:
        """Work in this many processes on this machine."""
        return cls(LocalPool(workers), progress, cache, time_limit)

    @property
    def width(self) -> int:
        """How many jobs are done at once."""
        return self.executor.workers if isinstance(self.executor, LocalPool) else FOREIGN_WIDTH

    @property
    def alone(self) -> Work:
        """The same in this process, without progress: for pieces too small to distribute."""
        return replace(self, executor=LocalPool(), progress=None)

    def kept_in(self, cache: Path | None) -> Work:
        """The same with another place for results."""
        return replace(self, cache=cache)

    def seconds(self, usual: float | None) -> float | None:
        """The time limit of a piece; `usual` is that of its settings."""
        return usual if self.time_limit is None else self.time_limit

    def limiting(self, settings: Settings) -> Settings:
        """The settings with `timeout` replaced by the limit of this work, if it has one."""
        if self.time_limit is None:
            return settings
        changed: Any = settings
        return replace(changed, timeout=self.time_limit)

    def tell(self, stage: str, done: int, total: int) -> None:
        """Report the progress of a stage."""
        if self.progress is not None:
            self.progress(stage, done, total)

    def run(
        self, stage: str, function: Callable[[Job], Result], jobs: Iterable[Job], total: int, done: int = 0
    ) -> Iterator[Result]:
        """Results in the order of the jobs.

        Args:
            stage: what is going on, for those who are told.
            function, jobs: both are sent to other processes, and so are picklable.
            total, done: of how many pieces of work, and how many of them are done before.

        Raises NucleateError where a worker was killed.
        """
        with self.mapped() as each:
            try:
                for result in each(function, jobs):
                    done += 1
                    self.tell(stage, done, total)
                    yield result
            except BrokenExecutor:
                raise NucleateError(
                    f"a worker process was killed while {stage} (after {done} of {total})",
                    "it probably ran out of memory: use --workers 1",
                ) from None

    @contextmanager
    def mapped(self) -> Iterator[Callable]:
        """A `map` that works in the executor."""
        with self.pool() as pool:
            if pool is None:
                yield map
            elif isinstance(self.executor, LocalPool):
                yield partial(pool.map, chunksize=CHUNK)
            else:
                yield pool.map

    @contextmanager
    def pool(self) -> Iterator[Executor | None]:
        """The executor for the time of the block, None for this process; a local one ends with the block."""
        if not isinstance(self.executor, LocalPool):
            yield self.executor
        elif self.executor.workers == 1:
            yield None
        else:
            with processes(self.executor.workers) as pool:
                yield pool


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread each. If the block ends by an error or by Ctrl-C, they end at once.

    Waiting for them would last as long as their work, and a second Ctrl-C would leave a program that never ends.
    """
    others = set(multiprocessing.active_children())
    # fork copies locks of torch's threads in whatever state they are
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin_worker)
    try:
        yield pool
        pool.shutdown(cancel_futures=True)
    except BaseException:
        with _no_interrupts():
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            pool.shutdown(cancel_futures=True)
        raise


def _begin_worker() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _take_one_thread()


def _end_with_parent() -> None:
    """End this process when its parent is gone: a worker waiting for work would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _take_one_thread() -> None:
    """Limit a worker process to one thread: libraries loaded later read the limit from its own environment.

    The main module is imported in a worker before this; libraries already loaded are told directly.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "numpy" in sys.modules:
        try:
            from threadpoolctl import threadpool_limits
        except ImportError:
            return
        threadpool_limits(1)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C in the block, if this is the thread that receives it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
