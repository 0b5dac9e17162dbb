"""A limit holds in the main thread and in any other, within another limit too, and leaves nothing behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nucleate.errors import NucleateError
from nucleate.time_limit import attempt, time_limit


def here(work: Callable[[], Any]) -> Any:
    return work()


def elsewhere(work: Callable[[], Any]) -> Any:
    """What `work` gives in a thread of its own, or the error that it ends in."""
    found: list[Any] = []

    def keep() -> None:
        try:
            found.append((work(), None))
        except BaseException as error:
            found.append((None, error))

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    thread.join(30)
    assert found, "the limit did not hold"
    result, error = found[0]
    if error is not None:
        raise error
    return result


anywhere = pytest.mark.parametrize("call", [here, elsewhere])


def forever() -> None:
    while True:
        pass


def busy(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "done"


@anywhere
def test_it_stops_a_loop(call):
    assert call(lambda: attempt(forever, 0.05, ())) == (None, "timed_out")
    assert call(lambda: attempt(lambda: busy(0.01), 20, ())) == ("done", "")
    assert call(lambda: attempt(lambda: busy(0.01), None, ())) == ("done", "")


@anywhere
def test_the_earlier_of_two_limits_counts(call):
    """An inner block that counts its failure does not outlive the limit around it."""

    def both() -> None:
        with time_limit(0.2):
            for seconds in (0.05, 0.05, 30):
                attempt(forever if seconds < 1 else lambda: busy(5), seconds, ())

    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"more than 0\.2 s"):
        call(both)
    assert 0.15 < time.monotonic() - start < 3


@anywhere
def test_no_error_comes_after_the_block(call):
    """Limits of about the time that the block takes: the error comes in the block or not at all."""

    def often() -> int:
        late = 0
        for _ in range(300):
            try:
                with time_limit(0.001):
                    busy(0.0009)
            except TimeoutError:
                late += 1
        busy(0.05)
        return late

    assert 0 <= call(often) <= 300


def test_an_error_while_a_limit_begins_leaves_no_timer_behind(monkeypatch):
    """As the error of a limit around it does, if it comes just then."""

    class Interrupted(threading.Timer):
        def start(self) -> None:
            super().start()
            raise TimeoutError("the limit around it")

    def work() -> str:
        with pytest.raises(TimeoutError, match="around"), time_limit(0.1):
            pass
        return busy(0.3)

    monkeypatch.setattr(threading, "Timer", Interrupted)
    assert elsewhere(work) == "done"


def test_a_thread_with_the_number_of_an_ended_one_is_left_alone():
    left, found = [], []

    def begin() -> None:
        left.append(time_limit(0.2))
        left[0].__enter__()

    first = threading.Thread(target=begin)
    first.start()
    first.join()
    second = threading.Thread(target=lambda: found.append(busy(0.5)))
    second.start()
    second.join()
    if second.ident != first.ident:
        pytest.skip("numbers of threads are not used again here")
    assert found == ["done"]


def test_the_handler_and_an_outer_timer_are_restored():
    before, left = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0]
    with pytest.raises(TimeoutError), time_limit(0.05):
        forever()
    assert signal.getsignal(signal.SIGALRM) is before
    with time_limit(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(left, abs=2)


def test_a_thread_that_can_not_be_stopped_is_refused(monkeypatch):
    monkeypatch.setattr("sys.implementation.name", "pypy")
    with pytest.raises(NucleateError, match=r"a limit of 3 s can't be kept in a thread of pypy") as caught:
        elsewhere(lambda: attempt(lambda: 1, 3, ()))
    assert caught.value.hint
    assert here(lambda: attempt(lambda: 1, 3, ())) == (1, "")


def test_limits_hold_in_many_threads_at_once():
    verdicts: list[str] = []
    works = [forever, lambda: busy(0.01)] * 4
    threads = [threading.Thread(target=lambda w=w: verdicts.append(attempt(w, 0.5, ())[1])) for w in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(verdicts) == [""] * 4 + ["timed_out"] * 4
