"""Workers of a run: jobs in, results as they come, a bounded number of jobs under way, workers that die replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack
from typing import TypeVar

from nucleate.errors import NucleateError
from nucleate.work import LocalPool, Work, processes

Job = TypeVar("Job")
Result = TypeVar("Result")
AHEAD = 2
"""Jobs under way for each worker."""
TRIES = 3
"""How often a job is given to a worker of another program's executor, such as a batch system, that loses it."""


class LostError(Exception):
    """A worker died, or was taken away, over a job."""


class Crew:
    """The workers of `work` for the time of a `with` block.

    width: how many jobs are done at once, where the executor does not say.

    A local worker that dies takes its pool with it: another pool is begun, and whatever was under way is tried again.
    """

    def __init__(self, work: Work, width: int | None = None) -> None:
        self.work, self.width = work, width or work.width
        self._stack, self._executor = ExitStack(), None

    def __enter__(self) -> Crew:
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        # an error ends the workers at once: see `nucleate.work.processes`
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def _open(self) -> None:
        pool = self.work.executor
        self._executor: Executor | None = None
        if not isinstance(pool, LocalPool):
            self._executor = pool
        elif pool.workers > 1:
            self._executor = self._stack.enter_context(processes(pool.workers))

    def _reopen(self) -> None:
        if isinstance(self.work.executor, LocalPool):
            self._stack.close()
            self._stack = ExitStack()
            self._open()

    def flow(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        after_loss: Callable[[Job, Callable[[Job], Result]], Result],
    ) -> Iterator[tuple[Job, Result]]:
        """Each job with its result, in the order in which they are done.

        Args:
            function: what is done; sent to the workers, and so are jobs and results.
            jobs: taken as workers become free.
            after_loss: what becomes of a job that a worker was lost over: it is given the job and a function that does
                a job again, alone, and raises LostError where that is lost too.

        Raises what the function raises.
        """
        if self._executor is None:
            yield from ((job, function(job)) for job in jobs)
            return
        waiting, flying, most = iter(jobs), dict[Future, Job](), AHEAD * self.width
        while True:
            while len(flying) < most and (job := next(waiting, None)) is not None:
                flying[self._submit(function, job)] = job
            if not flying:
                return
            lost = []
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                job = flying.pop(future)
                if self._is_lost(future):
                    lost.append(job)
                else:
                    yield job, future.result()
            if lost and isinstance(self.work.executor, LocalPool):
                lost += flying.values()
                flying.clear()
                self._reopen()
            for job in lost:
                yield job, after_loss(job, lambda one: self._alone(function, one))

    def _submit(self, function: Callable[[Job], Result], job: Job) -> Future:
        assert self._executor is not None
        try:
            return self._executor.submit(function, job)
        except BrokenExecutor as error:
            broken: Future = Future()
            broken.set_exception(error)
            return broken

    def _is_lost(self, future: Future) -> bool:
        """Whether a job was lost instead of done: broken pools here, whatever an executor of another program raises."""
        error = future.exception()
        if error is None or isinstance(error, NucleateError):
            return False
        return isinstance(error, BrokenExecutor) or not isinstance(self.work.executor, LocalPool)

    def _alone(self, function: Callable[[Job], Result], job: Job) -> Result:
        """A job while no other is under way in this pool. Raises LostError where that is lost too."""
        tries = 1 if isinstance(self.work.executor, LocalPool) else TRIES
        for _ in range(tries):
            future = self._submit(function, job)
            if not self._is_lost(future):
                return future.result()
            self._reopen()
        raise LostError(" ".join(str(future.exception()).split()) or type(future.exception()).__name__)
