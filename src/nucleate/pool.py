"""Work in pieces for a pool of processes with one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from nucleate.errors import NucleateError

Job = TypeVar("Job")
Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
"""Called with the name of the stage, how much is done, and of how much."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    total: int,
    workers: int,
    stage: str,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Results in the order of the jobs, from processes with one thread each, or from this process."""
    done = 0
    with job_map(workers) as mapped:
        try:
            for result in mapped(function, jobs):
                done += 1
                if progress:
                    progress(stage, done, total)
                yield result
        except BrokenProcessPool:
            raise NucleateError(
                f"a worker process was killed while {stage} (after {done} of {total})",
                "it probably ran out of memory: use --workers 1",
            ) from None


@contextmanager
def job_map(workers: int) -> Iterator[Callable]:
    """A `map` that works in processes with one thread each, or in this process for one worker."""
    if workers <= 1:
        yield map
        return
    with processes(workers) as pool:
        yield partial(pool.map, chunksize=8)


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread each. Where the block ends by an error, or by Ctrl-C, so do they, at once.

    Waiting for them lasts as long as their work, and another Ctrl-C meanwhile leaves a program that never ends.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    others = set(multiprocessing.active_children())
    # fork copies locks of torch's threads in whatever state they are
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
        pool.shutdown(cancel_futures=True)
    except BaseException:
        with _no_interrupts():
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            pool.shutdown(cancel_futures=True)
        raise
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Ctrl-C does nothing in the block, where this is the thread that would hear of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
