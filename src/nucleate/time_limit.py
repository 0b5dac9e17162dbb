"""A time limit for a block of code, in any thread: the block ends in TimeoutError.

The main thread of a POSIX system gets a timer signal, which also ends a wait. Any other thread is watched by a second
one, which raises the error in it by CPython's `PyThreadState_SetAsyncExc`. Both act between two instructions of
Python: one long call into compiled code is over before the error is raised.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from nucleate.errors import NucleateError

Result = TypeVar("Result")
SOON = 1e-6
"""Seconds; a timer set to 0 would be switched off."""


def attempt(
    work: Callable[[], Result], timeout: float | None, failures: tuple[type[Exception], ...]
) -> tuple[Result | None, str]:
    """(result, "") or (None, "timed_out" or "failed"), for the failures that the caller expects."""
    try:
        with time_limit(timeout):
            return work(), ""
    except TimeoutError:
        return None, "timed_out"
    except failures:
        return None, "failed"


def time_limit(seconds: float | None) -> AbstractContextManager[None]:
    """Raise TimeoutError in the block after this many seconds; None sets no limit.

    Raises NucleateError if no limit can be kept: outside the main thread, unless Python is CPython.
    """
    if not seconds:
        return nullcontext()
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _signalled(seconds)
    if sys.implementation.name != "cpython":
        raise NucleateError(
            f"a limit of {seconds:g} s can't be kept in a thread of {sys.implementation.name}",
            "do the work in the main thread or in processes, or without a time limit",
        )
    return _watched(seconds)


@contextmanager
def _signalled(seconds: float) -> Iterator[None]:
    """The limit as a system timer. Limits may be nested: the earlier end comes first, and both are kept.

    A block that catches the error still ends in it.
    """

    def stop(signum, frame):
        raise TimeoutError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    start = time.monotonic()
    outer, _ = signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, outer or seconds))
    try:
        yield
    finally:
        left = max(SOON, outer - (time.monotonic() - start)) if outer else 0.0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)
    if time.monotonic() - start > seconds:
        raise TimeoutError(f"more than {seconds:g} s")


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """The limit kept by a second thread, as `_signalled` keeps it."""
    watched, lock, state = threading.current_thread(), threading.Lock(), {"over": False, "late": False}

    def stop() -> None:
        with lock:
            # A thread that has ended may have left its number to another one.
            if not state["over"] and watched.is_alive():
                state["late"] = True
                _raise_in(watched, TimeoutError)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    try:
        timer.start()
        yield
    finally:
        # First of all, since the error of a limit around this one may interrupt the rest, and the start above.
        state["over"] = True
        timer.cancel()
        with lock:
            late = state["late"]
        if late:
            # one that was not raised yet would be so after the block
            _raise_in(watched, None)
    if late:
        raise TimeoutError(f"more than {seconds:g} s")


def _raise_in(thread: threading.Thread, error: type[BaseException] | None) -> None:
    """Raise an error in a thread before its next instruction of Python; None takes one back."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), None if error is None else ctypes.py_object(error)
    )
