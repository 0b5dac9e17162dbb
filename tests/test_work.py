"""The same results wherever work is done; executors are the caller's, and so is the caller's environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import pytest

from nucleate.errors import NucleateError
from nucleate.work import FOREIGN_WIDTH, THREAD_VARIABLES, LocalPool, Work


def square(number: int) -> int:
    return number * number


def threads(_: int) -> list[str | int | None]:
    import torch

    return [*(os.environ.get(name) for name in THREAD_VARIABLES), torch.get_num_threads()]


def die(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


@dataclass(frozen=True)
class Timed:
    timeout: float = 60.0


def test_results_come_in_order_and_are_reported_with_any_executor():
    jobs = list(range(20))
    with ThreadPoolExecutor(3) as pool:
        for executor in (LocalPool(), LocalPool(2), pool):
            told: list[tuple[str, int, int]] = []
            work = Work(executor, lambda *call, told=told: told.append(call))
            assert list(work.run("squaring", square, iter(jobs), 25, 5)) == [n * n for n in jobs]
            assert told == [("squaring", n, 25) for n in range(6, 26)]


def test_an_executor_of_the_caller_is_not_shut_down():
    with ThreadPoolExecutor(2) as pool:
        work = Work(pool)
        assert list(work.run("a", square, [2], 1)) == [4]
        with pytest.raises(ZeroDivisionError):
            list(work.run("b", lambda n: 1 // n, [1, 0], 2))
        assert pool.submit(square, 3).result() == 9
    assert work.width == FOREIGN_WIDTH
    assert Work.local(5).width == 5


def test_workers_have_one_thread_and_the_caller_keeps_its_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before, seen = dict(os.environ), []
    for found in Work.local(2).run("asking", threads, range(3), 3):
        seen.append(found)
        assert dict(os.environ) == before
    assert seen == [["1", "1", "1", 1]] * 3


MAIN = """
import torch, numpy
from threadpoolctl import threadpool_info
from nucleate.work import Work
def threads(_):
    return [torch.get_num_threads(), *(one["num_threads"] for one in threadpool_info())]
if __name__ == "__main__":
    for found in Work.local(2).run("asking", threads, range(2), 2):
        print(sorted(set(found)))
"""


def test_libraries_of_the_main_module_have_one_thread_in_workers(tmp_path: Path):
    pytest.importorskip("threadpoolctl")
    program = tmp_path / "main.py"
    program.write_text(MAIN)
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "2")}
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[1]", "[1]"]


def test_a_killed_worker_is_an_error_of_one_sentence():
    with pytest.raises(NucleateError, match="a worker process was killed while counting") as caught:
        list(Work.local(2).run("counting", die, range(6), 6))
    assert "--workers 1" in caught.value.hint
    with ProcessPoolExecutor(1) as pool, pytest.raises(NucleateError, match="while counting"):
        list(Work(pool).run("counting", die, range(6), 6))
    assert issubclass(BrokenProcessPool, Exception)


def test_a_time_limit_stands_in_for_that_of_settings():
    assert Work().seconds(60.0) == 60.0
    assert Work(time_limit=2.0).seconds(60.0) == 2.0
    assert Work().limiting(Timed()) == Timed()
    assert Work(time_limit=2.0).limiting(Timed()) == Timed(2.0)


def test_work_with_one_field_replaced_keeps_the_others():
    work = Work.local(3, print, Path("a"), 5.0)
    assert work.kept_in(Path("b")) == Work.local(3, print, Path("b"), 5.0)
    assert work.alone == Work(cache=Path("a"), time_limit=5.0)


@pytest.mark.parametrize("workers", [0, -1, 257])
def test_impossible_numbers_of_workers_are_refused(workers):
    with pytest.raises(NucleateError, match="workers") as caught:
        Work.local(workers)
    assert caught.value.hint


def test_a_limit_is_a_number_of_seconds():
    for limit in (-1.0, float("nan"), 1e30):
        with pytest.raises(NucleateError):
            Work(time_limit=limit)


KILLED = """
import os, signal, sys, time
from nucleate.work import Work

def sleep(seconds):
    os.write(1, f"{os.getpid()}\\n".encode())  # whole lines: two processes write them
    time.sleep(seconds)

if __name__ == "__main__":
    for _ in Work.local(2).run("sleeping", sleep, [0.1] * 20 + [0.5] * 2000, 2020):
        pass
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_a_parent_that_was_killed(number, tmp_path):
    (tmp_path / "killed.py").write_text(KILLED)
    parent = subprocess.Popen([sys.executable, tmp_path / "killed.py"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = {int(parent.stdout.readline()) for _ in range(10)}
    parent.send_signal(number)
    parent.wait()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.1)
