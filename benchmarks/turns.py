"""Runs that are compared take turns, so that other work of the machine affects them equally."""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

Seconds = dict[str, list[tuple[float, float]]]


def take_turns(runs: dict[str, Callable[[], None]], repeats: int, device: str) -> Seconds:
    """Wall-clock and processor seconds of each run, in turn in every round, after an uncounted first round."""
    seconds: Seconds = {name: [] for name in runs}
    for number in range(repeats + 1):
        for name, run in runs.items():
            _wait(device)
            start, start_busy = time.perf_counter(), time.process_time()
            run()
            _wait(device)
            if number:
                seconds[name].append((time.perf_counter() - start, time.process_time() - start_busy))
    return seconds


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def summary(seconds: Seconds, crystals: int) -> dict:
    """Medians, crystals/s, and ratios of the medians of the scatter runs to the dense one.

    Processor seconds are what the runs cost where other programs share the machine; they mean nothing for a GPU.
    """
    record = {}
    for column, kind in enumerate(("wall", "processor")):
        times = {name: [pair[column] for pair in pairs] for name, pairs in seconds.items()}
        medians = {name: statistics.median(values) for name, values in times.items()}
        record[kind] = {
            "seconds": {name: [round(s, 4) for s in values] for name, values in times.items()},
            "median_seconds": {name: round(s, 4) for name, s in medians.items()},
            "crystals_per_second": {name: round(crystals / s, 2) for name, s in medians.items()},
            "ratio_of_medians": {
                f"{name} / dense": round(s / medians["dense"], 3)
                for name, s in medians.items()
                if name != "dense"
            },
        }
    return record


def hardware(device: str) -> str:
    if device != "cpu":
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown CPU"
        )
    return platform.processor() or "unknown CPU"
