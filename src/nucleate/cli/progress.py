"""Progress of long work: a bar for each stage on a terminal, occasional lines elsewhere, nothing for no work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nucleate.cli.console import detail, say, shows_bars

if TYPE_CHECKING:
    from nucleate.work import Progress

EVERY = 60.0
"""Seconds between two lines of a stage where there is no terminal."""


@contextmanager
def progress_bars(scale: int = 1) -> Iterator[Progress]:
    """A function to call with a stage, the pieces done and their total; `scale` pieces make one unit for the user."""
    stages: dict[str, _Stage] = {}
    bars = _rich_bars() if shows_bars() else None

    def advance(stage: str, done: int, total: int) -> None:
        if total <= 0:
            return
        if stage not in stages:
            stages[stage] = _Stage(stage, scale)
            if bars is not None:
                bars.start()  # not before there is something to show
                stages[stage].bar = bars.add_task(stage, total=total, count="")
        one = stages[stage]
        one.move(done, total)
        if bars is None:
            one.speak_now_and_then()
        else:
            bars.update(one.bar, completed=done, total=total, count=one.count)

    try:
        yield advance
    finally:
        if bars is not None:
            bars.stop()
        for one in stages.values():
            detail(f"{one.name}: {one.count} in {one.end - one.begin:.1f} s")


class _Stage:
    """One stage: its progress, and when it was last printed."""

    def __init__(self, name: str, scale: int) -> None:
        self.name, self.scale, self.done, self.total = name, scale, 0, 1
        self.begin = self.end = self.spoken = time.monotonic()
        self.first: int | None = None
        self.bar: Any = None

    def move(self, done: int, total: int) -> None:
        self.done, self.total, self.end = done, total, time.monotonic()
        self.first = done if self.first is None else self.first

    @property
    def count(self) -> str:
        return f"{self.done // self.scale}/{self.total // self.scale}"

    def speak_now_and_then(self) -> None:
        if self.end - self.spoken < EVERY or self.done >= self.total:
            return
        self.spoken = self.end
        left = ""
        if self.done > (self.first or 0):
            rate = (self.end - self.begin) / (self.done - (self.first or 0))
            left = f", {rate * (self.total - self.done) / 60:.0f} min left"
        say(f"{self.name}: {self.count}{left}")


def _rich_bars() -> Any:
    """Bars that vanish when done; their clock runs even before the first piece is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[count]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
